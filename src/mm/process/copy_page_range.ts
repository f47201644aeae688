/**
 * Copying the page tables of a VMA for fork: for each table of the parent the child gets one, also if
 * there is nothing in it.
 *
 * @source mm/memory.c copy_page_range(), vma_needs_copy(), copy_pmd_range() (Linux 6.18)
 */
import { EAGAIN, ENOMEM } from '../../uapi/errno.ts';
import { copyRange, copyTable } from '../design/seams.ts';
import { copyHugetlbRange } from '../hugetlb/copy.ts';
import { isHugetlb } from '../hugetlb/hstate.ts';
import { invalidateRangeEnd, invalidateRangeStart } from '../notifier/notifier.ts';
import { Notify } from '../notifier/subscription.ts';
import { isNoneAt, isTableAt, slotIn, tableAt, walkAllocating } from '../table/pgtable.ts';
import type { Task } from '../task.ts';
import type { Mm } from '../vma/mm.ts';
import { VM, type Vma } from '../vma/vma.ts';
import type { Op } from '../world/op.ts';
import { reading, writing } from '../world/point.ts';
import { NONE } from '../world/world.ts';
import { copyHugeEntry } from './copy_huge_entry.ts';
import { copyPteRange } from './copy_pte_range.ts';

/** A copy under way. */
export interface Copy {
  readonly task: Task;
  readonly child: Mm;
  /** The VMA of the parent, and the one of the child. */
  readonly from: Vma;
  readonly to: Vma;
  /** Whether pages become common to both, until one of them writes. */
  readonly isCow: boolean;
  /** A frame for the copy of a page that is pinned, if it is known to be needed. */
  spare: number;
}

/** What the child cannot get by faults: private pages, guards, and what no file can bring back. */
const COPIED = VM.PFNMAP | VM.MIXEDMAP | VM.MAYBE_GUARD;
const COW = VM.SHARED | VM.MAYWRITE;

/**
 * Lets `to`, of `child`, map what `from`, of the parent, maps. Called under both mmap locks.
 *
 * @returns 0 or ENOMEM
 * @locks   the lock of a table of the child, then of the parent
 */
export function* copyPageRange(task: Task, child: Mm, to: Vma, from: Vma): Op<number> {
  const { machine, mm } = task;
  if (machine.designs.length > 0) {
    const result = yield* copyRange(task, child, to, from);
    if (result !== false) return result === true ? 0 : result;
  }
  const isWp = (to.flags & VM.UFFD_WP) !== 0;
  if (!isWp && from.anonVma === undefined && (from.flags & COPIED) === 0) return 0;
  const isCow = (from.flags & COW) === VM.MAYWRITE;
  if (isHugetlb(from)) {
    if (isCow) yield* invalidateRangeStart(task, mm, from.start, from.end, Notify.CLEAR);
    yield* writeProtectSeq(task);
    const result = yield* copyHugetlbRange(task, child, to, from);
    yield* writeProtectSeq(task);
    if (isCow) yield* invalidateRangeEnd(task, mm, from.start, from.end, Notify.CLEAR);
    return result;
  }
  const copy: Copy = { task, child, from, to, isCow, spare: NONE };
  if (isCow) yield* invalidateRangeStart(task, mm, from.start, from.end, Notify.PROTECTION_PAGE);
  // Who pins a page without locks meanwhile steps back.
  if (isCow) yield* writeProtectSeq(task);
  const { levels } = machine.format;
  const error = yield* copyEntries(copy, mm.root, levels - 1, from.start, from.end);
  if (isCow) yield* writeProtectSeq(task);
  if (isCow) yield* invalidateRangeEnd(task, mm, from.start, from.end, Notify.PROTECTION_PAGE);
  return error;
}

/** Begins or ends write protection, in the eyes of GUP-fast. */
function* writeProtectSeq({ machine, mm }: Task): Op<void> {
  yield writing(machine.objects.writeProtectSequence(mm.id));
  machine.mmWriteProtectSequence[mm.id]!++;
}

/** Copies what `table`, of `level` above 0, has for `[start, end)`. @returns 0 or ENOMEM */
function* copyEntries(
  copy: Copy,
  table: number,
  level: number,
  start: number,
  end: number,
): Op<number> {
  const { machine } = copy.task;
  const span = machine.format.entryPages[level]!;
  for (let at = start; at < end; ) {
    const next = Math.min(end, (Math.floor(at / span) + 1) * span);
    const slot = slotIn(machine, table, at, level);
    yield reading(machine.objects.entry(slot));
    if (!isNoneAt(machine, slot)) {
      const error = yield* copyEntry(copy, slot, level, at, next);
      if (error < 0) return error;
    }
    at = next;
  }
  return 0;
}

/** As a design copies it: with the tables above. @returns whether it has, or ENOMEM */
function* copyTableAbove(
  { task, child, from }: Copy,
  slot: number,
  start: number,
  end: number,
): Op<boolean | number> {
  const above = yield* walkAllocating(task, child, start, 1);
  if (above === NONE) return ENOMEM;
  return yield* copyTable(task, child, from, slot, start, end);
}

/** Copies what lies below the entry at `slot`. @returns 0 or ENOMEM */
function* copyEntry(
  copy: Copy,
  slot: number,
  level: number,
  start: number,
  end: number,
): Op<number> {
  const { task, child } = copy;
  const { machine } = task;
  if (!isTableAt(machine, slot, level)) {
    const error = yield* copyHugeEntry(copy, slot, start);
    // Pinned, it was split, and the small pages are copied.
    if (error !== EAGAIN) return error;
  }
  if (level === 1 && machine.designs.length > 0) {
    const isDone = yield* copyTableAbove(copy, slot, start, end);
    if (isDone !== false) return isDone === true ? 0 : isDone;
  }
  const below = tableAt(machine, slot, level);
  const to = yield* walkAllocating(task, child, start, level - 1);
  if (to === NONE) return ENOMEM;
  if (level > 1) return yield* copyEntries(copy, below, level - 1, start, end);
  return yield* copyPteRange(copy, slotIn(machine, below, start, 0), to, start, end);
}
