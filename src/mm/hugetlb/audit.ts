/** The truth about hugetlb, recounted: pools, reservations, what address spaces are charged. */
import type { Inode } from '../file/inode.ts';
import type { Machine } from '../machine.ts';
import { headOf, orderOf } from '../page/frame.ts';
import { VM } from '../vma/vma.ts';
import { violate } from '../world/property.ts';
import { FrameFlag } from '../world/world.ts';
import { HugetlbFlag, hugetlbFlags, isHugetlbFolio } from './folio.ts';
import { type Hstate, hstateOf, hugeIndexAt, isHugetlb } from './hstate.ts';
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
