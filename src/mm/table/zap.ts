/**
 * Taking pages out of an address space.
 *
 * @source mm/memory.c unmap_page_range(), zap_pte_range() (Linux 6.18)
 * @omits  device memory
 */
import { DIRTY, UFFD_WP, W } from '../../arch/index.ts';
import { vmOpsOf } from '../design/design.ts';
import { giveUpTable } from '../design/seams.ts';
import { hugePages, hugeStart } from '../huge/huge_start.ts';
import { zapHugePage } from '../huge/huge_zap.ts';
import { splitHugeEntry } from '../huge/split.ts';
import { invalidateRangeEnd, invalidateRangeStart } from '../notifier/notifier.ts';
import { Notify } from '../notifier/subscription.ts';
import { headOf, markDirty, ZERO_FRAME } from '../page/frame.ts';
import { dropRmap, isAnonymousFrame, rssKindOf } from '../rmap/map_count.ts';
import { munlockFolio } from '../rmap/mlock.ts';
import { freeSwapAndCache } from '../swap/swap_cache.ts';
import { flushTlbBatchedPending } from '../swap/unmap_flush.ts';
import type { Task } from '../task.ts';
import { Rss } from '../vma/mm.ts';
import { VM, type Vma } from '../vma/vma.ts';
import type { Op } from '../world/op.ts';
import { clearing, reading, writing } from '../world/point.ts';
import { NONE } from '../world/world.ts';
import { isMappedAt, mappedFlagsAt, mappedFrameAt } from './mapped_entry.ts';
import {
  isGatherFull,
  tlbChange,
  tlbFlushMmu,
  tlbFlushRmaps,
  tlbRemovePage,
  tlbRemovePageLater,
} from './mmu_gather.ts';
import { clearEntry, findMapped, isNoneAt, isPresentAt, isTableAt, walk } from './pgtable.ts';
import { tryFreeTable, tryUnlinkTable } from './pt_reclaim.ts';
import { lockPte, tableEnd, unlockPte } from './pte_table.ts';
import { wasSharedAt } from './shared_table.ts';
import {
  Marker,
  SoftFlag,
  SoftKind,
  setSoftEntry,
  softFlagsAt,
  softKindAt,
  softValueAt,
} from './soft_entry.ts';

/** What else is done, or left (struct zap_details). */
export const Zap = {
  /** Guards and other markers go, too: the VMA does. */
  DROP_MARKERS: 1,
  /** Tables that this empties are freed at once. */
  RECLAIM_TABLES: 2,
  /** Private copies of pages of a file stay. */
  KEEP_COWS: 4,
  /** Of a file that stays mapped, what userfaultfd write-protects is noted, by markers. */
  NOTE_UFFD_WP: 8,
  /** The VMA has VM_LOCKED, so that its pages are munlocked. */
  MUNLOCK: 16,
  /** Such markers stay. */
  KEEP_UFFD_WP: 32,
} as const;

/** As `unmapPageRange()`, of `vma`, which may have its own way to do it. */
export function* unmapVmaRange(
  task: Task,
  vma: Vma,
  start: number,
  end: number,
  zap: number = Zap.DROP_MARKERS,
): Op<void> {
  const ops = vmOpsOf(task.machine, vma);
  const isKept = vma.file !== undefined && (zap & Zap.DROP_MARKERS) === 0;
  // A VMA that was registered anew for something else keeps markers, and gets no more.
  const note = isKept && (vma.flags & VM.UFFD_WP) !== 0 ? Zap.NOTE_UFFD_WP : 0;
  const keep = isKept ? Zap.KEEP_UFFD_WP : 0;
  const munlock = (vma.flags & VM.LOCKED) === 0 ? 0 : Zap.MUNLOCK;
  if (ops === undefined) yield* unmapPageRange(task, start, end, zap | note | keep | munlock);
  else yield* ops.unmap(task, vma, start, end, zap);
}

/**
 * As `unmapVmaRange()`, of a VMA that stays. Secondary MMUs are told; the flush is yet to come.
 *
 * @source mm/memory.c zap_page_range_single_batched()
 */
