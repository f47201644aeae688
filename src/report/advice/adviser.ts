/** What an adviser works on, and what several of them share. */
import type { HostTwin } from '../../twin/explain.ts';
import type { Evaluation } from '../../whatif/evaluate.ts';
import { poolFor } from '../../whatif/hugetlb.ts';
import type { Segment } from '../../whatif/segments.ts';
import type { AdviceEntry } from '../schema.ts';

/** A shared segment that hugetlb memory could back, and who maps it. */
export interface Candidate {
  readonly segment: Segment;
  /** Group with the most processes that map it. */
  readonly group: string;
}

export interface AdviserInput {
  readonly twin: HostTwin;
  /** Segments that no adviser before this one has taken. */
  readonly candidates: readonly Candidate[];
  readonly hugetlb: Evaluation;
  readonly hugePages: number;
}

/** Advice, and the segments it covers: nobody is told to do two things with one segment. */
export interface Advised {
  readonly entry: AdviceEntry;
  readonly segments: readonly Segment[];
}

export type Adviser = (input: AdviserInput) => readonly Advised[];

export type Step = AdviceEntry['steps'][number];

/** Bytes of tables that moving `segments` to hugetlb memory saves. */
export function hugetlbSaving(
  { twin, hugetlb }: AdviserInput,
  segments: readonly Segment[],
): number {
  let pages = 0;
  for (const { object } of segments) {
    pages += twin.today.objects[object]! - hugetlb.count.objects[object]!;
  }
  return pages * twin.pageBytes;
}

/** Steps that make the hugetlb pool large enough for `segments`, now and after a reboot. */
export function poolSteps(input: AdviserInput, segments: readonly Segment[]): Step[] {
  const { snapshot, pageBytes } = input.twin;
  const { pages, missing } = poolFor(snapshot, segments, input.hugePages);
  const bytes = input.hugePages * pageBytes;
  const total = snapshot.host.hugetlbPools.find((pool) => pool.pageBytes === bytes)?.total ?? 0;
  if (missing === 0) {
    return [{ text: `The hugetlb pool has the ${pages} free pages needed: nothing to reserve` }];
  }
  const wanted = total + missing;
  return [
    {
      text: `Reserve ${missing} more huge pages, while memory is not yet fragmented`,
      command: `sysctl -w vm.nr_hugepages=${wanted}`,
    },
    {
      text: 'See that all of them were had; a lower number wants a reboot or more free memory',
      command: 'grep HugePages_Total /proc/meminfo',
    },
    {
      text: 'Keep it over a reboot',
      command: `echo 'vm.nr_hugepages = ${wanted}' > /etc/sysctl.d/60-hugepages.conf`,
    },
  ];
}

/** The step that ends every piece of advice: measure what it did. */
export const COMPARE_STEP: Step = {
  text: 'Measure what it did: save the host before the change, compare after it',
  command:
    'ptshare host --save before.parquet   # then, after: ptshare host --compare before.parquet',
};

export const POOL_CAVEAT =
  'Reserved huge pages are lost to everything else, whether or not the program runs';
