/**
 * Faults of guests: a guest page that the second-level table does not map, or not to be written to.
 *
 * @source arch/x86/kvm/mmu/mmu.c kvm_tdp_mmu_page_fault(), kvm_mmu_faultin_pfn(), is_page_fault_stale()
 *         (Linux 6.18)
 * @omits  asynchronous faults, accesses of KVM itself (kvm_vcpu_map()), writable entries for pages that
 *         are only read
 */

import { tryGrab, ungrab } from '../../mm/gup/grab.ts';
import { getUserPage } from '../../mm/gup/gup.ts';
import { FOLL } from '../../mm/gup/rules.ts';
import { headOf, ZERO_FRAME } from '../../mm/page/frame.ts';
import { isMappedAt, mappedFrameAt } from '../../mm/table/mapped_entry.ts';
import { isPresentAt, isWritableAt, walk } from '../../mm/table/pgtable.ts';
import { lockPte, unlockPte } from '../../mm/table/pte_table.ts';
import type { Task } from '../../mm/task.ts';
import {
  lockShared,
  mmapReadLock,
  mmapReadUnlock,
  Rank,
  unlockShared,
} from '../../mm/world/lock.ts';
import type { Op } from '../../mm/world/op.ts';
import { reading, writing } from '../../mm/world/point.ts';
import { violate } from '../../mm/world/property.ts';
import { FrameFlag, NONE } from '../../mm/world/world.ts';
import { EFAULT } from '../../uapi/errno.ts';
import { mapSecond, mayMapAt, type SecondMapping } from './second_table.ts';
import { formatOf, type Memslot, slotOfGfn, type Vm, vmOf } from './vm.ts';

/** How a fault of a guest ends. */
export const GuestFault = {
  /** The entry is there: the guest goes on. */
  FIXED: 0,
  /** Something is being invalidated: the guest tries again. */
  RETRY: 1,
  /** The process has no memory there, or may not access it so: the guest ends, or its process is asked. */
  FAULT: 2,
} as const;
export type GuestFault = (typeof GuestFault)[keyof typeof GuestFault];

/**
 * Lets the guest access its page `gfn`, on behalf of `task`, a thread of the process.
 *
 * @locks  mmap (read) of the process while the page is looked up; mmu_lock (read)
 */
export function* guestPageFault(
  task: Task,
  id: number,
  gfn: number,
  isWrite: boolean,
): Op<GuestFault> {
  const { machine } = task;
  const vm = vmOf(machine, id);
  const slot = slotOfGfn(vm, gfn);
  if (slot === undefined) return GuestFault.FAULT;
  const isLate = machine.bugs.kvmSequenceReadLate === true;
  yield reading(machine.objects.invalidateSequence(id));
  const early = vm.sequence;
  const frame = yield* lookUp(task, slot, gfn, isWrite);
  if (frame === EFAULT) return GuestFault.FAULT;
  if (frame < 0) return GuestFault.RETRY;
  yield reading(machine.objects.invalidateSequence(id));
  // Without mmu_lock: only to be spared it.
  const sequence = isLate ? vm.sequence : early;
  if (isStale(task, vm, gfn, sequence)) {
    yield* put(task, frame, false);
    return GuestFault.RETRY;
  }
  return yield* mapLocked(task, vm, slot, gfn, frame, isWrite, sequence);
}

function* mapLocked(
  task: Task,
  vm: Vm,
  slot: Memslot,
  gfn: number,
  frame: number,
  isWrite: boolean,
  sequence: number,
): Op<GuestFault> {
  const { machine, cpu } = task;
  const isEarly = machine.bugs.kvmPutBeforeMap === true;
  if (isEarly) yield* put(task, frame, isWrite);
  const guard = machine.objects.mmuLock(vm.id);
  yield* lockShared(machine, cpu, guard, Rank.MMU);
  yield reading(machine.objects.invalidateSequence(vm.id));
  const isChecked = machine.bugs.kvmRetryUnlocked !== true;
  const isRetried = isChecked && isStale(task, vm, gfn, sequence);
  if (!isRetried) {
    const mapping = yield* mappingOf(task, vm, slot, gfn, frame, isWrite);
    yield* mapSecond(machine, vm, mapping);
  }
  if (!isEarly) yield* put(task, frame, isWrite && !isRetried);
  yield* unlockShared(machine, cpu, guard, Rank.MMU);
  return isRetried ? GuestFault.RETRY : GuestFault.FIXED;
}

