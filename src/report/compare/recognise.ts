/**
 * Which design a change put in force, from what became of the shared segments. Only designs of the
 * kernel as it is can be recognised: for the others, the kernel would be another one.
 */
import type { HostReport } from '../schema.ts';
import type { KindChange } from './schema.ts';

/** Kinds whose pages hugetlb or huge shmem could back instead. */
const SEGMENT_KINDS = ['shmem', 'sysv', 'memfd', 'shared-anon'];

/** What has moved counts from one half on: a host has other segments, and they stay. */
const PART_MIN = 0.5;

/** The id of one of `before.designs`, or null. */
export function designInForce(before: HostReport, kinds: readonly KindChange[]): string | null {
  if (movedToHugetlb(kinds)) return firstAdvised(before, 'hugetlb-');
  if (movedToHugePages(kinds)) return firstAdvised(before, 'shmem-thp');
  return null;
}

/** Segments went, and hugetlb objects came in their place. */
function movedToHugetlb(kinds: readonly KindChange[]): boolean {
  const segments = ofKinds(kinds, SEGMENT_KINDS);
  const hugetlb = ofKinds(kinds, ['hugetlb']);
  const gone = segments.mappedBeforeBytes - segments.mappedAfterBytes;
  const came = hugetlb.mappedAfterBytes - hugetlb.mappedBeforeBytes;
  return gone > 0 && gone >= segments.mappedBeforeBytes * PART_MIN && came >= gone * PART_MIN;
}

/** Segments stayed, and their tables went. */
function movedToHugePages(kinds: readonly KindChange[]): boolean {
  const { mappedBeforeBytes, mappedAfterBytes, beforeBytes, afterBytes } = ofKinds(
    kinds,
    SEGMENT_KINDS,
  );
  const stayed = mappedAfterBytes >= mappedBeforeBytes * PART_MIN;
  return stayed && beforeBytes > 0 && afterBytes <= beforeBytes * PART_MIN;
}

type Sums = Omit<KindChange, 'kind' | 'savesBytes'>;

function ofKinds(kinds: readonly KindChange[], wanted: readonly string[]): Sums {
  const sums = { mappedBeforeBytes: 0, mappedAfterBytes: 0, beforeBytes: 0, afterBytes: 0 };
  for (const change of kinds.filter(({ kind }) => wanted.includes(kind))) {
    sums.mappedBeforeBytes += change.mappedBeforeBytes;
    sums.mappedAfterBytes += change.mappedAfterBytes;
    sums.beforeBytes += change.beforeBytes;
    sums.afterBytes += change.afterBytes;
  }
  return sums;
}

/** Of the designs whose id starts so, the one that was advised, or else the first. */
function firstAdvised({ designs, advice }: HostReport, prefix: string): string | null {
  const ids = designs.map(({ id }) => id).filter((id) => id.startsWith(prefix));
  const advised = ids.find((id) => advice.some(({ design }) => design === id));
  return advised ?? ids[0] ?? null;
}
