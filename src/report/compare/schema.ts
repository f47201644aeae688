/** What a change to a host really did, as data: what `ptshare host --compare --json` prints. */
import { z } from 'zod';

/** Raised whenever a field changes its meaning or goes away; new fields do not raise it. */
export const COMPARE_SCHEMA = 'ptshare.compare/1';

const count = z.number().int().nonnegative();
const bytes = z.number().nonnegative();
const difference = z.number();

const side = z.object({ takenAt: z.string(), hostname: z.string(), kernelRelease: z.string() });

const change = z.object({
  beforeBytes: bytes,
  afterBytes: bytes,
  savesBytes: difference.describe('beforeBytes - afterBytes'),
});

const groupChange = change.extend({
  name: z.string().describe('as in groups[] of a host'),
  processesBefore: count.describe('0 if the group is new'),
  processesAfter: count.describe('0 if the group is gone'),
});

const kindChange = change.extend({
  kind: z.string().describe('as in objects[] of a host'),
  mappedBeforeBytes: bytes.describe('data bytes of the objects of this kind'),
  mappedAfterBytes: bytes,
});

const verdict = z.object({
  id: z.string().describe('as in designs[] of the host before'),
  title: z.string(),
  bound: z.enum(['exact', 'upper', 'lower']).describe('how far the prediction can be held to'),
  groups: z.array(z.string()).describe('groups with at least 1 % of the predicted saving'),
  predictedBytes: difference.describe('what these groups were to save'),
  measuredBytes: difference.describe('what these groups saved, each shared table counted once'),
  percent: z.number().nullable().describe('measured of predicted; null if nothing was predicted'),
});

export const comparisonSchema = z.object({
  schema: z.literal(COMPARE_SCHEMA),
  before: side,
  after: side,
  reported: change.describe('PageTables of /proc/meminfo'),
  user: change.describe('tables of processes, each shared one once, and roots'),
  groups: z.array(groupChange).describe('VmPTE by group, largest change first'),
  kinds: z.array(kindChange).describe('tables of mapped objects by kind of object'),
  designs: z.array(verdict).describe('what each design predicted before, and what came of it'),
  inForce: z.string().nullable().describe('id of the design that the change put in force'),
  notes: z.array(z.string()).describe('what makes the two hosts hard to compare'),
});

export type Comparison = z.infer<typeof comparisonSchema>;
export type Change = z.infer<typeof change>;
export type GroupChange = z.infer<typeof groupChange>;
export type KindChange = z.infer<typeof kindChange>;
export type Verdict = z.infer<typeof verdict>;
