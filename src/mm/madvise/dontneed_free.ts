/**
 * MADV_DONTNEED and MADV_FREE: pages that are not needed, now or if memory gets scarce.
 *
 * @source mm/madvise.c madvise_dontneed_free(), madvise_free_pte_range() (Linux 6.18)
 * @omits  large folios that are freed lazily: they stay as they are
 */
import { ACCESSED, DIRTY } from '../../arch/index.ts';
import { EINVAL, ENOMEM } from '../../uapi/errno.ts';
import { MADV } from '../../uapi/mman.ts';
import { hstateOf, isHugetlb } from '../hugetlb/hstate.ts';
import { zapHugetlbRange } from '../hugetlb/zap.ts';
import { invalidateRangeEnd, invalidateRangeStart } from '../notifier/notifier.ts';
import { Notify } from '../notifier/subscription.ts';
import { tryLockFolio, unlockFolio } from '../page/folio_lock.ts';
import { headOf, orderOf } from '../page/frame.ts';
import { isAnonymousFrame } from '../rmap/map_count.ts';
import { isMlocked } from '../rmap/mlock.ts';
import { folioFreeSwap, freeSwapAndCache } from '../swap/swap_cache.ts';
import { flushTlbBatchedPending } from '../swap/unmap_flush.ts';
import { isMappedAt, mappedFlagsAt, mappedFrameAt, setMappedFlags } from '../table/mapped_entry.ts';
import { tlbChange } from '../table/mmu_gather.ts';
import { clearEntry, isPresentAt } from '../table/pgtable.ts';
import { Marker, SoftKind, softKindAt, softValueAt } from '../table/soft_entry.ts';
import { Zap, zapVmaRange } from '../table/zap.ts';
import type { Task } from '../task.ts';
import { removeUserfaultfd } from '../userfaultfd/events.ts';
import { Rss } from '../vma/mm.ts';
import { isAnonymous, VM, type Vma } from '../vma/vma.ts';
import type { Op } from '../world/op.ts';
import { clearing, reading, writing } from '../world/point.ts';
import { FrameFlag } from '../world/world.ts';
import { forEachTable } from './tables.ts';

/**
 * Called under the VMA lock or the mmap lock, for reading, with a gather begun.
 *
 * @returns 0 or a negative errno
 */
export function* adviseDontneedOrFree(
  task: Task,
  vma: Vma,
  start: number,
  end: number,
  advice: number,
): Op<number> {
  const error = refusal(vma, start, advice);
  if (error < 0) return error;
  // A part of a huge page at the end is left: perhaps all there is.
  const last = isHugetlb(vma) ? endOfHuge(task, vma, end) : end;
  if (last <= start) return 0;
  const isTold = yield* removeUserfaultfd(task, vma, start, last);
  if (!isTold) return yield* giveBack(task, vma, start, last, advice);
  // The VMA may have changed while nobody held the lock.
  const { machine, mm } = task;
  yield reading(machine.objects.tree(mm.id));
  const now = mm.vmas.at(start);
  if (now === undefined) return ENOMEM;
  const errorNow = refusal(now, start, advice);
  if (errorNow < 0) return errorNow;
  return yield* giveBack(task, now, start, Math.min(last, now.end), advice);
}

function endOfHuge({ machine }: Task, vma: Vma, end: number): number {
  const { pages } = hstateOf(vma);
  return (machine.bugs.dontneedRoundsUp === true ? Math.ceil : Math.floor)(end / pages) * pages;
}

/** @source mm/madvise.c madvise_dontneed_free_valid_vma() */
function refusal(vma: Vma, start: number, advice: number): number {
  if (isHugetlb(vma)) {
    return advice === MADV.FREE || start % hstateOf(vma).pages > 0 ? EINVAL : 0;
  }
  const forbidden = VM.PFNMAP | (advice === MADV.DONTNEED_LOCKED ? 0 : VM.LOCKED);
  return (vma.flags & forbidden) !== 0 ? EINVAL : 0;
}

