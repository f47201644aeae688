/**
 * Reservations: pages that were promised when they were mapped, so that faults cannot fail.
 *
 * @source mm/hugetlb.c hugetlb_reserve_pages(), hugetlb_unreserve_pages(),
 *         __vma_reservation_common(), alloc_hugetlb_folio() (Linux 6.18)
 * @omits  cgroups, memory policies
 */
import { ENOSPC } from '../../uapi/errno.ts';
import type { Inode } from '../file/inode.ts';
import type { Task } from '../task.ts';
import { VM, type Vma } from '../vma/vma.ts';
import { lock, Rank, unlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { NONE } from '../world/world.ts';
import { HugetlbFlag, hugetlbFlags, setHugetlbFlags } from './folio.ts';
import { type Hstate, type HugetlbInode, hugeIndexAt, hugetlbOf } from './hstate.ts';
import {
  allocSurplus,
  dequeue,
  hugetlbAcctMemory,
  hugetlbLock,
  hugetlbUnlock,
  isAvailable,
} from './pool.ts';
import {
  addRegion,
  countRegions,
  deleteRegion,
  missingRegions,
  newResvMap,
  type ResvMap,
} from './resv_map.ts';
import { type Subpool, subpoolGet, subpoolPut } from './subpool.ts';
import { freeVmaLock, type HugetlbPrivate, newVmaLock, putVmaLock } from './vma_lock.ts';

/** Where work is done: on behalf of any address space. */
type Place = Pick<Task, 'machine' | 'cpu'>;

export function* resvLock({ machine, cpu }: Place): Op<void> {
  yield* lock(machine, cpu, machine.objects.resvLock, Rank.RESV);
}

export function* resvUnlock({ machine, cpu }: Place): Op<void> {
  yield* unlock(machine, cpu, machine.objects.resvLock, Rank.RESV);
}

/** Promises `delta` pages of a mount, or of the pool. @returns 0 or ENOMEM */
function* promise(place: Place, { subpool, hstate }: HugetlbInode, delta: number): Op<number> {
  yield* resvLock(place);
  const fromPool = subpoolGet(subpool, delta);
  yield* resvUnlock(place);
  if (fromPool < 0) return fromPool;
  const error = yield* hugetlbAcctMemory(place, hstate, fromPool);
  if (error === 0) return 0;
  yield* resvLock(place);
  subpoolPut(subpool, delta);
  yield* resvUnlock(place);
  return error;
}

/** Takes the promise of `delta` pages back. */
function* unpromise(
  place: Place,
  subpool: Subpool | undefined,
  hstate: Hstate,
  delta: number,
): Op<void> {
  if (delta === 0) return;
  yield* resvLock(place);
  const toPool = subpoolPut(subpool, delta);
  yield* resvUnlock(place);
  yield* hugetlbAcctMemory(place, hstate, -toPool);
}

/**
 * Reserves the huge pages `[from, to)` of a file for good, for mappings of it.
 *
 * @returns 0 or ENOMEM
 */
export function* reserveShared(place: Place, inode: Inode, from: number, to: number): Op<number> {
  const hugetlb = hugetlbOf(inode);
  yield* resvLock(place);
  const wanted = missingRegions(hugetlb.resv, from, to);
  yield* resvUnlock(place);
  const error = yield* promise(place, hugetlb, wanted);
  if (error < 0) return error;
  yield* resvLock(place);
  const added = addRegion(hugetlb.resv, from, to);
  yield* resvUnlock(place);
  // A fault was faster for some of them.
  yield* unpromise(place, hugetlb.subpool, hugetlb.hstate, wanted - added);
  return 0;
}

/**
 * What a new VMA for the huge pages `[from, to)` of `inode` gets.
 *
 * @returns its private data, or ENOMEM
 * @source  mm/hugetlb.c hugetlb_reserve_pages() (Linux 6.18)
 */
export function* reservePages(
  place: Place,
  inode: Inode,
  from: number,
  to: number,
  flags: number,
): Op<HugetlbPrivate | number> {
  const { machine, cpu } = place;
  const isShared = (flags & VM.MAYSHARE) !== 0;
  const made: HugetlbPrivate = {
    ...{ lock: undefined, resv: undefined },
    ...{ isUnmapped: false, isGranular: false },
  };
  if (isShared) made.lock = newVmaLock(machine, cpu);
  if ((flags & VM.NORESERVE) !== 0) return made;
  const error = isShared
    ? yield* reserveShared(place, inode, from, to)
    : yield* promise(place, hugetlbOf(inode), to - from);
  if (error < 0) {
    if (made.lock !== undefined) putVmaLock(place, made.lock);
    return error;
  }
  if (!isShared) made.resv = newResvMap(newVmaLock(machine, cpu));
  return made;
}

/**
 * The huge pages `[from, to)` of a file have gone, `freed` of which it had.
 *
 * @source mm/hugetlb.c hugetlb_unreserve_pages() (Linux 6.18)
 */
export function* unreservePages(
  place: Place,
  inode: Inode,
  from: number,
  to: number,
  freed: number,
): Op<void> {
  const { resv, subpool, hstate } = hugetlbOf(inode);
  yield* resvLock(place);
  const removed = deleteRegion(resv, from, to);
  yield* resvUnlock(place);
  yield* unpromise(place, subpool, hstate, removed - freed);
}

/** Which map says what is reserved for `vma`. @source vma_resv_map() */
function resvMapOf(vma: Vma): ResvMap | undefined {
  return (vma.flags & VM.MAYSHARE) === 0 ? vma.hugetlb?.resv : hugetlbOf(vma.file!.inode).resv;
}

/** Whether there is no reservation for `page`. Called under the lock of resv maps. */
function needsReservation(vma: Vma, page: number): boolean {
  const map = resvMapOf(vma);
  if (map === undefined) return true;
  const index = hugeIndexAt(vma, page);
  const isMissing = missingRegions(map, index, index + 1) > 0;
  return (vma.flags & VM.MAYSHARE) === 0 ? !isMissing : isMissing;
}

/**
 * A huge page for `page` of `vma`, by its reservation if there is one, with a reference.
 *
 * @param isOwnersCopy the owner of a private mapping copies a page that children have: its reservation
 *                     for this page was used up by the original
 * @returns the head, or a negative errno
 * @locks   the lock of resv maps, hugetlb_lock
 */
export function* allocHugetlbFolio(
  place: Place,
  vma: Vma,
  page: number,
  isOwnersCopy = false,
): Op<number> {
  const { machine } = place;
  const hugetlb = hugetlbOf(vma.file!.inode);
  yield* resvLock(place);
  const isCharged = isOwnersCopy || needsReservation(vma, page);
  const fromPool = isCharged ? subpoolGet(hugetlb.subpool, 1) : 0;
  yield* resvUnlock(place);
  if (fromPool < 0) return ENOSPC;
  yield* hugetlbLock(place);
  const head = yield* takeFolio(place, hugetlb.hstate, fromPool === 0);
  yield* hugetlbUnlock(place);
  yield* resvLock(place);
  if (head === NONE) {
    if (isCharged) subpoolPut(hugetlb.subpool, 1);
  } else {
    if (hugetlb.subpool !== undefined) machine.hugetlb.subpools.set(head, hugetlb.subpool);
    if (!isOwnersCopy) commitReservation(vma, page);
  }
  yield* resvUnlock(place);
  return head === NONE ? ENOSPC : head;
}

/** Called under hugetlb_lock. @returns a head, or `NONE` */
function* takeFolio(place: Place, hstate: Hstate, isReserved: boolean): Op<number> {
  let head: number = NONE;
  if (isReserved || isAvailable(hstate)) head = yield* dequeue(place, hstate);
  if (head === NONE) head = yield* allocSurplus(place, hstate);
  if (head === NONE || !isReserved) return head;
  setHugetlbFlags(place.machine, head, HugetlbFlag.HUGETLB | HugetlbFlag.RESTORE_RESERVE);
  hstate.reserved--;
  return head;
}

/** The reservation for `page` is used. Called under the lock of resv maps. */
function commitReservation(vma: Vma, page: number): void {
  const map = resvMapOf(vma);
  if (map === undefined) return;
  const index = hugeIndexAt(vma, page);
  addRegion(map, index, index + 1);
}

/**
 * A page that was allocated for `page` is not used: the map is to say again what the pool will.
 *
 * @source mm/hugetlb.c restore_reserve_on_error() (Linux 6.18)
 */
export function* restoreReserve(place: Place, vma: Vma, page: number, head: number): Op<void> {
  const map = resvMapOf(vma);
  const isRestored = (hugetlbFlags(place.machine, head) & HugetlbFlag.RESTORE_RESERVE) !== 0;
  if (map === undefined) return;
  const index = hugeIndexAt(vma, page);
  const isPrivate = (vma.flags & VM.MAYSHARE) === 0;
  yield* resvLock(place);
  // Of a shared file, what was there without a reservation goes; of a private one it comes back.
  if (isRestored === isPrivate) deleteRegion(map, index, index + 1);
  yield* resvUnlock(place);
}

/** The owner of a private mapping gets its reservation for `page` back. */
export function* addReservation(place: Place, vma: Vma, page: number): Op<void> {
  const map = vma.hugetlb?.resv;
  if (map === undefined) return;
  const index = hugeIndexAt(vma, page);
  yield* resvLock(place);
  deleteRegion(map, index, index + 1);
  yield* resvUnlock(place);
}

/**
 * A VMA has gone: what a private one has reserved and not used is given back.
 *
 * @source mm/hugetlb.c hugetlb_vm_op_close() (Linux 6.18)
 */
export function* closeHugetlb(place: Place, vma: Vma): Op<void> {
  freeVmaLock(place, vma);
  const map = vma.hugetlb!.resv;
  if (map === undefined) return;
  const { subpool, hstate } = hugetlbOf(vma.file!.inode);
  const [from, to] = [hugeIndexAt(vma, vma.start), hugeIndexAt(vma, vma.end)];
  yield* resvLock(place);
  const unused = to - from - countRegions(map, from, to);
  yield* resvUnlock(place);
  yield* unpromise(place, subpool, hstate, unused);
  yield* putResvMap(place, map);
}

export function* putResvMap(place: Place, map: ResvMap): Op<void> {
  yield* resvLock(place);
  map.references--;
  if (map.references === 0 && map.lock !== undefined) putVmaLock(place, map.lock);
  yield* resvUnlock(place);
}

/**
 * `vma` is a copy of `from`, or a part of it: a shared one gets a lock of its own, a private one is an
 * owner if it is of the same process.
 *
 * @source mm/hugetlb.c hugetlb_vm_op_open(), hugetlb_dup_vma_private() (Linux 6.18)
 */
export function openHugetlb({ machine, cpu }: Place, vma: Vma, from: Vma, isChild: boolean): void {
  const isShared = (vma.flags & VM.MAYSHARE) !== 0;
  const resv = isShared || isChild ? undefined : from.hugetlb!.resv;
  if (resv !== undefined) resv.references++;
  const isUnmapped = !isShared && !isChild && from.hugetlb!.isUnmapped;
  const { isGranular } = from.hugetlb!;
  const own = isShared ? newVmaLock(machine, cpu, vma) : undefined;
  vma.hugetlb = { lock: own, resv, isUnmapped, isGranular };
}

/**
 * mremap() has moved what `vma` has reserved to a copy of it.
 *
 * @source mm/hugetlb.c clear_vma_resv_huge_pages() (Linux 6.18)
 */
export function* clearResvMap(place: Place, vma: Vma): Op<void> {
  const map = vma.hugetlb!.resv;
  vma.hugetlb!.resv = undefined;
  if (map !== undefined) yield* putResvMap(place, map);
}
