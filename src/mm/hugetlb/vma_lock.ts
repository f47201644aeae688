/**
 * The lock of each VMA of hugetlbfs that keeps its tables, which it may share with others, in place.
 *
 * A shared mapping has one of its own, also after a fork or a split. The owner of a private mapping
 * has that of its resv map, which keeps MADV_DONTNEED and faults apart. Others have none.
 *
 *    fault mutex  <  this  <  folio lock  <  i_mmap_rwsem
 *
 * but for those who only try: truncation and migration come from the folio.
 *
 * @source mm/hugetlb.c hugetlb_vma_lock_read(), hugetlb_vma_lock_alloc() (Linux 6.18)
 * @omits  failing to allocate it
 */
import { assert } from '../../base/assert.ts';
import type { Machine } from '../machine.ts';
import type { Task } from '../task.ts';
import { VM, type Vma } from '../vma/vma.ts';
import { touchVma } from '../vma/vma_lock.ts';
import { lock, lockShared, Rank, tryLock, unlock, unlockShared } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import type { ResvMap } from './resv_map.ts';

/** @source include/linux/hugetlb.h struct hugetlb_vma_lock (Linux 6.18) */
export interface VmaLock {
  readonly id: number;
  /** The VMA, and who waits for the lock while the VMA may go. */
  references: number;
  /** `undefined` when the VMA has gone, or of a private mapping. */
  vma: Vma | undefined;
}

/** What a VMA of hugetlbfs has in `vm_private_data`. */
export interface HugetlbPrivate {
  /** Of a shared mapping. */
  lock: VmaLock | undefined;
  /** Of the owner of a private mapping that has reserved its pages (HPAGE_RESV_OWNER). */
  resv: ResvMap | undefined;
  /** A page was taken away, for the owner to have it: faults fail (HPAGE_RESV_UNMAPPED). */
  isUnmapped: boolean;
  /** Its pages may be mapped in pieces (VM_HUGETLB_HGM). */
  isGranular: boolean;
}

/** Where work is done: on behalf of any address space. */
type Place = Pick<Task, 'machine' | 'cpu'>;

export function newVmaLock(machine: Machine, cpu: number, vma?: Vma): VmaLock {
  return machine.hugetlb.vmaLocks.add(cpu, (id) => ({ id, references: 1, vma }));
}

export function putVmaLock({ machine, cpu }: Place, held: VmaLock): void {
  held.references--;
  if (held.references === 0) machine.hugetlb.vmaLocks.remove(cpu, held.id);
}

/** The lock of a VMA, if it has one. */
export function vmaLockOf({ flags, hugetlb }: Vma): VmaLock | undefined {
  return (flags & VM.MAYSHARE) === 0 ? hugetlb?.resv?.lock : hugetlb?.lock;
}

export function* vmaLockRead({ machine, cpu }: Place, vma: Vma): Op<void> {
  touchVma(machine, vma);
  const wanted = vmaLockOf(vma);
  if (wanted === undefined) return;
  yield* lockShared(machine, cpu, machine.objects.hugetlbVmaLock(wanted.id), Rank.HUGETLB_VMA);
}

/** Takes the lock, and drops it. */
export function* vmaLockPass(place: Place, vma: Vma): Op<void> {
  yield* vmaLockRead(place, vma);
  yield* vmaUnlockRead(place, vma);
}

export function* vmaUnlockRead({ machine, cpu }: Place, vma: Vma): Op<void> {
  const held = vmaLockOf(vma);
  if (held === undefined) return;
  yield* unlockShared(machine, cpu, machine.objects.hugetlbVmaLock(held.id), Rank.HUGETLB_VMA);
}

export function* vmaLockWrite({ machine, cpu }: Place, vma: Vma): Op<void> {
  touchVma(machine, vma);
  const wanted = vmaLockOf(vma);
  if (wanted === undefined) return;
  yield* lock(machine, cpu, machine.objects.hugetlbVmaLock(wanted.id), Rank.HUGETLB_VMA);
}

/** @returns true also of a VMA without a lock */
export function* vmaTryLockWrite({ machine, cpu }: Place, vma: Vma): Op<boolean> {
  touchVma(machine, vma);
  const wanted = vmaLockOf(vma);
  if (wanted === undefined) return true;
  const object = machine.objects.hugetlbVmaLock(wanted.id);
  return yield* tryLock(machine, cpu, object, Rank.HUGETLB_VMA);
}

export function* vmaUnlockWrite({ machine, cpu }: Place, vma: Vma): Op<void> {
  const held = vmaLockOf(vma);
  if (held === undefined) return;
  yield* unlock(machine, cpu, machine.objects.hugetlbVmaLock(held.id), Rank.HUGETLB_VMA);
}

/** Drops the lock of a VMA that goes: without one, nobody will share its tables any more. */
export function* vmaUnlockWriteFree(place: Place, vma: Vma): Op<void> {
  const held = vmaLockOf(vma);
  yield* vmaUnlockWrite(place, vma);
  if (held !== undefined && held === vma.hugetlb?.lock) freeVmaLock(place, vma);
}

/** @source mm/hugetlb.c hugetlb_vma_lock_free() */
export function freeVmaLock(place: Place, vma: Vma): void {
  assert(vma.hugetlb !== undefined, 'a VMA of hugetlbfs has private data');
  const held = vma.hugetlb.lock;
  if (held === undefined) return;
  held.vma = undefined;
  vma.hugetlb.lock = undefined;
  putVmaLock(place, held);
}