function* giveBack(task: Task, vma: Vma, start: number, end: number, advice: number): Op<number> {
  if (isHugetlb(vma)) {
    yield* zapHugetlbRange(task, vma, start, end);
    return 0;
  }
  if (advice !== MADV.FREE) {
    yield* zapVmaRange(task, vma, start, end, Zap.RECLAIM_TABLES);
    return 0;
  }
  if (!isAnonymous(vma)) return EINVAL;
  yield* invalidateRangeStart(task, task.mm, start, end, Notify.CLEAR);
  yield* forEachTable(task, start, end, freeLazily);
  yield* invalidateRangeEnd(task, task.mm, start, end, Notify.CLEAR);
  return 0;
}

/** Called under the lock of the table. */
function* freeLazily(task: Task, first: number, start: number, end: number): Op<void> {
  const { machine, cpu, mm } = task;
  if (machine.bugs.freeWithoutBatchFlush !== true) yield* flushTlbBatchedPending(machine, cpu, mm);
  for (let page = start; page < end; page++) {
    const slot = first + page - start;
    yield reading(machine.objects.entry(slot));
    if (isMappedAt(machine, slot)) yield* freePage(task, slot, page);
    else if (softKindAt(machine, slot) === SoftKind.SWAP) yield* freeSwapped(task, slot);
    else if (isPoisoned(task, slot)) {
      yield clearing(machine.objects.entry(slot));
      clearEntry(machine, slot);
    }
  }
}

/** What is swapped out is freed at once. */
function* freeSwapped({ machine, cpu, mm }: Task, slot: number): Op<void> {
  yield clearing(machine.objects.entry(slot));
  const swapSlot = softValueAt(machine, slot);
  clearEntry(machine, slot);
  mm.rss[Rss.SWAP]!--;
  yield* freeSwapAndCache(machine, cpu, swapSlot);
}

function isPoisoned({ machine }: Task, slot: number): boolean {
  if (softKindAt(machine, slot) !== SoftKind.MARKER) return false;
  return (softValueAt(machine, slot) & Marker.POISONED) !== 0;
}

/**
 * Lets a page be freed by who looks for memory, unless it is written to before. A TLB that takes it
 * for written to already would not say so again.
 */
function* freePage(task: Task, slot: number, page: number): Op<void> {
  const { machine, cpu, mm } = task;
  const frame = mappedFrameAt(machine, slot);
  const head = headOf(machine, frame);
  yield reading(machine.objects.frame(head));
  const isLarge = orderOf(machine, head) > 0;
  if (isLarge || !isAnonymousFrame(machine, frame)) return;
  if ((machine.frameFlags[head]! & (FrameFlag.SWAPCACHE | FrameFlag.DIRTY)) !== 0) {
    const isClean = yield* cleanFolio(task, head);
    if (!isClean) return;
  }
  yield clearing(machine.objects.entry(slot));
  const flags = mappedFlagsAt(machine, slot);
  if ((flags & (ACCESSED | DIRTY)) !== 0) {
    setMappedFlags(machine, slot, flags & ~(ACCESSED | DIRTY));
    if (isPresentAt(machine, slot)) {
      machine.ledger.openPage(machine.mmCpus[mm.id]!, mm.id, page, frame, true);
      tlbChange(machine, cpu, page, page + 1);
    }
  }
  yield writing(machine.objects.frame(head));
  if (!isMlocked(machine, head)) machine.frameFlags[head]! &= ~FrameFlag.SWAPBACKED;
}

/** Whether a folio that only this entry maps could be cleaned: out of the swap cache, if possible. */
function* cleanFolio({ machine, cpu }: Task, head: number): Op<boolean> {
  const isLocked = yield* tryLockFolio(machine, cpu, head);
  if (!isLocked) return false;
  yield reading(machine.objects.frame(head));
  const isHere = machine.frameMapcount[head] === 1;
  if (isHere) yield* folioFreeSwap(machine, cpu, head);
  yield writing(machine.objects.frame(head));
  const isSwapped = (machine.frameFlags[head]! & FrameFlag.SWAPCACHE) !== 0;
  const isClean = isHere && !isSwapped;
  if (isClean) machine.frameFlags[head]! &= ~FrameFlag.DIRTY;
  yield* unlockFolio(machine, cpu, head);
  return isClean;
}
