/**
 * Writes to huge pages that are mapped read-only.
 *
 * The owner of a private mapping has reserved a page for each, but after a fork that may be what a child
 * still maps. If no page is free for the copy, the owner's mapping goes before: children lose theirs.
 *
 * @source mm/hugetlb.c hugetlb_wp() (Linux 6.18)
 */
import { UFFD_WP, W } from '../../arch/index.ts';
import { prepareAnonymous } from '../fault/anonymous.ts';
import { Access, Fault, type FaultLock } from '../fault/result.ts';
import { invalidateRangeEnd, invalidateRangeStart } from '../notifier/notifier.ts';
import { Notify } from '../notifier/subscription.ts';
import { getFrame, putFrame } from '../page/frame.ts';
import { isAnonymousFrame } from '../rmap/map_count.ts';
import { isMappedAt, mappedFrameAt } from '../table/mapped_entry.ts';
import { isSameAt, walk } from '../table/pgtable.ts';
import type { Task } from '../task.ts';
import { VM, type Vma } from '../vma/vma.ts';
import { lock, Rank, unlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { clearing, reading, readingContent, setting, writing } from '../world/point.ts';
import { flushTlbMmRange } from '../world/tlb.ts';
import { FrameFlag, NONE } from '../world/world.ts';
import { faultMutexLock, faultMutexUnlock } from './fault_mutex.ts';
import { hstateOf } from './hstate.ts';
import { clearHugePte, hugePteFlags, hugePteLock, setHugePte } from './huge_pte.ts';
import { leafFlags } from './leaf_flags.ts';
import { allocHugetlbFolio, restoreReserve } from './reserve.ts';
import { countMap, hugetlbMapcount, mapNewAnonymousFolio } from './rmap.ts';
import { vmaLockRead, vmaUnlockRead } from './vma_lock.ts';
import { unmapRefPrivate } from './zap.ts';

/** A fault under way. */
export interface HugetlbFault {
  readonly vma: Vma;
  /** The first small page of the huge one. */
  readonly page: number;
  readonly index: number;
  readonly access: Access;
  readonly held: FaultLock;
  /** The slot of the entry, whose table the lock of the VMA keeps. */
  slot: number;
  /** The folio that is being moved, which the fault has to wait for, or `NONE`. */
  movedFrom: number;
}

/**
 * Lets the process write to the page that the entry maps, or, for who pins it, have it alone.
 *
 * Called under the fault mutex, the lock of the VMA and that of the table, which are dropped and taken
 * again if children have to be unmapped, or memory is needed.
 */
export function* hugetlbWp(task: Task, fault: HugetlbFault): Op<Fault> {
  const { machine } = task;
  const { vma, slot, access } = fault;
  const { level } = hstateOf(vma);
  if (access === Access.UNSHARE && (vma.flags & VM.MAYSHARE) !== 0) return Fault.DONE;
  if ((vma.flags & VM.MAYSHARE) !== 0) {
    yield* makeWritable(task, fault);
    return Fault.DONE;
  }
  yield reading(machine.objects.entry(slot));
  const head = mappedFrameAt(machine, slot, level);
  yield writing(machine.objects.frame(head));
  if (hugetlbMapcount(machine, head) === 1 && isAnonymousFrame(machine, head)) {
    if ((machine.frameFlags[head]! & FrameFlag.EXCLUSIVE) === 0) {
      machine.frameMapping[head] = -1 - vma.anonVma!.id;
      machine.frameFlags[head]! |= FrameFlag.EXCLUSIVE;
    }
    if (access !== Access.UNSHARE) yield* makeWritable(task, fault);
    return Fault.DONE;
  }
  return yield* copyFolio(task, fault, head);
}

/** Unless the program may not write: then it is forced. @source set_huge_ptep_maybe_writable() */
function* makeWritable({ machine }: Task, { vma, slot }: HugetlbFault): Op<void> {
  if ((vma.flags & VM.WRITE) === 0) return;
  const hstate = hstateOf(vma);
  yield setting(machine.objects.entry(slot));
  const flags = hugePteFlags(machine, slot, hstate) | leafFlags(vma, true);
  setHugePte(machine, slot, hstate, mappedFrameAt(machine, slot, hstate.level), flags);
}

/** Called under the lock of the table. */
function* copyFolio(task: Task, fault: HugetlbFault, original: number): Op<Fault> {
  const { machine, cpu, mm } = task;
  const { vma, page } = fault;
  const [low, high] = [machine.lanes[fault.slot * 2]!, machine.lanes[fault.slot * 2 + 1]!];
  const guard = hugePteLock(machine, mm, fault.slot, hstateOf(vma));
  const isOwner = vma.hugetlb!.resv !== undefined && isAnonymousFrame(machine, original);
  yield* getFrame(machine, original);
  yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
  const copy = yield* allocHugetlbFolio(task, vma, page, isOwner);
  if (copy < 0) {
    yield* putFrame(machine, cpu, original);
    if (isOwner) return yield* unmapChildren(task, fault, original, low, high);
    yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
    return Fault.SIGBUS;
  }
  const isPrepared = yield* prepareAnonymous(task, vma, fault.held);
  if (isPrepared) yield* copyContents(task, vma, original, copy);
  const end = page + hstateOf(vma).pages;
  yield* invalidateRangeStart(task, mm, page, end, Notify.CLEAR);
  yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
  const isReplaced = isPrepared && (yield* replace(task, fault, original, copy, low, high));
  if (!isReplaced) yield* restoreReserve(task, vma, page, copy);
  yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
  yield* invalidateRangeEnd(task, mm, page, end, Notify.CLEAR);
  // The pool may have to be locked for these.
  yield* putFrame(machine, cpu, isReplaced ? original : copy);
  yield* putFrame(machine, cpu, original);
  yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
  return isPrepared ? Fault.DONE : Fault.RETRY;
}

function* copyContents({ machine }: Task, vma: Vma, from: number, to: number): Op<void> {
  const { pages } = hstateOf(vma);
  for (let at = 0; at < pages; at++) {
    yield readingContent(machine.objects.frame(from + at));
    if (machine.size.contents) machine.frameData[to + at] = machine.frameData[from + at]!;
  }
}

/** Called under the lock of the table. @returns whether the entry was still the same */
function* replace(
  task: Task,
  { vma, page, slot, access }: HugetlbFault,
  original: number,
  copy: number,
  low: number,
  high: number,
): Op<boolean> {
  const { machine, cpu, mm } = task;
  const hstate = hstateOf(vma);
  const { pages } = hstate;
  yield clearing(machine.objects.entry(slot));
  if (!isSameAt(machine, slot, low, high)) return false;
  clearHugePte(machine, slot, hstate);
  machine.ledger.openFolio(machine.mmCpus[mm.id]!, mm.id, page, page + pages, original, false);
  yield* flushTlbMmRange(machine, cpu, mm.id, page, page + pages);
  yield writing(machine.objects.frame(original));
  countMap(machine, original, -1);
  yield writing(machine.objects.frame(copy));
  mapNewAnonymousFolio(machine, copy, vma.anonVma!, vma.pgoff + page - vma.start);
  yield setting(machine.objects.entry(slot));
  const flags = leafFlags(vma, access !== Access.UNSHARE);
  const isReadOnly = access === Access.UNSHARE || machine.format.uffdWp(low, high);
  const noted = machine.format.uffdWp(low, high) ? UFFD_WP : 0;
  setHugePte(machine, slot, hstate, copy, (isReadOnly ? flags & ~W : flags) | noted);
  return true;
}

/** Takes the page from children, and tries once more: now the owner has it alone. */
function* unmapChildren(
  task: Task,
  fault: HugetlbFault,
  head: number,
  low: number,
  high: number,
): Op<Fault> {
  const { machine, cpu, mm } = task;
  const { vma, index, page } = fault;
  const { level } = hstateOf(vma);
  const { inode } = vma.file!;
  // Unmapping needs locks of its own, for writing.
  yield* vmaUnlockRead(task, vma);
  yield* faultMutexUnlock(task, inode, index);
  yield* unmapRefPrivate(task, vma, page, head);
  yield* faultMutexLock(task, inode, index);
  yield* vmaLockRead(task, vma);
  yield* lock(machine, cpu, hugePteLock(machine, mm, fault.slot, hstateOf(vma)), Rank.PAGE_TABLE);
  const slot = yield* walk(machine, mm, page, level);
  if (slot === NONE) return Fault.DONE;
  yield reading(machine.objects.entry(slot));
  const isSame = isMappedAt(machine, slot, level) && isSameAt(machine, slot, low, high);
  return isSame ? yield* hugetlbWp(task, { ...fault, slot }) : Fault.DONE;
}
