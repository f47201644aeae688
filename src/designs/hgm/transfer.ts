/**
 * Pieces that go to another place, by mremap(2), or come to a child, too, by fork(2).
 *
 * @source HGM v2, mm/hugetlb.c move_hugetlb_page_tables(), copy_hugetlb_page_range()
 */
import { W } from '../../arch/index.ts';
import { hstateOf, nextBlock } from '../../mm/hugetlb/hstate.ts';
import { clearHugePte, hugePteFlags, setHugePte } from '../../mm/hugetlb/huge_pte.ts';
import { vmaLockRead, vmaUnlockRead } from '../../mm/hugetlb/vma_lock.ts';
import { headOf } from '../../mm/page/frame.ts';
import { tlbFinishMmu, tlbGatherMmu } from '../../mm/table/mmu_gather.ts';
import { checkTable, isPresentAt, setEntry } from '../../mm/table/pgtable.ts';
import type { Task } from '../../mm/task.ts';
import type { Mm } from '../../mm/vma/mm.ts';
import type { Vma } from '../../mm/vma/vma.ts';
import { lock, lockNested, Rank, unlock, unlockNested } from '../../mm/world/lock.ts';
import type { Op } from '../../mm/world/op.ts';
import { clearing, reading, setting, writing } from '../../mm/world/point.ts';
import { EFAULT } from '../../uapi/errno.ts';
import { countPiece } from './counting.ts';
import {
  firstOf,
  frameOf,
  Held,
  type HugetlbPte,
  heldAt,
  lockOfPiece,
  newHugetlbPte,
} from './hugetlb_pte.ts';
import type { HgmOptions } from './options.ts';
import { countNewTop, emptyTop, isTopEmpty } from './top.ts';
import { fullWalk, fullWalkAlloc } from './walk.ts';
import { walkLock, walkUnlock } from './walk_lock.ts';

/**
 * Called under i_mmap_rwsem and the lock of the VMA, both for writing. The caller flushes.
 *
 * @returns whether there was memory for tables
 */
export function* movePieces(
  task: Task,
  vma: Vma,
  start: number,
  target: number,
  pages: number,
  options: HgmOptions,
): Op<boolean> {
  const { machine, mm } = task;
  const [from, to] = [newHugetlbPte(), newHugetlbPte()];
  const hstate = hstateOf(vma);
  for (let offset = 0; offset < pages; ) {
    const isThere = yield* fullWalk(machine, mm, vma, start + offset, from);
    if (!isThere) {
      offset = nextBlock(machine, hstate, start + offset) - start;
      continue;
    }
    yield reading(machine.objects.entry(from.slot));
    if (heldAt(machine, from) !== Held.NONE) {
      const error = yield* fullWalkAlloc(task, mm, vma, target + offset, from.pages, to, true);
      if (error < 0) return false;
      yield* movePiece(task, start + offset, from, to);
    }
    offset += from.pages;
    if (offset % hstate.pages === 0) {
      yield* leaveTop(task, vma, start + offset, target + offset, options);
    }
  }
  return true;
}

/**
 * Where the entry of the huge page is counted, that of the old place is emptied; that of the new place
 * counts instead, if there was anything to move.
 */
function* leaveTop(
  task: Task,
  vma: Vma,
  end: number,
  target: number,
  { counting }: HgmOptions,
): Op<void> {
  if (counting !== 'top') return;
  const { machine, cpu, mm } = task;
  const { pages } = hstateOf(vma);
  const isEmpty = yield* isTopEmpty(task, mm, vma, target - pages);
  yield* tlbGatherMmu(machine, cpu, mm.id);
  yield* emptyTop(task, vma, end - pages, isEmpty ? -1 : 0);
  yield* tlbFinishMmu(machine, cpu, mm.id);
}

/** Nobody divides the place: i_mmap_rwsem is held for writing. */
function* movePiece(task: Task, page: number, from: HugetlbPte, to: HugetlbPte): Op<void> {
  const { machine, cpu, mm } = task;
  const outer = lockOfPiece(machine, mm, to);
  const inner = lockOfPiece(machine, mm, from);
  yield* lock(machine, cpu, outer, Rank.PAGE_TABLE);
  if (inner !== outer) yield* lockNested(machine, cpu, inner, Rank.PAGE_TABLE);
  yield clearing(machine.objects.entry(from.slot));
  const { lanes } = machine;
  if (heldAt(machine, from) === Held.LEAF && isPresentAt(machine, from.slot)) {
    const frame = frameOf(machine, from);
    const isWritable = (hugePteFlags(machine, from.slot, from) & W) !== 0;
    const cpus = machine.mmCpus[mm.id]!;
    machine.ledger.openFolio(cpus, mm.id, page, page + from.pages, frame, isWritable);
  }
  yield setting(machine.objects.entry(to.slot));
  for (let at = 0; at < from.entries; at++) {
    const [low, high] = [lanes[(from.slot + at) * 2]!, lanes[(from.slot + at) * 2 + 1]!];
    setEntry(machine, to.slot + at, low, high);
  }
  clearHugePte(machine, from.slot, from);
  if (inner !== outer) yield* unlockNested(machine, cpu, inner);
  yield* unlock(machine, cpu, outer, Rank.PAGE_TABLE);
}