export function* zapVmaRange(
  task: Task,
  vma: Vma,
  start: number,
  end: number,
  zap: number,
): Op<void> {
  yield* invalidateRangeStart(task, task.mm, start, end, Notify.CLEAR);
  yield* unmapVmaRange(task, vma, start, end, zap);
  yield* invalidateRangeEnd(task, task.mm, start, end, Notify.CLEAR);
}

/**
 * Clears the entries of `[start, end)` and collects their pages in the gather of the CPU.
 *
 * Called under the mmap lock, or under locks of rmap that keep the VMA where it is.
 *
 * @locks  a page-table lock for each table
 */
export function* unmapPageRange(
  task: Task,
  start: number,
  end: number,
  zap: number = Zap.DROP_MARKERS,
): Op<void> {
  const { machine, mm } = task;
  for (let at = yield* findMapped(machine, mm, start, end); at < end; ) {
    if (machine.designs.length > 0) {
      const isGone = yield* giveUpShared(task, at);
      if (isGone) {
        at = yield* findMapped(machine, mm, at, end);
        continue;
      }
    }
    const next = tableEnd(machine, at, end);
    const isHuge = yield* zapHuge(task, at, next, zap);
    if (!isHuge) yield* zapPteRange(task, at, next, zap);
    else if (isGatherFull(machine, task.cpu)) yield* tlbFlushMmu(machine, task.cpu, mm.id);
    at = yield* findMapped(machine, mm, next, end);
  }
}

/** Whether a table on the way to `page` was shared, and is given up. */
function* giveUpShared(task: Task, page: number): Op<boolean> {
  const { machine, mm } = task;
  for (let level = machine.format.levels - 1; level > 0; level--) {
    const slot = yield* walk(machine, mm, page, level);
    if (slot === NONE) return false;
    yield reading(machine.objects.entry(slot));
    if (!isTableAt(machine, slot, level) || !wasSharedAt(machine, slot, level)) continue;
    const isGone = yield* giveUpTable(task, page, slot, level);
    if (isGone) return true;
  }
  return false;
}

/** Whether `[start, end)` was a huge page: cleared if it is all of one, split if it is a part. */
function* zapHuge(task: Task, start: number, end: number, zap: number): Op<boolean> {
  const { machine, mm } = task;
  const slot = yield* walk(machine, mm, start, 1);
  if (slot === NONE) return false;
  yield reading(machine.objects.entry(slot));
  if (!isMappedAt(machine, slot, 1)) return false;
  if (end - start === hugePages(machine)) {
    return yield* zapHugePage(task, start, slot, (zap & Zap.MUNLOCK) !== 0);
  }
  yield* splitHugeEntry(task, mm, hugeStart(machine, start), slot);
  return false;
}

function* zapPteRange(task: Task, start: number, end: number, zap: number): Op<void> {
  const { machine, cpu, mm } = task;
  const isWhole = end - start === machine.format.entryPages[1]!;
  let mayReclaim = isWhole && (zap & Zap.RECLAIM_TABLES) !== 0;
  let isUnlinked = false;
  for (let at = start; at < end; ) {
    const first = yield* lockPte(task, mm, at);
    if (first === NONE) return;
    const done = yield* zapLocked(task, first, at, end, zap);
    if (done < 0) mayReclaim = false;
    // Entries that were left while the lock was dropped may have been filled again.
    const isAtOnce = mayReclaim && at === start && Math.abs(done) === end;
    at = Math.abs(done);
    if (isAtOnce) isUnlinked = yield* tryUnlinkTable(task, start);
    yield* tlbFlushRmaps(machine, cpu, mm);
    yield* unlockPte(task, mm, first);
    if (isGatherFull(machine, cpu)) yield* tlbFlushMmu(machine, cpu, mm.id);
  }
  if (mayReclaim && !isUnlinked) yield* tryFreeTable(task, start);
  if (isGatherFull(machine, cpu)) yield* tlbFlushMmu(machine, cpu, mm.id);
}

/**
 * Called under the lock of the table.
 *
 * @returns where it stopped: at the end, or when the gather was full; negative if anything was left
 */
