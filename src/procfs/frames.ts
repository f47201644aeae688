/** What the bookkeeping of frames says of one. */
import {
  entireMapcount,
  FrameFlag,
  headOf,
  hstateOf,
  hugetlbMapcount,
  isHugetlb,
  type Machine,
  orderOf,
  type Vma,
  ZERO_FRAME,
} from '../mm/index.ts';

/** Entries that map the frame, alone or as a part of a huge page. @source folio_precise_page_mapcount() */
export function mapcountOf(machine: Machine, frame: number): number {
  const head = headOf(machine, frame);
  const entire = orderOf(machine, head) === 0 ? 0 : entireMapcount(machine, head);
  return machine.frameMapcount[frame]! + entire;
}

/** The flags that a frame has as a part of its folio. */
export function folioFlags(machine: Machine, frame: number): number {
  return machine.frameFlags[headOf(machine, frame)]!;
}

/** Whether it is a part of the huge page of zeroes. */
export function isHugeZeroFrame(machine: Machine, frame: number): boolean {
  return frame !== ZERO_FRAME && (folioFlags(machine, frame) & FrameFlag.RESERVED) !== 0;
}

/** Of the two folios of zeroes, nobody counts who maps them. */
export function isZeroFrame(machine: Machine, frame: number): boolean {
  return frame === ZERO_FRAME || isHugeZeroFrame(machine, frame);
}

/** Whether any entry maps the folio, or a frame of it. */
export function isFolioMapped(machine: Machine, head: number): boolean {
  const end = head + 2 ** orderOf(machine, head);
  for (let frame = head; frame < end; frame++) if (mapcountOf(machine, frame) > 0) return true;
  return false;
}

/**
 * Whether others may have a huge page of hugetlb that the entry at `slot` maps, too: by an entry of
 * their own, or by this one, in a table that they share.
 *
 * @source folio_maybe_mapped_shared(), hugetlb_pmd_shared()
 */
export function isHugetlbShared(machine: Machine, slot: number, frame: number): boolean {
  if (hugetlbMapcount(machine, headOf(machine, frame)) > 1) return true;
  return machine.tableShares[Math.floor(slot / machine.tableEntries)]! > 0;
}

/** Bytes of the pages that a VMA is mapped by. @source vma_kernel_pagesize() */
export function kernelPageBytes({ format }: Machine, vma: Vma): number {
  return (isHugetlb(vma) ? hstateOf(vma).pages : 1) * 2 ** format.pageShift;
}
