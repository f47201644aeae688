/**
 * What if fork shared PTE tables until the first write? As published (on-demand-fork), and as posted for
 * Linux (COW-PTE), which differ in who asks for it, and in whose the tables are.
 *
 * A PTE table of anonymous memory that is the same in several address spaces, frame by frame, is
 * one that no side has written under since the fork: on-demand-fork would still share it.
 *
 * @source On-demand-fork, EuroSys 2021: anonymous private memory, PTE tables that one VMA covers;
 *         upper levels and huge pages are copied at fork as today
 * @source COW-PTE v4, LKML, February 2023: the same tables; asked for by prctl(PR_SET_COW_PTE) before
 *         the fork; pages and table are charged to the owner, who had them before
 * @omits  COW-PTE's sharing of tables in which several VMAs have a part
 */
import type { PoolPlace, TableView } from '../twin/count_tables.ts';
import { hugetlbPmdSharing } from '../twin/hugetlb_pmd_sharing.ts';
import { anyOf, type Design } from './design.ts';

const COPY = 'The first write under a shared table copies it: 512 entries and their counts';

export const onDemandFork = design(
  'on-demand-fork',
  'On-demand-fork: anonymous PTE tables copied at the first write',
  ['A kernel with on-demand-fork or COW-PTE: neither was merged'],
  [COPY],
);

/** Saves what on-demand-fork saves; `cost` shows who is charged. */
export const cowPte = design(
  'cow-pte',
  'COW-PTE: the same, asked for by process, charged to who forks',
  [
    'A kernel with COW-PTE: posted from May 2022 to February 2023, and not merged',
    'Who forks asks for it before (PR_SET_COW_PTE)',
  ],
  [COPY, 'VmPTE and RSS of children leave out what they share; of an owner that has ended, all do'],
);

function design(
  id: string,
  title: string,
  requires: readonly string[],
  costs: readonly string[],
): Design {
  return {
    id,
    title,
    system: 'S8',
    apply: ({ snapshot }) => ({
      snapshot,
      rule: anyOf(sameAnonymousContent, hugetlbPmdSharing(snapshot)),
      change: 'copied',
      // Without frame numbers, which are for root only, no two tables can be told to be the same.
      bound: snapshot.coverage.contentsCompared ? 'exact' : 'lower',
      requires,
      costs,
      reservedBytes: 0,
    }),
  };
}

function sameAnonymousContent({ level, cover, content }: TableView): PoolPlace | undefined {
  if (level !== 0 || content === 0 || cover === undefined) return undefined;
  if (cover.object >= 0 || cover.shared) return undefined;
  return { key: 'content', index: content };
}