function* zapLocked(
  task: Task,
  first: number,
  start: number,
  end: number,
  zap: number,
): Op<number> {
  const { machine, cpu } = task;
  yield* flushTlbBatchedPending(machine, cpu, task.mm);
  let isLeft = false;
  let page = start;
  while (page < end && !isGatherFull(machine, cpu)) {
    const slot = first + page - start;
    yield reading(machine.objects.entry(slot));
    if (!isNoneAt(machine, slot)) {
      yield clearing(machine.objects.entry(slot));
      const isZapped = isMappedAt(machine, slot)
        ? yield* zapMapped(task, slot, page, zap)
        : yield* zapSoftEntry(task, slot, zap);
      if (!isZapped) isLeft = true;
    }
    page++;
  }
  return isLeft ? -page : page;
}

/** Called when the entry was announced. @returns whether it was cleared */
function* zapMapped(task: Task, slot: number, page: number, zap: number): Op<boolean> {
  const { machine, cpu, mm } = task;
  const frame = mappedFrameAt(machine, slot);
  const head = headOf(machine, frame);
  if ((zap & Zap.KEEP_COWS) !== 0) {
    yield reading(machine.objects.frame(head));
    if (isAnonymousFrame(machine, frame)) return false;
    yield clearing(machine.objects.entry(slot));
  }
  const wasPresent = isPresentAt(machine, slot);
  const flags = mappedFlagsAt(machine, slot);
  const isNoted = (zap & Zap.NOTE_UFFD_WP) !== 0 && (flags & UFFD_WP) !== 0;
  if (isNoted) setSoftEntry(machine, slot, SoftKind.MARKER, Marker.UFFD_WP);
  else clearEntry(machine, slot);
  if (wasPresent) {
    tlbChange(machine, cpu, page, page + 1);
    machine.ledger.openPage(machine.mmCpus[mm.id]!, mm.id, page, frame, (flags & W) !== 0);
  }
  if (frame === ZERO_FRAME) return !isNoted;
  yield writing(machine.objects.frame(head));
  if ((zap & Zap.MUNLOCK) !== 0) munlockFolio(machine, head);
  if ((flags & DIRTY) === 0 || isAnonymousFrame(machine, frame)) {
    dropRmap(machine, mm, frame);
    tlbRemovePage(machine, cpu, page, frame);
  } else {
    markDirty(machine, head);
    tlbRemovePageLater(machine, cpu, page, frame);
  }
  return !isNoted;
}

function isMarkerKept(marker: number, zap: number): boolean {
  if ((marker & Marker.POISONED) !== 0) return (zap & Zap.KEEP_COWS) !== 0;
  if ((marker & Marker.GUARD) !== 0) return (zap & Zap.DROP_MARKERS) === 0;
  return (zap & Zap.KEEP_UFFD_WP) !== 0;
}

/** Called when the entry was announced. @returns whether it was cleared */
function* zapSoftEntry(task: Task, slot: number, zap: number): Op<boolean> {
  const { machine, cpu, mm } = task;
  const kind = softKindAt(machine, slot);
  const value = softValueAt(machine, slot);
  const isKeepingCows = (zap & Zap.KEEP_COWS) !== 0;
  if (kind === SoftKind.MARKER) {
    if (isMarkerKept(value, zap)) return false;
  } else if (kind === SoftKind.MIGRATION) {
    yield reading(machine.objects.frame(headOf(machine, value)));
    if (isKeepingCows && isAnonymousFrame(machine, value)) return false;
    mm.rss[rssKindOf(machine, value)]!--;
    yield clearing(machine.objects.entry(slot));
  } else if (isKeepingCows) return false;
  const isWp = kind !== SoftKind.MARKER && (softFlagsAt(machine, slot) & SoftFlag.UFFD_WP) !== 0;
  const isNoted = isWp && (zap & Zap.NOTE_UFFD_WP) !== 0;
  if (isNoted) setSoftEntry(machine, slot, SoftKind.MARKER, Marker.UFFD_WP);
  else clearEntry(machine, slot);
  if (kind === SoftKind.SWAP) {
    mm.rss[Rss.SWAP]!--;
    yield* freeSwapAndCache(machine, cpu, value);
  }
  return !isNoted;
}
