/**
 * Faults on pages that are swapped out.
 *
 * The page comes from the swap cache, or is read into it, so that all who want it get the same folio.
 * A page that one entry only stands for, on a device that answers at once, is read past the cache into
 * a folio that nobody else knows. The slot is pinned meanwhile: another thread might bring the page
 * in, write to it, and have it swapped out to the same slot again; the entry would look the same, and
 * stand for newer content than what was read.
 *
 * @source mm/memory.c do_swap_page() (Linux 6.18)
 * @omits  large folios, readahead, KSM, memory cgroups, errors of the device, slots that are freed
 *         early because the device is more than half full, dropping locks while the folio lock is
 *         waited for
 */
import { ACCESSED, DIRTY, type LeafFlags, UFFD_WP, W } from '../../arch/index.ts';
import { Access, Fault } from '../fault/result.ts';
import { lockFolio, unlockFolio } from '../page/folio_lock.ts';
import { allocFrame, putFrame } from '../page/frame.ts';
import { addNewAnonymous, addRmap, isAnonymousFrame } from '../rmap/map_count.ts';
import { mlockMapped } from '../rmap/mlock.ts';
import { setMapped } from '../table/mapped_entry.ts';
import { lockIfSame, unlockPte } from '../table/pte_table.ts';
import { SoftFlag } from '../table/soft_entry.ts';
import type { Task } from '../task.ts';
import { Rss } from '../vma/mm.ts';
import { pageRights } from '../vma/page_rights.ts';
import { VM, type Vma } from '../vma/vma.ts';
import type { Op } from '../world/op.ts';
import { reading, setting, slotRead, writing } from '../world/point.ts';
import { FrameFlag, NONE, type World } from '../world/world.ts';
import { folioFreeSwap, readSwapCache, swapCacheGet, swapReadFolio } from './swap_cache.ts';
import { swapcacheClear, swapcachePrepare, swapFree } from './swap_slot.ts';

/** A swap entry as it was read without a lock. */
export interface SwapEntry {
  readonly slot: number;
  readonly flags: number;
  /** Where it was read, and its lanes. */
  readonly at: number;
  readonly low: number;
  readonly high: number;
}

/**
 * Brings `page` in. Called under the VMA lock or the mmap lock, for reading.
 *
 * @locks the folio lock, then the lock of the table, then the swap lock
 */
export function* doSwapPage(
  task: Task,
  vma: Vma,
  page: number,
  entry: SwapEntry,
  access: Access,
): Op<Fault> {
  const { machine, cpu } = task;
  const found = yield* swapCacheGet(machine, cpu, entry.slot);
  if (found === NONE && machine.size.swapIsSynchronous) {
    yield reading(machine.objects.swapSlot(entry.slot));
    if (machine.swapCount[entry.slot] === 1) {
      return yield* swapInPastCache(task, vma, page, entry, access);
    }
  }
  const head = found === NONE ? yield* readSwapCache(machine, cpu, entry.slot) : found;
  if (head === NONE) return yield* failUnlessChanged(task, page, entry);
  yield* lockFolio(machine, cpu, head);
  yield reading(machine.objects.swapSlot(entry.slot));
  const isStill = machine.swapCache[entry.slot] === head;
  const isMapped = isStill && (yield* mapSwapped(task, vma, page, entry, access, head));
  yield* unlockFolio(machine, cpu, head);
  if (!isMapped) yield* putFrame(machine, cpu, head);
  return Fault.DONE;
}

function* failUnlessChanged(task: Task, page: number, entry: SwapEntry): Op<Fault> {
  const isSame = yield* lockIfSame(task, page, entry.at, entry.low, entry.high);
  if (!isSame) return Fault.DONE;
  yield* unlockPte(task, task.mm, entry.at);
  return Fault.OOM;
}

