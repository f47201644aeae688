/**
 * Taking huge pages out of an address space.
 *
 * @source mm/hugetlb.c __unmap_hugepage_range(), __hugetlb_zap_begin(), __hugetlb_zap_end(),
 *         unmap_ref_private() (Linux 6.18)
 */
import { DIRTY, UFFD_WP, W } from '../../arch/index.ts';
import { invalidateRangeEnd, invalidateRangeStart } from '../notifier/notifier.ts';
import { Notify } from '../notifier/subscription.ts';
import { isAnonymousFrame } from '../rmap/map_count.ts';
import { isMappedAt, mappedFrameAt } from '../table/mapped_entry.ts';
import {
  isGatherFull,
  tlbChange,
  tlbFinishMmu,
  tlbFlushMmu,
  tlbGatherMmu,
  tlbRemovePage,
  tlbUnlink,
} from '../table/mmu_gather.ts';
import { isNoneAt, isPresentAt, walk } from '../table/pgtable.ts';
import { isWpMarkerAt, Marker, SoftKind, setSoftEntry, softKindAt } from '../table/soft_entry.ts';
import { Zap } from '../table/zap.ts';
import type { Task } from '../task.ts';
import { VM, type Vma } from '../vma/vma.ts';
import { lock, Rank, unlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { clearing, reading, writing } from '../world/point.ts';
import { FrameFlag, NONE } from '../world/world.ts';
import { HugetlbFlag, hugetlbFlags, setHugetlbFlags } from './folio.ts';
import { granularOf } from './granular.ts';
import { hstateOf, nextBlock } from './hstate.ts';
import { clearHugePte, hugePteFlags, hugePteLock } from './huge_pte.ts';
import { mappingsInOrder } from './i_mmap.ts';
import { hugetlbLock, hugetlbUnlock } from './pool.ts';
import { addReservation } from './reserve.ts';
import { countMap } from './rmap.ts';
import {
  flushUnshared,
  hugePmdUnshare,
  nothingUnshared,
  notifiedRange,
  type Unshared,
} from './unshare.ts';
import { vmaLockWrite, vmaUnlockWrite, vmaUnlockWriteFree } from './vma_lock.ts';

/** Locks `vma` and all of its file's, so that no table comes to be shared meanwhile. */
function* zapBegin(task: Task, vma: Vma): Op<void> {
  const { machine, cpu } = task;
  yield* vmaLockWrite(task, vma);
  yield* lock(machine, cpu, machine.objects.iMmapLock(vma.file!.inode.id), Rank.I_MMAP);
}

/** @param isFinal whether the VMA goes: nobody may choose its tables to share from now on */
function* zapEnd(task: Task, vma: Vma, isFinal: boolean): Op<void> {
  const { machine, cpu } = task;
  if (isFinal) yield* vmaUnlockWriteFree(task, vma);
  else yield* vmaUnlockWrite(task, vma);
  yield* unlock(machine, cpu, machine.objects.iMmapLock(vma.file!.inode.id), Rank.I_MMAP);
}

/** Unmaps a VMA that goes, with a gather begun. Called under the mmap lock. */
export function* unmapHugetlbVma(task: Task, vma: Vma): Op<void> {
  yield* zapBegin(task, vma);
  yield* unmapHugepageRange(task, vma, vma.start, vma.end);
  yield* zapEnd(task, vma, true);
}

/**
 * Unmaps `[start, end)` of a VMA that stays. Pages are freed before faults may go on, which could
 * find none in the pool otherwise. Called under the mmap lock or the VMA lock, with a gather begun.
 *
 * @source mm/memory.c zap_page_range_single_batched()
 */
export function* zapHugetlbRange(task: Task, vma: Vma, start: number, end: number): Op<void> {
  const { machine, cpu, mm } = task;
  yield* zapBegin(task, vma);
  const [from, to] = notifiedRange(task, vma, start, end);
  yield* invalidateRangeStart(task, mm, from, to, Notify.CLEAR);
  yield* unmapHugepageRange(task, vma, start, end, 0);
  yield* invalidateRangeEnd(task, mm, from, to, Notify.CLEAR);
  const { zapUnlockedBeforeFree, dontneedEndsVmaLock = false } = machine.bugs;
  if (zapUnlockedBeforeFree === true) yield* zapEnd(task, vma, false);
  yield* tlbFinishMmu(machine, cpu, mm.id);
  if (zapUnlockedBeforeFree !== true) yield* zapEnd(task, vma, dontneedEndsVmaLock);
  yield* tlbGatherMmu(machine, cpu, mm.id);
}

/**
 * Clears the entries of `[start, end)`, which is whole huge pages of `vma`, or of the folio `only` if
 * that is given. A shared table is given up, whatever part of it is meant: its pages stay.
 *
 * Called under i_mmap_rwsem and the lock of the VMA, both for writing, with a gather begun.
 */
export function* unmapHugepageRange(
  task: Task,
  vma: Vma,
  start: number,
  end: number,
  zap: number = Zap.DROP_MARKERS,
  only: number = NONE,
): Op<void> {
  const { machine, cpu, mm } = task;
  const granular = granularOf(machine, vma);
  if (granular !== undefined) {
    yield* granular.unmap(task, vma, start, end);
    return;
  }
  const hstate = hstateOf(vma);
  const unshared = nothingUnshared();
  for (let page = start; page < end; ) {
    const slot = yield* walk(machine, mm, page, hstate.level);
    if (slot === NONE) {
      page = nextBlock(machine, hstate, page);
      continue;
    }
    const isGone = yield* zapEntry(task, vma, page, slot, zap, only, unshared);
    if (isGatherFull(machine, cpu)) yield* tlbFlushMmu(machine, cpu, mm.id);
    page = isGone ? nextBlock(machine, hstate, page) : page + hstate.pages;
    if (isGone && machine.bugs.unshareSkipsBlock === true) page = nextBlock(machine, hstate, page);
  }
  if (machine.bugs.unshareFlushedLater === true) {
    if (unshared.end > 0) tlbUnlink(machine, cpu, unshared.start, unshared.end);
  } else yield* flushUnshared(task, unshared);
}

/** @returns whether the table was a shared one, and is given up */
function* zapEntry(
  task: Task,
  vma: Vma,
  page: number,
  slot: number,
  zap: number,
  only: number,
  unshared: Unshared,
): Op<boolean> {
  const { machine, cpu, mm } = task;
  const hstate = hstateOf(vma);
  const { level } = hstate;
  const guard = hugePteLock(machine, mm, slot, hstate);
  yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
  const isGone = yield* hugePmdUnshare(task, vma, page, slot, unshared);
  let isRestored = false;
  if (!isGone) {
    yield reading(machine.objects.entry(slot));
    const isMapped = isMappedAt(machine, slot, level);
    const noted = (zap & Zap.DROP_MARKERS) === 0;
    if (isMapped) isRestored = yield* zapMapped(task, vma, page, slot, noted, only);
    else if (!isNoneAt(machine, slot) && only === NONE && !(noted && isWpMarkerAt(machine, slot))) {
      yield clearing(machine.objects.entry(slot));
      // What is being moved counts as mapped.
      const isMoved = softKindAt(machine, slot) === SoftKind.MIGRATION;
      if (isMoved) mm.hugetlbPages -= hstate.pages;
      clearHugePte(machine, slot, hstate);
    }
  }
  yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
  if (isRestored) yield* addReservation(task, vma, page);
  return isGone;
}

/** @returns whether the owner of a private mapping gets its reservation back */
function* zapMapped(
  task: Task,
  vma: Vma,
  page: number,
  slot: number,
  isNoted: boolean,
  only: number,
): Op<boolean> {
  const { machine, cpu, mm } = task;
  const hstate = hstateOf(vma);
  const { level, pages } = hstate;
  const head = mappedFrameAt(machine, slot, level);
  if (only !== NONE) {
    if (head !== only) return false;
    vma.hugetlb!.isUnmapped = true;
  }
  yield clearing(machine.objects.entry(slot));
  const flags = hugePteFlags(machine, slot, hstate);
  const wasPresent = isPresentAt(machine, slot);
  clearHugePte(machine, slot, hstate);
  if (isNoted && (flags & UFFD_WP) !== 0) {
    setSoftEntry(machine, slot, SoftKind.MARKER, Marker.UFFD_WP);
  }
  tlbChange(machine, cpu, page, page + pages);
  if (wasPresent) {
    const cpus = machine.mmCpus[mm.id]!;
    machine.ledger.openFolio(cpus, mm.id, page, page + pages, head, (flags & W) !== 0);
  }
  mm.hugetlbPages -= pages;
  yield writing(machine.objects.frame(head));
  countMap(machine, head, -1);
  if ((flags & DIRTY) !== 0) machine.frameFlags[head]! |= FrameFlag.DIRTY;
  const isRestored = yield* restoresReserve(task, vma, head);
  tlbRemovePage(machine, cpu, page, head);
  return isRestored;
}

/**
 * Whether a private page goes that its owner had reserved: the pool keeps it for the next fault, or
 * somebody else could take it. Not while a child still maps it.
 */
function* restoresReserve(task: Task, vma: Vma, head: number): Op<boolean> {
  const { machine } = task;
  if ((vma.flags & VM.MAYSHARE) !== 0 || vma.hugetlb?.resv === undefined) return false;
  if (!isAnonymousFrame(machine, head)) return false;
  if (machine.frameReferences[head + 1]! > 0 && machine.bugs.reserveRestoredWhileMapped !== true) {
    return false;
  }
  yield* hugetlbLock(task);
  const isRestored = hstateOf(vma).surplus === 0;
  if (isRestored) {
    const flags = hugetlbFlags(machine, head);
    setHugetlbFlags(machine, head, flags | HugetlbFlag.RESTORE_RESERVE);
  }
  yield* hugetlbUnlock(task);
  return isRestored;
}

/**
 * Unmaps `[start, end)` for who came by the file. Called as `unmapHugepageRange()`.
 *
 * @source mm/hugetlb.c unmap_hugepage_range()
 */
export function* zapOfFile(
  task: Task,
  vma: Vma,
  start: number,
  end: number,
  zap: number,
  only: number = NONE,
): Op<void> {
  const { machine, cpu, mm } = task;
  const [from, to] = notifiedRange(task, vma, start, end);
  yield* invalidateRangeStart(task, mm, from, to, Notify.CLEAR);
  yield* tlbGatherMmu(machine, cpu, mm.id);
  yield* unmapHugepageRange(task, vma, start, end, zap, only);
  yield* invalidateRangeEnd(task, mm, from, to, Notify.CLEAR);
  yield* tlbFinishMmu(machine, cpu, mm.id);
}

/**
 * The owner of a private mapping needs a page, and children keep the old one: theirs are unmapped, and
 * they will get a signal when they touch it.
 *
 * Called under the mmap lock, without the locks of the fault.
 */
export function* unmapRefPrivate(task: Task, vma: Vma, page: number, head: number): Op<void> {
  const { machine, cpu } = task;
  const { inode } = vma.file!;
  const guard = machine.objects.iMmapLock(inode.id);
  const pgoff = vma.pgoff + page - vma.start;
  yield* lock(machine, cpu, guard, Rank.I_MMAP);
  for (const [other, mm] of mappingsInOrder(inode)) {
    const place = other.start + pgoff - other.pgoff;
    if (other === vma || place < other.start || place >= other.end) continue;
    if ((other.flags & VM.MAYSHARE) !== 0 || other.hugetlb?.resv !== undefined) continue;
    const its = { machine, cpu, mm };
    const end = place + hstateOf(vma).pages;
    yield* zapOfFile(its, other, place, end, Zap.DROP_MARKERS, head);
  }
  yield* unlock(machine, cpu, guard, Rank.I_MMAP);
}
