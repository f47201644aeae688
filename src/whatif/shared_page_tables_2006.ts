/**
 * What if the generic shared page tables of 2006 were merged?
 *
 * A table is shared between address spaces that map the same file in the same way at the same
 * address, if one VMA covers the table's whole span. Populated once, it is populated for all.
 *
 * @source the patches of May 2006 for 2.6.17-rc3 and their review: file-backed VMAs only; never
 *         writable private ones; the donor has the same start, end, offset and access rights;
 *         PTE level on all architectures, PMD level on x86-64; the PUD level was dropped
 * @omits  the `anon_vma` rule of the review for private read-only VMAs: whether such a VMA once
 *         was written is not visible in /proc. It is taken as never written, and the saving as an
 *         upper bound
 */
import type { HostSnapshot } from '../snapshot/records.ts';
import type { ShareRule } from '../twin/count_tables.ts';
import { hugetlbPmdSharing } from '../twin/hugetlb_pmd_sharing.ts';
import { PROT } from '../uapi/mman.ts';
import { anyOf, type Design } from './design.ts';

export const sharedPteTables: Design = design(
  'pt2006-pte',
  'Shared page tables of 2006, PTE tables',
  0,
);

export const sharedPteAndPmdTables: Design = design(
  'pt2006-pmd',
  'Shared page tables of 2006, PTE and PMD tables',
  1,
);

function design(id: string, title: string, levelMax: number): Design {
  return {
    id,
    title,
    system: 'S1',
    apply: ({ snapshot }) => ({
      snapshot,
      rule: anyOf(sameMapping(snapshot, levelMax), hugetlbPmdSharing(snapshot)),
      change: 'left',
      bound: 'upper',
      requires: [
        'A kernel with the patch: it was last posted for 2.6.17 and not merged',
        'The same file, address, length, offset and rights in every process: fork gives this, ASLR after exec does not',
      ],
      costs: [
        'Unmapping a page through the reverse map flushes the TLBs of all CPUs',
        'mprotect, mremap or munmap of a part gives the sharing up for that process, which then faults again',
        'VmPTE can no longer say what a process costs',
      ],
      reservedBytes: 0,
    }),
  };
}

function sameMapping(snapshot: HostSnapshot, levelMax: number): ShareRule {
  return ({ level, cover, first }) => {
    if (level > levelMax || cover === undefined || cover.object < 0) return undefined;
    if (!cover.shared && (cover.protection & PROT.WRITE) !== 0) return undefined;
    const { kind } = snapshot.objects[cover.object]!;
    if (kind === 'device' || kind === 'special' || kind === 'hugetlb') return undefined;
    const { object, start, end, offset, protection, shared } = cover;
    return {
      key: `2006:${level}:${object}:${start}:${end}:${offset}:${protection}:${shared}`,
      index: first,
    };
  };
}
