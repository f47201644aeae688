/**
 * GUP-fast: gets a reference to the page behind an address without taking any lock.
 *
 * Interrupts are off during the walk. That keeps its tables from being freed: who frees one waits for
 * a grace period, or for an interrupt to be acknowledged by every CPU. It keeps neither entries nor
 * pages: after getting a reference the walker looks at the entries again, and steps back if either the
 * table was unlinked or the page unmapped meanwhile. A pin steps back from a fork, too, which may just
 * have decided that the page is not pinned.
 *
 * @source mm/gup.c gup_fast(), gup_fast_pte_range(), gup_fast_pmd_leaf() (Linux 6.18)
 * @omits  FOLL_LONGTERM, hugetlb
 */

import { isHugeZero } from '../huge/huge_memory.ts';
import { headOf, ZERO_FRAME } from '../page/frame.ts';
import {
  checkTable,
  frameAt,
  isLeafAt,
  isPresentAt,
  isSameAt,
  isWritableAt,
  isWriteDenied,
  slotIn,
  tableAt,
  walk,
} from '../table/pgtable.ts';
import type { Task } from '../task.ts';
import { localIrqDisable, localIrqEnable } from '../world/interrupt.ts';
import type { Op } from '../world/op.ts';
import { reading } from '../world/point.ts';
import { NONE } from '../world/world.ts';
import { tryGrab, ungrab } from './grab.ts';
import { mustUnshare, noteHasPinned } from './rules.ts';

/**
 * The frame, with a reference for the caller to drop by `unpin()`, or `NONE`: then the slow path is to
 * be taken.
 *
 * @param isPin whether the page is pinned (FOLL_PIN), or only got (FOLL_GET)
 */
export function* gupFast(task: Task, page: number, write: boolean, isPin = false): Op<number> {
  const { machine, cpu, mm } = task;
  if (isPin) yield* noteHasPinned(task);
  const sequence = machine.objects.writeProtectSequence(mm.id);
  const isChecked = isPin && machine.bugs.pinWithoutWriteProtectSeq !== true;
  if (isChecked) yield reading(sequence);
  const before = machine.mmWriteProtectSequence[mm.id]!;
  if (isChecked && before % 2 === 1) return NONE;
  const { gupFastWithInterruptsOn } = machine.bugs;
  if (gupFastWithInterruptsOn !== true) yield* localIrqDisable(machine, cpu);
  const frame = yield* gupFastWalk(task, page, write, isPin);
  if (gupFastWithInterruptsOn !== true) yield* localIrqEnable(machine, cpu);
  if (frame === NONE || !isChecked) return frame;
  yield reading(sequence);
  if (machine.mmWriteProtectSequence[mm.id] === before) return frame;
  yield* ungrab(task, frame, true);
  return NONE;
}

/** Drops the reference that `gupFast()` or `getUserPage()` got. */
export function* unpin(task: Task, frame: number, isPin = false): Op<void> {
  yield* ungrab(task, frame, isPin);
}

/** Called with interrupts off. */
function* gupFastWalk(task: Task, page: number, write: boolean, isPin: boolean): Op<number> {
  const { machine, mm } = task;
  const upper = yield* walk(machine, mm, page, 1);
  if (upper === NONE) return NONE;
  yield reading(machine.objects.entry(upper));
  if (!checkTable(machine, upper) || !isPresentAt(machine, upper)) return NONE;
  if (isLeafAt(machine, upper, 1)) {
    const pages = machine.format.entryPages[1]!;
    const head = frameAt(machine, upper, 1);
    if (isHugeZero(machine, head)) return NONE;
    return yield* grabEntry(task, upper, upper, head + (page % pages), write, isPin);
  }
  // A table that is shared until the first write.
  if (isWriteDenied(machine, upper)) return NONE;
  const low = machine.lanes[upper * 2]!;
  const high = machine.lanes[upper * 2 + 1]!;
  const slot = slotIn(machine, tableAt(machine, upper, 1), page, 0);
  yield reading(machine.objects.entry(slot));
  if (!checkTable(machine, slot) || !isPresentAt(machine, slot)) return NONE;
  // The zero page is special.
  const frame = frameAt(machine, slot);
  if (frame === ZERO_FRAME) return NONE;
  const grabbed = yield* grabEntry(task, slot, upper, frame, write, isPin);
  if (grabbed === NONE || machine.bugs.gupFastWithoutPmdRecheck === true) return grabbed;
  yield reading(machine.objects.entry(upper));
  if (isSameAt(machine, upper, low, high)) return grabbed;
  yield* ungrab(task, grabbed, isPin);
  return NONE;
}

/** Grabs what the entry at `slot`, just read, maps, if it still does then. */
function* grabEntry(
  task: Task,
  slot: number,
  upper: number,
  frame: number,
  write: boolean,
  isPin: boolean,
): Op<number> {
  const { machine } = task;
  const isWritable = isWritableAt(machine, slot);
  if (write && !isWritable) return NONE;
  const low = machine.lanes[slot * 2]!;
  const high = machine.lanes[slot * 2 + 1]!;
  const isGrabbed = yield* tryGrab(task, frame, isPin);
  if (!isGrabbed) return NONE;
  yield reading(machine.objects.entry(slot));
  const isSame = checkTable(machine, slot) && isSameAt(machine, slot, low, high);
  yield reading(machine.objects.frame(headOf(machine, frame)));
  const isOwn = isWritable || !mustUnshare(machine, frame, write, isPin, slot === upper);
  if (isSame && isOwn) return frame;
  yield* ungrab(task, frame, isPin);
  return NONE;
}