/** Reads the page into a folio that nobody else knows. */
function* swapInPastCache(
  task: Task,
  vma: Vma,
  page: number,
  entry: SwapEntry,
  access: Access,
): Op<Fault> {
  const { machine, cpu } = task;
  const head = yield* allocFrame(machine, cpu);
  if (head === NONE) return yield* failUnlessChanged(task, page, entry);
  const isPinned = yield* swapcachePrepare(machine, cpu, entry.slot);
  if (!isPinned) {
    yield* putFrame(machine, cpu, head);
    yield slotRead(machine.objects.swapSlot(entry.slot));
    return Fault.DONE;
  }
  yield* lockFolio(machine, cpu, head);
  yield* swapReadFolio(machine, entry.slot, head);
  const isMapped = yield* mapSwapped(task, vma, page, entry, access, head);
  yield* unlockFolio(machine, cpu, head);
  if (!isMapped) yield* putFrame(machine, cpu, head);
  yield* swapcacheClear(machine, cpu, entry.slot);
  return Fault.DONE;
}

/**
 * Maps the folio `head`, which is locked, in place of the entry, if that is still the same: then the
 * caller's reference is the entry's.
 */
function* mapSwapped(
  task: Task,
  vma: Vma,
  page: number,
  entry: SwapEntry,
  access: Access,
  head: number,
): Op<boolean> {
  const { machine, cpu, mm } = task;
  const isSame = yield* lockIfSame(task, page, entry.at, entry.low, entry.high);
  if (!isSame) return false;
  const isWrite = access === Access.WRITE;
  yield reading(machine.objects.frame(head));
  const isCached = (machine.frameFlags[head]! & FrameFlag.SWAPCACHE) !== 0;
  yield* swapFree(machine, cpu, entry.slot);
  yield reading(machine.objects.frame(head));
  // To be written to in place, a page must be held by the entry only.
  if (isCached && isWrite && isHeldByUs(machine, head)) yield* folioFreeSwap(machine, cpu, head);
  yield reading(machine.objects.frame(head));
  const isOwn =
    !isCached || (entry.flags & SoftFlag.EXCLUSIVE) !== 0 || machine.frameReferences[head] === 1;
  yield* addSwappedRmap(task, vma, page, head, isOwn);
  mm.rss[Rss.SWAP]!--;
  yield setting(machine.objects.entry(entry.at));
  const isWp = (entry.flags & SoftFlag.UFFD_WP) !== 0;
  setMapped(machine, entry.at, head, swappedFlags(vma, isOwn, isWrite, isWp));
  yield* unlockPte(task, mm, entry.at);
  return true;
}

/** Whether the swap cache and the caller have the only references. */
const isHeldByUs = (world: World, head: number): boolean => world.frameReferences[head] === 2;

/** A folio that was never mapped since it was read belongs to `vma` now, or to its family. */
function* addSwappedRmap(
  { machine, mm }: Task,
  vma: Vma,
  page: number,
  head: number,
  isOwn: boolean,
): Op<void> {
  if (!isAnonymousFrame(machine, head)) {
    yield writing(machine.objects.frame(head));
    const anonVma = isOwn ? vma.anonVma! : vma.anonVma!.root;
    addNewAnonymous(machine, head, vma, page, anonVma);
    mm.rss[Rss.ANON]!++;
  } else {
    yield* addRmap(machine, mm, head);
    mlockMapped(machine, vma, head, 1);
  }
  yield writing(machine.objects.frame(head));
  if (isOwn) machine.frameFlags[head]! |= FrameFlag.EXCLUSIVE;
  else machine.frameFlags[head]! &= ~FrameFlag.EXCLUSIVE;
}

function swappedFlags(vma: Vma, isOwn: boolean, isWrite: boolean, isWp: boolean): LeafFlags {
  const isWritable = isOwn && !isWp && (vma.flags & VM.WRITE) !== 0;
  const written = isWritable ? W | (isWrite ? DIRTY : 0) : 0;
  return pageRights(vma) | ACCESSED | written | (isWp ? UFFD_WP : 0);
}
