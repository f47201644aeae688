/**
 * Taking pages from those who map them, and from the page cache if they are clean.
 *
 * @source mm/vmscan.c reclaim_pages(), shrink_folio_list(), mm/rmap.c try_to_unmap_one() (Linux 6.18)
 * @omits  write-back: what is dirty loses its entries and stays in the page cache; so does memory that
 *         is a file; flushes in batches of what is no private page
 */
import { DIRTY, UFFD_WP, W } from '../../arch/index.ts';
import { flushMapped } from '../design/seams.ts';
import { removeFrame } from '../file/filemap.ts';
import { isMemory } from '../file/inode.ts';
import type { Machine } from '../machine.ts';
import { tryLockFolio, unlockFolio } from '../page/folio_lock.ts';
import { markDirty, putFrame } from '../page/frame.ts';
import { isAnonymousFrame, removeRmap } from '../rmap/map_count.ts';
import { forgetMlocks, isMlocked, restoreMlock } from '../rmap/mlock.ts';
import { type Mapping, rmapWalk, Sought } from '../rmap/walk.ts';
import { swapOut } from '../swap/swap_out.ts';
import { tryToUnmapFlush } from '../swap/unmap_flush.ts';
import { mappedFlagsAt } from '../table/mapped_entry.ts';
import { clearEntry, isPresentAt, setEntry } from '../table/pgtable.ts';
import { checkUnlocked } from '../table/shared_table.ts';
import { Marker, SoftKind, setSoftEntry } from '../table/soft_entry.ts';
import type { Task } from '../task.ts';
import { VM } from '../vma/vma.ts';
import type { Op } from '../world/op.ts';
import { clearing, reading, setting, writing } from '../world/point.ts';
import { FrameFlag } from '../world/world.ts';

/** Drops the references to `frames`, small folios, and the pages if nobody needs them. */
export function* reclaimPages({ machine, cpu }: Task, frames: readonly number[]): Op<void> {
  for (const frame of frames) {
    const isLocked = yield* tryLockFolio(machine, cpu, frame);
    if (!isLocked) continue;
    yield* reclaimFolio(machine, cpu, frame);
    yield* unlockFolio(machine, cpu, frame);
  }
  yield* tryToUnmapFlush(machine, cpu);
  for (const frame of frames) yield* putFrame(machine, cpu, frame);
}

/**
 * The same of frames that nobody has asked for, as long as they are in use: without the lock of any
 * address space.
 *
 * @source mm/vmscan.c shrink_inactive_list() (Linux 6.18)
 */
export function* shrinkFolios(task: Task, frames: readonly number[]): Op<void> {
  const { machine } = task;
  const isolated: number[] = [];
  for (const frame of frames) {
    yield writing(machine.objects.frame(frame));
    if (machine.frameReferences[frame]! <= 0) continue;
    machine.frameReferences[frame]!++;
    isolated.push(frame);
  }
  yield* reclaimPages(task, isolated);
}

/** Called under the folio lock, with a reference to the folio. */
function* reclaimFolio(machine: Machine, cpu: number, frame: number): Op<void> {
  yield writing(machine.objects.frame(frame));
  if (isMlocked(machine, frame)) {
    forgetMlocks(machine, frame);
    return;
  }
  const isPrivate = isAnonymousFrame(machine, frame);
  const isSwapBacked = (machine.frameFlags[frame]! & FrameFlag.SWAPBACKED) !== 0;
  if (isPrivate && isSwapBacked) {
    yield* swapOut(machine, cpu, frame);
    return;
  }
  yield* rmapWalk(machine, cpu, frame, unmapOne, Sought.UNMAPPED);
  yield reading(machine.objects.frame(frame));
  const isClean = (machine.frameFlags[frame]! & FrameFlag.DIRTY) === 0;
  // What is dirty goes once it is written back: PG_reclaim, the bit of PG_readahead.
  if (!isPrivate && !isClean && !isSwapBacked) machine.frameFlags[frame]! |= FrameFlag.READAHEAD;
  // Only the page cache and the caller are to hold it.
  if (isPrivate || !isClean || machine.frameReferences[frame] !== 2) return;
  const inode = machine.inodes.get(machine.frameMapping[frame]! - 1);
  yield* removeFrame({ machine, cpu }, inode, frame, !isMemory(inode));
}

/** Clears an entry, unless the page is needed after all. Called under the lock of its table. */
function* unmapOne(machine: Machine, cpu: number, mapping: Mapping): Op<boolean> {
  const { vma, mm, page, slot, frame } = mapping;
  if ((vma.flags & VM.LOCKED) !== 0) {
    yield* restoreMlock(machine, mapping);
    return false;
  }
  const found = mappedFlagsAt(machine, slot);
  yield clearing(machine.objects.entry(slot));
  const [low, high] = [machine.lanes[slot * 2]!, machine.lanes[slot * 2 + 1]!];
  // Up to here hardware may have set bits: what is cleared is what counts.
  const flags = machine.bugs.readThenCleared === true ? found : mappedFlagsAt(machine, slot);
  const wasPresent = isPresentAt(machine, slot);
  // That userfaultfd write-protects the page of a file outlives its entry.
  const isNoted =
    vma.file !== undefined && (vma.flags & VM.UFFD_WP) !== 0 && (flags & UFFD_WP) !== 0;
  if (isNoted) setSoftEntry(machine, slot, SoftKind.MARKER, Marker.UFFD_WP);
  else clearEntry(machine, slot);
  if (wasPresent) {
    // To write through a translation that was not written through before, hardware reads the entry.
    const isWritable = (flags & W) !== 0 && (flags & DIRTY) !== 0;
    machine.ledger.openPage(machine.mmCpus[mm.id]!, mm.id, page, frame, isWritable);
    yield* flushMapped(machine, cpu, mm, page);
  }
  checkUnlocked(machine, mm, page);
  yield writing(machine.objects.frame(frame));
  if ((flags & DIRTY) !== 0) markDirty(machine, frame);
  const isDroppable = (vma.flags & VM.DROPPABLE) !== 0;
  if (isAnonymousFrame(machine, frame) && isNeeded(machine, frame, isDroppable)) {
    if (!isDroppable) machine.frameFlags[frame]! |= FrameFlag.SWAPBACKED;
    yield setting(machine.objects.entry(slot));
    setEntry(machine, slot, low, high);
    return false;
  }
  yield* removeRmap(machine, mm, vma, frame);
  yield* putFrame(machine, cpu, frame);
  return true;
}

/** Whether a page that may be freed lazily was written to since, or is held by somebody else. */
function isNeeded(
  { frameFlags, frameReferences, frameMapcount }: Machine,
  frame: number,
  isDroppable: boolean,
): boolean {
  if (!isDroppable && (frameFlags[frame]! & FrameFlag.DIRTY) !== 0) return true;
  return frameReferences[frame] !== 1 + frameMapcount[frame]!;
}
