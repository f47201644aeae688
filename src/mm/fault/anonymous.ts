/**
 * First touch of a private page that no file backs.
 *
 * @source mm/memory.c do_anonymous_page(), vmf_anon_prepare() (Linux 6.18)
 */
import { ACCESSED, DIRTY, type LeafFlags, R, UFFD_WP, USER, W, X } from '../../arch/index.ts';
import { allocFrame, putFrame, ZERO_FRAME } from '../page/frame.ts';
import { anonVmaPrepare } from '../rmap/anon_vma_prepare.ts';
import { mapNewAnonymous } from '../rmap/map_count.ts';
import { setMapped } from '../table/mapped_entry.ts';
import { isNoneAt } from '../table/pgtable.ts';
import { lockBelow, unlockPte } from '../table/pte_table.ts';
import { isWpMarkerAt } from '../table/soft_entry.ts';
import type { Task } from '../task.ts';
import { handleUserfault } from '../userfaultfd/handle.ts';
import { Rss } from '../vma/mm.ts';
import { isAccessible, VM, type Vma } from '../vma/vma.ts';
import { Rank, tryLockShared, unlockShared } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { reading, setting } from '../world/point.ts';
import { NONE } from '../world/world.ts';
import { Access, Fault, FaultLock } from './result.ts';

/**
 * The flags of a leaf that gives all that `vma` allows, but writing: to be added where it may be. What
 * is accessible to nobody is mapped for who forces it.
 */
export function readOnlyFlags(vma: Vma): LeafFlags {
  if (!isAccessible(vma)) return ACCESSED;
  return R | USER | ACCESSED | ((vma.flags & VM.EXEC) === 0 ? 0 : X);
}

/** What a write adds. Who forces one may do so where the program itself may not write. */
export const writtenTo = ({ flags }: Vma): LeafFlags =>
  ACCESSED | DIRTY | ((flags & VM.WRITE) === 0 ? 0 : W);

/** The flags of a private page that was just written to for `vma`. */
export const writtenFlags = (vma: Vma): LeafFlags => readOnlyFlags(vma) | writtenTo(vma);

/**
 * Makes sure that `vma` has an anon_vma. With the VMA lock only, the neighbours that may give theirs
 * do not stand still: the mmap lock is tried, and the fault retried without that.
 */
export function* prepareAnonymous(task: Task, vma: Vma, held: FaultLock): Op<boolean> {
  yield reading(task.machine.objects.anonVmaOf(vma.id));
  if (vma.anonVma !== undefined) return true;
  if (held !== FaultLock.VMA || task.machine.bugs.anonVmaUnderVmaLock === true) {
    yield* anonVmaPrepare(task, vma);
    return true;
  }
  const { machine, cpu, mm } = task;
  const mmapLock = machine.objects.mmapLock(mm.id);
  const isLocked = yield* tryLockShared(machine, cpu, mmapLock, Rank.MMAP);
  if (!isLocked) return false;
  yield* anonVmaPrepare(task, vma);
  yield* unlockShared(machine, cpu, mmapLock, Rank.MMAP);
  return true;
}

export function* doAnonymousPage(
  task: Task,
  vma: Vma,
  page: number,
  above: number,
  slot: number,
  access: Access,
  held: FaultLock,
): Op<Fault> {
  const { machine, cpu, mm } = task;
  const isWrite = access === Access.WRITE;
  if (isWrite) {
    const isPrepared = yield* prepareAnonymous(task, vma, held);
    if (!isPrepared) return Fault.RETRY;
  }
  const frame = isWrite ? yield* allocFrame(machine, cpu) : ZERO_FRAME;
  if (frame === NONE) return Fault.OOM;
  const isLinked = yield* lockBelow(task, mm, above, slot);
  if (!isLinked) {
    if (isWrite) yield* putFrame(machine, cpu, frame);
    return Fault.RETRY;
  }
  const isMissing = (vma.flags & VM.UFFD_MISSING) !== 0;
  const isMapped = !isMissing && (yield* mapFirst(task, vma, page, slot, frame, isWrite));
  const isTold = isMissing && (isNoneAt(machine, slot) || isWpMarkerAt(machine, slot));
  yield* unlockPte(task, mm, slot);
  if (!isMapped && isWrite) yield* putFrame(machine, cpu, frame);
  if (isTold) return yield* handleUserfault(task, vma, page, access, VM.UFFD_MISSING, held);
  return Fault.DONE;
}

/** Maps `frame` if nothing is there; false otherwise. Called under the lock of the table. */
function* mapFirst(
  task: Task,
  vma: Vma,
  page: number,
  slot: number,
  frame: number,
  isWrite: boolean,
): Op<boolean> {
  const { machine, mm } = task;
  yield setting(machine.objects.entry(slot));
  // Another thread may have been faster.
  const isWp = isWpMarkerAt(machine, slot);
  const isNone = isNoneAt(machine, slot) || isWp;
  if (!isNone && machine.bugs.noRecheckUnderPageTableLock !== true) return false;
  if (isWrite) {
    mapNewAnonymous(machine, frame, vma, page);
    mm.rss[Rss.ANON]!++;
  }
  // Who forces a write may do so where the program may not.
  const isWritable = isWrite && (vma.flags & VM.WRITE) !== 0;
  const written = isWritable ? DIRTY | (isWp ? 0 : W) : 0;
  setMapped(machine, slot, frame, readOnlyFlags(vma) | written | (isWp ? UFFD_WP : 0));
  return true;
}
