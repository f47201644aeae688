/** What to change on this host, in exact steps, largest saving first. */
import { slotPages } from '../arch/geometry.ts';
import type { HostSnapshot } from '../snapshot/records.ts';
import { geometryOf } from '../twin/count_tables.ts';
import type { HostTwin } from '../twin/explain.ts';
import type { Evaluation } from '../whatif/evaluate.ts';
import { isShmem, type Segment, segmentsOf } from '../whatif/segments.ts';
import type { Adviser, Candidate } from './advice/adviser.ts';
import { adviseJvm } from './advice/jvm.ts';
import { advisePostgres } from './advice/postgres.ts';
import { adviseShmem } from './advice/shmem.ts';
import { adviseSysv } from './advice/sysv.ts';
import { groupOf } from './groups.ts';
import type { AdviceEntry } from './schema.ts';

/** The more particular first: each takes its segments away from those behind it. */
const ADVISERS: readonly Adviser[] = [advisePostgres, adviseSysv, adviseShmem, adviseJvm];

/** Changing a server for less than this is not worth a restart. */
const SAVING_BYTES_MIN = 1024 * 1024;

export function adviseHost(twin: HostTwin, evaluations: readonly Evaluation[]): AdviceEntry[] {
  const { snapshot } = twin;
  const hugePages = slotPages(geometryOf(snapshot));
  const hugetlb = evaluations.find(({ design }) => design.id === 'hugetlb-2m')!;
  let candidates: readonly Candidate[] = [
    ...segmentsOf(snapshot, hugePages, hugePages, isShmem).values(),
  ].map((segment) => ({ segment, group: mainGroup(snapshot, segment) }));
  const entries: AdviceEntry[] = [];
  for (const adviser of ADVISERS) {
    const advised = adviser({ twin, candidates, hugetlb, hugePages });
    const taken = new Set(advised.flatMap(({ segments }) => segments));
    candidates = candidates.filter(({ segment }) => !taken.has(segment));
    entries.push(...advised.map(({ entry }) => entry));
  }
  return entries
    .filter(({ savesBytes }) => savesBytes >= SAVING_BYTES_MIN)
    .sort((a, b) => b.savesBytes - a.savesBytes);
}

/** The group with the most processes among those that map a segment. */
function mainGroup(snapshot: HostSnapshot, segment: Segment): string {
  const counts = new Map<string, number>();
  for (const index of segment.mms) {
    const group = groupOf(snapshot.mms[index]!);
    counts.set(group, (counts.get(group) ?? 0) + 1);
  }
  return [...counts].reduce((most, entry) => (entry[1] > most[1] ? entry : most))[0];
}
