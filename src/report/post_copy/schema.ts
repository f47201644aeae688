/** What a comparison of how a guest is migrated says, as JSON. */
import { z } from 'zod';
import { workloadEntry } from '../designs/schema.ts';

export const POST_COPY_SCHEMA = 'ptshare/post-copy/1';

const count = z.number().int().nonnegative();
const bytes = z.number().nonnegative();
const us = z.number().nonnegative();

const rounds = z
  .array(bytes)
  .describe('to pieces of which sizes it is collapsed, one after the other');

const collapseEntry = z.object({
  rounds,
  totalUs: us.describe('microseconds that it takes'),
  longestUs: us.describe('microseconds that a vCPU waits at most for what is collapsed'),
  entries: count.describe('entries changed'),
  counts: count.describe('map counts of small pages changed'),
  tableBytes: bytes.describe('page tables that are left, the root included'),
});

const designEntry = z.object({
  id: z.string(),
  title: z.string(),
  pageBytes: bytes.describe('pages of hugetlb'),
  pieceBytes: bytes.describe('what is fetched, and mapped, at once'),
  faults: count.describe('times that a vCPU has waited'),
  medianUs: us.describe('microseconds from the fault until the vCPU goes on: the median'),
  p99Us: us.describe('the same: 99 of 100 wait no longer'),
  stalledUs: us.describe('microseconds that all vCPUs together have waited'),
  totalUs: us.describe('microseconds until all is there'),
  tableBytes: bytes.describe('page tables when all is there, the root included'),
  collapses: z
    .array(collapseEntry)
    .describe('the collapse at the end, in one round and in two; none where pages are whole'),
});

const engineDesign = z.object({
  id: z.string().describe('as in designs[]'),
  tableBytes: bytes.describe('page tables when all was fetched, the root included'),
  faults: count.describe('faults that userfaultfd was told of'),
  locks: count.describe('locks taken until all was fetched'),
  entriesWritten: count.describe('entries written until all was fetched'),
  tablesMade: count.describe('page tables allocated'),
  rounds: z
    .array(
      z.object({
        toBytes: bytes.describe('to pieces of which size'),
        entriesWritten: count,
        flushes: count.describe('flushes by a CPU of its own TLB'),
        locks: count,
        tableBytes: bytes.describe('page tables that are left, the root included'),
      }),
    )
    .describe('the collapse, round by round'),
});

export const postCopySchema = z.object({
  schema: z.literal(POST_COPY_SCHEMA),
  workload: workloadEntry,
  processes: count.describe('vCPUs'),
  bytes: bytes.describe("the guest's memory"),
  parameters: z
    .object({
      bitsPerSecond: z.number().positive().describe('of the link'),
      roundTripUs: us.describe('microseconds to the other host and back'),
      resumeUs: us.describe('microseconds from the arrival of a piece until the vCPU goes on'),
      touchUs: us.describe('microseconds between two pages that a vCPU touches'),
      entryUs: us.describe('microseconds for an entry that a collapse changes'),
      countUs: us.describe('microseconds for a map count of a small page'),
    })
    .describe('what times follow from'),
  designs: z.array(designEntry),
  engine: z
    .object({
      bytes: bytes.describe('memory of the guest that the engine has run'),
      agrees: z.boolean().describe('whether tables and entries are those of designs[]'),
      designs: z.array(engineDesign),
    })
    .describe('the same calls, made in the engine and counted there'),
});

export type PostCopyComparison = z.infer<typeof postCopySchema>;
export type PostCopyEntry = z.infer<typeof designEntry>;
export type PostCopyEngineEntry = z.infer<typeof engineDesign>;
