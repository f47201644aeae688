/**
 * What if fork shared PTE tables until the first write?
 *
 * A PTE table of anonymous memory that is the same in several address spaces, frame by frame, is
 * one that no side has written under since the fork: on-demand-fork would still share it.
 *
 * @source On-demand-fork, EuroSys 2021: anonymous private memory, PTE tables that one VMA covers;
 *         upper levels and huge pages are copied at fork as today
 */
import type { ShareRule } from '../twin/count_tables.ts';
import { hugetlbPmdSharing } from '../twin/hugetlb_pmd_sharing.ts';
import { anyOf, type Design } from './design.ts';

export const onDemandFork: Design = {
  id: 'on-demand-fork',
  title: 'On-demand-fork: anonymous PTE tables copied at the first write',
  system: 'S8',
  apply: ({ snapshot }) => ({
    snapshot,
    rule: anyOf(sameAnonymousContent, hugetlbPmdSharing(snapshot)),
    change: 'copied',
    // Without frame numbers, which are for root only, no two tables can be told to be the same.
    bound: snapshot.coverage.contentsCompared ? 'exact' : 'lower',
    requires: ['A kernel with on-demand-fork or COW-PTE: neither was merged'],
    costs: ['The first write under a shared table copies it: 512 entries and their counts'],
    reservedBytes: 0,
  }),
};

const sameAnonymousContent: ShareRule = ({ level, cover, content }) => {
  if (level !== 0 || content === 0 || cover === undefined) return undefined;
  if (cover.object >= 0 || cover.shared) return undefined;
  return { key: 'content', index: content };
};
