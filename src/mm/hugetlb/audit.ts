/** The truth about hugetlb, recounted: pools, reservations, what address spaces are charged. */
import type { Found } from '../audit_found.ts';
import type { Inode } from '../file/inode.ts';
import type { Machine } from '../machine.ts';
import { headOf, orderOf } from '../page/frame.ts';
import { mappedFrameAt } from '../table/mapped_entry.ts';
import { isTableAt } from '../table/pgtable.ts';
import type { Mm } from '../vma/mm.ts';
import { pgoffAt, VM } from '../vma/vma.ts';
import { violate } from '../world/property.ts';
import { FrameFlag, NONE } from '../world/world.ts';
import { HugetlbFlag, hugetlbFlags, isHugetlbFolio } from './folio.ts';
import { granularDesign } from './granular.ts';
import { type Hstate, hstateOf, hugeIndexAt, isHugetlb } from './hstate.ts';
import { isContiguousAt } from './huge_pte.ts';
import { countRegions } from './resv_map.ts';

/**
 * Compares what the pools say with the pages that there are, and with the mappings that have promises.
 * Called when no operation is under way.
 *
 * @param mappedPages small pages of huge ones that entries of all tables map, each table once
 */
export function auditHugetlb(machine: Machine, mappedPages: number): void {
  const { hstates, departedPages } = machine.hugetlb;
  checkViews(machine);
  const used = usedFolios(machine);
  for (const hstate of hstates) {
    const own = used.filter((head) => orderOf(machine, head) === hstate.order);
    checkPool(machine, hstate, own.length);
    if (hstate.reserved !== countReserved(machine, hstate, own)) violate(machine, 'P-COUNT');
  }
  const charged = machine.mms.all().reduce((sum, { hugetlbPages }) => sum + hugetlbPages, 0);
  if (charged + departedPages !== mappedPages) violate(machine, 'P-COUNT');
  for (const inode of machine.inodes.all())
    if (inode.hugetlb !== undefined) checkFile(machine, inode);
}

/**
 * Counts the entry of `level` at `slot`, which maps a page of hugetlb or a piece of one: one reference
 * for each entry, or run of them, and maps as the machine counts them.
 */
export function countHugetlb(machine: Machine, slot: number, level: number, found: Found): void {
  const pages = machine.format.entryPages[level]!;
  found.hugetlbPages[0]! += pages;
  const run = isContiguousAt(machine, slot, level) ? machine.format.contiguousEntries(level) : 1;
  if (slot % run !== 0) return;
  const frame = mappedFrameAt(machine, slot, level);
  const head = headOf(machine, frame);
  found.hugeMaps[head]!++;
  const counting = granularDesign(machine)?.counting ?? 'entries';
  const isWhole = run * pages === 2 ** orderOf(machine, head);
  if (counting === 'entries' || isWhole) found.entire[head]!++;
  else if (counting === 'subpages') {
    for (let at = frame; at < frame + run * pages; at++) found.maps[at]!++;
  }
}

/** Where entries of the size of a huge page are counted, one that refers to a table is one, too. */
export function countTop(
  machine: Machine,
  { vmas }: Mm,
  slot: number,
  level: number,
  page: number,
  { entire }: Found,
): void {
  if (granularDesign(machine)?.counting !== 'top' || !isTableAt(machine, slot, level)) return;
  const vma = vmas.at(page);
  if (vma === undefined || !isHugetlb(vma)) return;
  const hstate = hstateOf(vma);
  if (hstate.level !== level || hstate.entries > 1) return;
  const frame = cachedAt(vma.file!.inode, pgoffAt(vma, page));
  if (frame === NONE) violate(machine, 'P-COUNT');
  else entire[headOf(machine, frame)]!++;
}

/** The frame that a file has for a page; of huge ones, it keeps the first. */
export function cachedAt({ hugetlb, pages }: Inode, pgoff: number): number {
  if (hugetlb === undefined) return pages.get(pgoff);
  const offset = pgoff % hugetlb.hstate.pages;
  const head = pages.get(pgoff - offset);
  return head === NONE ? NONE : head + offset;
}

/** Who shares a table has all that it maps in one VMA. */
function checkViews(machine: Machine): void {
  for (const { mm, start, end } of machine.views.save()) {
    const vma = machine.mms.find(mm)?.vmas.at(start);
    if (vma === undefined || !isHugetlb(vma)) continue;
    if (vma.start > start || vma.end < end) violate(machine, 'P-COUNT');
  }
}

/** The heads of all pages of hugetlb that somebody holds. */
function usedFolios(machine: Machine): number[] {
  const used: number[] = [];
  for (let head = 0; head < machine.size.frames; head++) {
    if ((machine.frameFlags[head]! & FrameFlag.HEAD) === 0) continue;
    if (!isHugetlbFolio(machine, head)) continue;
    if (machine.frameReferences[head]! > 0) used.push(head);
    head += 2 ** orderOf(machine, head) - 1;
  }
  return used;
}

function checkPool(machine: Machine, { pages, free, total, surplus }: Hstate, used: number): void {
  if (used + free.length !== total || surplus > total) violate(machine, 'P-COUNT');
  for (const head of free) {
    const isWhole = headOf(machine, head + pages - 1) === head;
    if (machine.frameReferences[head] !== 0 || !isWhole) violate(machine, 'P-COUNT');
  }
}

/** Every page of a file has its region. */
function checkFile(machine: Machine, { pages, hugetlb }: Inode): void {
  const { hstate, resv } = hugetlb!;
  for (const pgoff of pages.within(0, Number.POSITIVE_INFINITY)) {
    const index = pgoff / hstate.pages;
    if (countRegions(resv, index, index + 1) === 0) violate(machine, 'P-COUNT');
  }
}

/**
 * What is promised: of files, regions without a page; of private mappings, what their maps do not say
 * is used; what mounts keep as their minimum. What comes back with the last reference is not yet.
 */
function countReserved(machine: Machine, hstate: Hstate, used: readonly number[]): number {
  let reserved = 0;
  for (const { hugetlb, pages } of machine.inodes.all()) {
    if (hugetlb?.hstate !== hstate) continue;
    reserved += countRegions(hugetlb.resv, 0, Number.POSITIVE_INFINITY) - pages.size;
  }
  for (const vma of machine.vmas.all()) {
    if ((vma.flags & (VM.HUGETLB | VM.MAYSHARE)) !== VM.HUGETLB || hstateOf(vma) !== hstate)
      continue;
    const map = vma.hugetlb?.resv;
    if (map === undefined) continue;
    const [from, to] = [hugeIndexAt(vma, vma.start), hugeIndexAt(vma, vma.end)];
    reserved += to - from - countRegions(map, from, to);
  }
  for (const subpool of new Set(machine.hugetlb.subpools.values())) reserved += subpool.reserved;
  for (const head of used) {
    const isComing = (hugetlbFlags(machine, head) & HugetlbFlag.RESTORE_RESERVE) !== 0;
    if (isComing && machine.frameReferences[head + 1] === 0) reserved--;
  }
  return reserved;
}
