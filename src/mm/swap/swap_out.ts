/**
 * Swapping out: a slot, the swap cache, entries that stand for the slot, the device, the end of the
 * folio.
 *
 * TLBs are flushed before the page is written out, or freed, and the folio is freed only if nobody but
 * the swap cache and the caller holds it: who comes by the swap cache meanwhile keeps it.
 *
 * @source mm/vmscan.c shrink_folio_list(), pageout(), __remove_mapping(); mm/rmap.c
 *         try_to_unmap_one(); mm/page_io.c swap_writeout() (Linux 6.18)
 * @omits  write-back that takes its time, pages of zeroes that
 *         are not written, zswap, large folios, pages of files in memory
 */
import { DIRTY, UFFD_WP, W } from '../../arch/index.ts';
import { assert } from '../../base/assert.ts';
import { flushMapped } from '../design/seams.ts';
import type { Machine } from '../machine.ts';
import { putFrame } from '../page/frame.ts';
import { maybeDmaPinned, tryShareRmap } from '../rmap/dup_rmap.ts';
import { dropRmap, isMapped } from '../rmap/map_count.ts';
import { restoreMlock } from '../rmap/mlock.ts';
import { type Mapping, rmapWalk, Sought } from '../rmap/walk.ts';
import { mappedFlagsAt } from '../table/mapped_entry.ts';
import { clearEntry, isPresentAt, setEntry } from '../table/pgtable.ts';
import { checkUnlocked } from '../table/shared_table.ts';
import { SoftFlag, SoftKind, setSoftEntry } from '../table/soft_entry.ts';
import { Rss } from '../vma/mm.ts';
import { VM } from '../vma/vma.ts';
import type { Op } from '../world/op.ts';
import { clearing, reading, readingContent, setting, writing } from '../world/point.ts';
import { FrameFlag } from '../world/world.ts';
import { folioAllocSwap, swapSlotOf } from './swap_cache.ts';
import {
  leaveSlot,
  lockSwap,
  slotOfFolio,
  swapDuplicate,
  swapFree,
  unlockSwap,
} from './swap_slot.ts';
import { deferFlush, tryToUnmapFlush } from './unmap_flush.ts';

/**
 * Swaps a private folio of one page out, as far as it gets. Called under its folio lock, with a
 * reference, which may be dropped after `tryToUnmapFlush()`.
 *
 * @locks the lock of the anon_vma, then for each entry the lock of its table, then the swap lock
 */
export function* swapOut(machine: Machine, cpu: number, head: number): Op<void> {
  if (machine.size.swapSlots === 0) return;
  yield reading(machine.objects.frame(head));
  if ((machine.frameFlags[head]! & FrameFlag.SWAPCACHE) === 0) {
    // Who has pinned it may write to it at any time.
    if (maybeDmaPinned(machine, head)) return;
    const isAdded = yield* folioAllocSwap(machine, cpu, head);
    if (!isAdded) return;
  }
  yield* rmapWalk(machine, cpu, head, unmapToSwap, Sought.UNMAPPED);
  yield reading(machine.objects.frame(head));
  if (isMapped(machine, head)) return;
  if ((machine.frameFlags[head]! & FrameFlag.DIRTY) !== 0) {
    if (machine.bugs.swapOutBeforeFlush !== true) yield* tryToUnmapFlush(machine, cpu);
    yield* pageout(machine, cpu, head);
  }
  yield* removeMapping(machine, cpu, head);
}

/** Lets an entry stand for the slot. Called under the lock of its table. */
function* unmapToSwap(machine: Machine, cpu: number, mapping: Mapping): Op<boolean> {
  const { vma, mm, page, slot, frame } = mapping;
  if ((vma.flags & VM.LOCKED) !== 0) {
    yield* restoreMlock(machine, mapping);
    return false;
  }
  const swapSlot = yield* swapSlotOf(machine, cpu, frame);
  yield clearing(machine.objects.entry(slot));
  const [low, high] = [machine.lanes[slot * 2]!, machine.lanes[slot * 2 + 1]!];
  const flags = mappedFlagsAt(machine, slot);
  const wasPresent = isPresentAt(machine, slot);
  clearEntry(machine, slot);
  if (wasPresent) {
    // To write through a translation that was not written through before, hardware reads the entry.
    const isWritable = (flags & W) !== 0 && (flags & DIRTY) !== 0;
    machine.ledger.openPage(machine.mmCpus[mm.id]!, mm.id, page, frame, isWritable);
    if (machine.designs.length > 0) yield* flushMapped(machine, cpu, mm, page);
    else yield* deferFlush(machine, cpu, mm);
  }
  checkUnlocked(machine, mm, page);
  yield* swapDuplicate(machine, cpu, swapSlot);
  yield writing(machine.objects.frame(frame));
  if ((flags & DIRTY) !== 0) machine.frameFlags[frame]! |= FrameFlag.DIRTY;
  const isOwn = (machine.frameFlags[frame]! & FrameFlag.EXCLUSIVE) !== 0;
  const isShared = tryShareRmap(machine, frame);
  if (isShared) {
    dropRmap(machine, mm, frame);
    mm.rss[Rss.SWAP]!++;
  } else yield* swapFree(machine, cpu, swapSlot);
  yield setting(machine.objects.entry(slot));
  if (isShared) {
    const noted = (flags & UFFD_WP) === 0 ? 0 : SoftFlag.UFFD_WP;
    const soft = noted | (isOwn ? SoftFlag.EXCLUSIVE : 0);
    setSoftEntry(machine, slot, SoftKind.SWAP, swapSlot, soft);
    yield* putFrame(machine, cpu, frame);
  } else setEntry(machine, slot, low, high);
  return isShared;
}

/** Writes the folio to its slot, unless somebody else has it, too, and may be writing to it. */
function* pageout(machine: Machine, cpu: number, head: number): Op<void> {
  yield writing(machine.objects.frame(head));
  if (machine.frameReferences[head] !== 2) return;
  machine.frameFlags[head]! &= ~FrameFlag.DIRTY;
  const slot = yield* swapSlotOf(machine, cpu, head);
  yield readingContent(machine.objects.frame(head));
  const word = machine.size.contents ? machine.frameData[head]! : 0;
  yield writing(machine.objects.swapSlot(slot));
  if (machine.size.contents) machine.swapData[slot] = word;
}

/** Takes a clean folio out of the swap cache: the caller's reference is the last one then. */
function* removeMapping(machine: Machine, cpu: number, head: number): Op<void> {
  yield* lockSwap(machine, cpu);
  yield writing(machine.objects.frame(head));
  const isDirty = (machine.frameFlags[head]! & FrameFlag.DIRTY) !== 0;
  const isFreed = !isDirty && machine.frameReferences[head] === 2;
  if (isFreed) {
    // Frozen: nobody can get a reference until it is out of the swap cache.
    machine.frameReferences[head] = 0;
    const slot = slotOfFolio(machine, head);
    yield writing(machine.objects.swapSlot(slot));
    assert(machine.swapCache[slot] === head, 'a folio that leaves the swap cache was there');
    leaveSlot(machine, slot);
    yield writing(machine.objects.frame(head));
    machine.frameFlags[head]! &= ~FrameFlag.SWAPCACHE;
    machine.frameReferences[head] = 1;
  }
  yield* unlockSwap(machine, cpu);
}
