/**
 * The one kind of page table that Linux shares today: PMD tables of hugetlb mappings.
 *
 * @source Linux 6.18 mm/hugetlb.c want_pmd_share(), page_table_shareable(), measured with tables
 *         read in the kernel. VmPTE counts such a table for every sharer, PageTables once.
 * @omits  VM_LOCKED and advice flags, which maps does not show: VMAs that differ in them do not
 *         share. VMAs whose PMD table was populated before a split do not share again.
 */
import type { HostSnapshot } from '../snapshot/records.ts';
import type { ShareRule } from './count_tables.ts';

/** The kernel of the snapshot as it runs: what is shared today, without any further design. */
export function hugetlbPmdSharing(snapshot: HostSnapshot): ShareRule {
  return ({ level, cover, first, pages }) => {
    if (level !== 1 || cover === undefined || cover.object < 0 || !cover.shared) return undefined;
    const object = snapshot.objects[cover.object]!;
    if (object.kind !== 'hugetlb') return undefined;
    // Sharers may map the object at different addresses, but at the same place within a table.
    const page = first * pages - cover.start + cover.offset;
    const congruence = page % pages;
    return {
      key: `hugetlb:${cover.object}:${cover.protection}:${congruence}`,
      index: (page - congruence) / pages,
    };
  };
}
