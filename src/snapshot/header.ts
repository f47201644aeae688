/** What a snapshot says once about its host: the JSON text in the file's key-value metadata. */
import { z } from 'zod';
import { GEOMETRIES } from '../arch/geometry.ts';
import type { Coverage, HostFacts, HostSnapshot } from './records.ts';
import { Mend, SnapshotError } from './snapshot_error.ts';

const count = z.int().nonnegative();
const word = z.string().max(1024);

const hostSchema = z.strictObject({
  hostname: word,
  kernelRelease: word,
  machine: word,
  geometry: z.enum(GEOMETRIES.map(({ id }) => id)),
  memTotalBytes: count,
  pageTablesBytes: count,
  rootPages: count.positive().max(1024),
  countersFolded: z.boolean(),
  hugetlbPools: z
    .array(
      z.strictObject({
        pageBytes: count.positive(),
        total: count,
        free: count,
        reserved: count,
        surplus: count,
      }),
    )
    .max(64),
  defaultHugetlbBytes: count,
  thpEnabled: word,
  shmemThpEnabled: word,
}) satisfies z.ZodType<HostFacts>;

const coverageSchema = z.strictObject({
  processes: count,
  statusOnly: count,
  vanished: count,
  raced: count,
  sharedMm: count,
  skipped: count,
  wholeHost: z.boolean(),
  contentsCompared: z.boolean(),
  notes: z.array(z.string()).max(10_000),
}) satisfies z.ZodType<Coverage>;

const headerSchema = z.strictObject({
  takenAt: z.iso.datetime().refine((text) => Date.parse(text) >= 0, 'is before 1970'),
  host: hostSchema,
  coverage: coverageSchema,
});

export type SnapshotHeader = Pick<HostSnapshot, 'takenAt' | 'host' | 'coverage'>;

const PLACE = 'header';
/** UTF-16 units. Of a capture with many notes, some thousands are used. */
const LENGTH_MAX = 2 ** 20;

/** @throws SnapshotError for the first thing that is not as the schema says */
export function checkHeader(header: unknown): SnapshotHeader {
  const result = headerSchema.safeParse(header);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  // zod would repeat the unknown key, which may be megabytes or move a terminal's cursor.
  const what = issue.code === 'unrecognized_keys' ? 'a key is not known' : issue.message;
  throw new SnapshotError([PLACE, ...issue.path].join('.'), what);
}

/** @throws SnapshotError if the text would be too long to read */
export function formatHeader({ takenAt, host, coverage }: SnapshotHeader): string {
  const text = JSON.stringify({ takenAt, host, coverage });
  checkLength(text);
  return text;
}

/** @throws SnapshotError if `text` is not JSON, or not a header */
export function parseHeader(text: string): SnapshotHeader {
  checkLength(text);
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch {
    throw new SnapshotError(PLACE, 'it is not JSON');
  }
  return checkHeader(header);
}

function checkLength(text: string): void {
  if (text.length > LENGTH_MAX) {
    throw new SnapshotError(PLACE, 'it is longer than allowed', Mend.TOO_LARGE);
  }
}