/**
 * Whether what was looked up when the sequence was `sequence` may be wrong by now. Certain under mmu_lock
 * only.
 *
 * @source include/linux/kvm_host.h mmu_invalidate_retry_gfn()
 */
export function isStale({ machine }: Task, vm: Vm, gfn: number, sequence: number): boolean {
  const { kvmIgnoresInProgress, kvmIgnoresSequence } = machine.bugs;
  const isCovered = vm.inProgress > 0 && vm.rangeStart <= gfn && gfn < vm.rangeEnd;
  if (isCovered && kvmIgnoresInProgress !== true) return true;
  return vm.sequence !== sequence && kvmIgnoresSequence !== true;
}

/** The frame with a reference, `NONE` if it went meanwhile, or EFAULT. @source hva_to_pfn() */
export function* lookUp(task: Task, slot: Memslot, gfn: number, isWrite: boolean): Op<number> {
  const page = slot.hva + gfn - slot.gfn;
  if (slot.isFollowed) return yield* followAndGet(task, page, isWrite);
  return yield* getUserPage(task, page, FOLL.GET | (isWrite ? FOLL.WRITE : 0));
}

/**
 * Looks the page up by its entry, then gets a reference if anybody else has one.
 *
 * @source hva_to_pfn_remapped(), kvm_try_get_pfn()
 */
function* followAndGet(task: Task, page: number, isWrite: boolean): Op<number> {
  const { machine, cpu, mm } = task;
  yield* mmapReadLock(machine, cpu, mm.id);
  const slot = yield* lockPte(task, mm, page);
  let frame = NONE;
  if (slot !== NONE) {
    yield reading(machine.objects.entry(slot));
    const isAllowed = !isWrite || (isPresentAt(machine, slot) && isWritableAt(machine, slot));
    if (isMappedAt(machine, slot) && isAllowed) frame = mappedFrameAt(machine, slot);
    yield* unlockPte(task, mm, slot);
  }
  yield* mmapReadUnlock(machine, cpu, mm.id);
  if (frame === NONE) return EFAULT;
  const isGrabbed = yield* tryGrab(task, frame, false);
  // Counted up from nothing, it is freed a second time when that is dropped.
  if (!isGrabbed && machine.bugs.kvmGetsFreePage === true) violate(machine, 'P-UAF-PAGE');
  return isGrabbed ? frame : NONE;
}

/** Drops the reference of the lookup. @source kvm_release_faultin_page() */
export function* put(task: Task, frame: number, isDirty: boolean): Op<void> {
  const { machine } = task;
  if (isDirty && frame !== ZERO_FRAME) {
    const head = headOf(machine, frame);
    yield writing(machine.objects.frame(head));
    machine.frameFlags[head]! |= FrameFlag.DIRTY;
  }
  yield* ungrab(task, frame, false);
}

/** As large as the process maps it, the slot allows, and the table has room for. */
function* mappingOf(
  task: Task,
  vm: Vm,
  slot: Memslot,
  gfn: number,
  frame: number,
  isWritable: boolean,
): Op<SecondMapping> {
  const { machine, mm } = task;
  const hva = slot.hva + gfn - slot.gfn;
  const small = { gfn, level: 0, hva, frame, isWritable };
  const pages = machine.format.entryPages[1]!;
  const offset = gfn % pages;
  if (formatOf(vm).entryPages[1] !== pages) return small;
  const isInSlot = gfn - offset >= slot.gfn && gfn - offset + pages <= slot.gfn + slot.pages;
  if (!isInSlot || offset !== hva % pages || offset !== frame % pages) return small;
  if (!mayMapAt(vm, gfn, 1)) return small;
  // The notifier keeps it so until mmu_lock is dropped.
  const upper = yield* walk(machine, mm, hva, 1);
  if (upper === NONE) return small;
  yield reading(machine.objects.entry(upper));
  if (!isPresentAt(machine, upper) || !isMappedAt(machine, upper, 1)) return small;
  if (isWritable && !isWritableAt(machine, upper)) return small;
  return { gfn: gfn - offset, level: 1, hva: hva - offset, frame: frame - offset, isWritable };
}
