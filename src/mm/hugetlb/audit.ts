/** The truth about hugetlb, recounted: pools, reservations, what address spaces are charged. */
import type { Machine } from '../machine.ts';
import { headOf, orderOf } from '../page/frame.ts';
import { VM } from '../vma/vma.ts';
import { violate } from '../world/property.ts';
import { FrameFlag } from '../world/world.ts';
import { HugetlbFlag, hugetlbFlags, isHugetlbFolio } from './folio.ts';
import { type Hstate, hstateOf, hugeIndexAt } from './hstate.ts';
import { countRegions, type ResvMap } from './resv_map.ts';

/**
 * Compares what the pools say with the pages that there are, and with the mappings that have promises.
 * Called when no operation is under way.
 *
 * @param mappedPages small pages of huge ones that entries of all tables map, each table once
 */
export function auditHugetlb(machine: Machine, mappedPages: number): void {
  const { hstates, departedPages } = machine.hugetlb;
  for (const hstate of hstates) {
    checkPool(machine, hstate);
    if (hstate.reserved !== countReserved(machine, hstate)) violate(machine, 'P-COUNT');
  }
  const charged = machine.mms.all().reduce((sum, { hugetlbPages }) => sum + hugetlbPages, 0);
  if (charged + departedPages !== mappedPages) violate(machine, 'P-COUNT');
  for (const inode of machine.inodes.all()) {
    if (inode.hugetlb === undefined) continue;
    const end = Math.ceil(inode.bytes / 4096 / inode.hugetlb.hstate.pages);
    const isBehind =
      inode.pages.within(end * inode.hugetlb.hstate.pages, Number.POSITIVE_INFINITY).length > 0;
    // fallocate(FALLOC_FL_KEEP_SIZE) makes pages behind the end, each with its region.
    const pages = inode.pages.size;
    const known = countRegions(inode.hugetlb.resv, 0, Number.POSITIVE_INFINITY);
    if (known < pages || (isBehind && known === 0)) violate(machine, 'P-COUNT');
  }
}

function checkPool(machine: Machine, { order, pages, free, total, surplus }: Hstate): void {
  let used = 0;
  for (let head = 0; head < machine.size.frames; head++) {
    const isHead = (machine.frameFlags[head]! & FrameFlag.HEAD) !== 0;
    if (!isHead || orderOf(machine, head) !== order || !isHugetlbFolio(machine, head)) continue;
    if (machine.frameReferences[head]! > 0) used++;
  }
  const isRight = used + free.length === total && surplus <= total;
  if (!isRight) violate(machine, 'P-COUNT');
  for (const head of free) {
    const isFree =
      machine.frameReferences[head] === 0 && headOf(machine, head + pages - 1) === head;
    if (!isFree) violate(machine, 'P-COUNT');
  }
}

/** Of files: regions without a page. Of private mappings: what their maps say is not used yet. */
function countReserved(machine: Machine, hstate: Hstate): number {
  let reserved = 0;
  for (const inode of machine.inodes.all()) {
    if (inode.hugetlb?.hstate !== hstate) continue;
    reserved += countRegions(inode.hugetlb.resv, 0, Number.POSITIVE_INFINITY) - inode.pages.size;
  }
  for (const vma of machine.vmas.all()) {
    const isPrivate = (vma.flags & (VM.HUGETLB | VM.MAYSHARE)) === VM.HUGETLB;
    if (!isPrivate || hstateOf(vma) !== hstate) continue;
    const map = vma.hugetlb?.resv;
    if (map !== undefined)
      reserved += unused(map, hugeIndexAt(vma, vma.start), hugeIndexAt(vma, vma.end));
  }
  // What mounts keep as their minimum, and pages that will bring their reservation back.
  for (const subpool of new Set(machine.hugetlb.subpools.values())) reserved += subpool.reserved;
  for (let head = 0; head < machine.size.frames; head++) {
    if (!isHugetlbFolio(machine, head) || machine.frameReferences[head] === 0) continue;
    const isPromised = (hugetlbFlags(machine, head) & HugetlbFlag.RESTORE_RESERVE) !== 0;
    if (
      isPromised &&
      machine.frameReferences[head + 1] === 0 &&
      orderOf(machine, head) === hstate.order
    ) {
      reserved--;
    }
  }
  return reserved;
}

function unused(map: ResvMap, from: number, to: number): number {
  return to - from - countRegions(map, from, to);
}