/**
 * Gives the child what cannot be had by faults again: VMAs of which userfaultfd-wp remembers something.
 * Called under both mmap locks.
 *
 * @returns 0, ENOMEM, or EFAULT if a page has too many references
 */
export function* copyPieces(
  task: Task,
  child: Mm,
  to: Vma,
  from: Vma,
  options: HgmOptions,
): Op<number> {
  const { machine, mm } = task;
  const [source, target] = [newHugetlbPte(), newHugetlbPte()];
  let result = 0;
  yield* vmaLockRead(task, from);
  yield* walkLock(task, from, options);
  for (let page = from.start; page < from.end && result === 0; ) {
    const isThere = yield* fullWalk(machine, mm, from, page, source);
    if (!isThere) {
      page = nextBlock(machine, hstateOf(from), page);
      continue;
    }
    yield reading(machine.objects.entry(source.slot));
    const held = checkTable(machine, source.slot) ? heldAt(machine, source) : Held.NONE;
    const isTop = options.counting === 'top';
    if (held === Held.LEAF) {
      result = yield* copyLeaf(task, child, to, page, source, target, options);
    } else if ((held === Held.MARKER || held === Held.SOFT) && !isTop) {
      // RFC v1 knows no markers.
      result = yield* copyMarker(task, child, to, page, source, target);
    }
    // It was divided just now.
    if (held !== Held.FINER) page = firstOf(source, page) + source.pages;
  }
  yield* walkUnlock(task, from, options);
  yield* vmaUnlockRead(task, from);
  return result;
}

/** @returns 0, ENOMEM or EFAULT */
function* copyLeaf(
  task: Task,
  child: Mm,
  vma: Vma,
  page: number,
  from: HugetlbPte,
  to: HugetlbPte,
  options: HgmOptions,
): Op<number> {
  const { machine } = task;
  const isTop = options.counting === 'top' && (yield* isTopEmpty(task, child, vma, page));
  const error = yield* fullWalkAlloc(task, child, vma, page, from.pages, to, true);
  const head = headOf(machine, frameOf(machine, from));
  if (isTop) yield* countNewTop(task, child, vma, page, head);
  return error < 0 ? error : yield* copyPiece(task, child, vma, from, to, options);
}

/** What is poisoned, or watched by userfaultfd-wp, is so for the child. @returns 0 or ENOMEM */
function* copyMarker(
  task: Task,
  child: Mm,
  vma: Vma,
  page: number,
  from: HugetlbPte,
  to: HugetlbPte,
): Op<number> {
  const { machine, cpu } = task;
  const { lanes } = machine;
  const [low, high] = [lanes[from.slot * 2]!, lanes[from.slot * 2 + 1]!];
  const error = yield* fullWalkAlloc(task, child, vma, page, from.pages, to, true);
  if (error < 0) return error;
  const guard = lockOfPiece(machine, child, to);
  yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
  yield setting(machine.objects.entry(to.slot));
  setEntry(machine, to.slot, low, high);
  yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
  return 0;
}

/** @returns 0 or EFAULT */
function* copyPiece(
  task: Task,
  child: Mm,
  vma: Vma,
  from: HugetlbPte,
  to: HugetlbPte,
  { counting }: HgmOptions,
): Op<number> {
  const { machine, cpu, mm } = task;
  const outer = lockOfPiece(machine, child, to);
  const inner = lockOfPiece(machine, mm, from);
  yield* lock(machine, cpu, outer, Rank.PAGE_TABLE);
  yield* lockNested(machine, cpu, inner, Rank.PAGE_TABLE);
  yield reading(machine.objects.entry(from.slot));
  let result = 0;
  if (checkTable(machine, from.slot) && heldAt(machine, from) === Held.LEAF) {
    const frame = frameOf(machine, from);
    const head = headOf(machine, frame);
    yield writing(machine.objects.frame(head));
    const isGot = tryGetPage(machine.frameReferences, head);
    // As posted, with the sense of the test inverted, and with both locks held.
    if (machine.bugs.tryGetInverted === true && isGot) return EFAULT;
    if (isGot) {
      countPiece(machine, counting, frame, from.pages, 1, from.pages === hstateOf(vma).pages);
      yield setting(machine.objects.entry(to.slot));
      setHugePte(machine, to.slot, to, frame, hugePteFlags(machine, from.slot, from));
      child.hugetlbPages += from.pages;
    } else result = EFAULT;
  }
  yield* unlockNested(machine, cpu, inner);
  yield* unlock(machine, cpu, outer, Rank.PAGE_TABLE);
  return result;
}

/** @source include/linux/mm.h try_get_page(): true if there are not too many already */
function tryGetPage(references: Int32Array, head: number): boolean {
  if (references[head]! <= 0 || references[head] === 2 ** 31 - 1) return false;
  references[head]!++;
  return true;
}
