/**
 * GUP-fast: gets a reference to the page behind an address without taking any lock.
 *
 * Interrupts are off during the walk. That keeps its tables from being freed: who frees one waits for
 * a grace period, or for an interrupt to be acknowledged by every CPU. It keeps neither entries nor
 * pages: after getting a reference the walker looks at the entries again, and steps back.
 *
 * @source mm/gup.c gup_fast(), gup_fast_pte_range(), try_grab_folio_fast() (Linux 6.18)
 * @omits  large pages, FOLL_PIN, files, copy on write; the slow path: it gives up instead
 */
import type { Vpn } from '../arch/index.ts';
import { putFrame } from './frame.ts';
import { localIrqDisable, localIrqEnable } from './interrupt.ts';
import { type Machine, NONE } from './machine.ts';
import type { Op } from './op.ts';
import { checkTable, frameAt, isPresentAt, isWritableAt, walk } from './pgtable.ts';
import { reading, writing } from './point.ts';

/** The frame, with a reference for the caller to drop by `unpin()`, or `NONE`. */
export function* gupFast(
  machine: Machine,
  cpu: number,
  mm: number,
  page: Vpn,
  write: boolean,
): Op<number> {
  yield* localIrqDisable(machine, cpu);
  const slot = yield* walk(machine, mm, page);
  const frame = slot === NONE ? NONE : yield* gupFastPte(machine, cpu, mm, page, slot, write);
  yield* localIrqEnable(machine, cpu);
  return frame;
}

function* gupFastPte(
  machine: Machine,
  cpu: number,
  mm: number,
  page: Vpn,
  slot: number,
  write: boolean,
): Op<number> {
  yield reading(machine.objects.entry(slot));
  if (!checkTable(machine, slot) || !isPresentAt(machine, slot)) return NONE;
  if (write && !isWritableAt(machine, slot)) return NONE;
  const frame = frameAt(machine, slot);
  yield writing(machine.objects.frame(frame));
  if (machine.frameReferences[frame] === 0) return NONE;
  machine.frameReferences[frame]!++;
  machine.framePins[frame]!++;
  // The table may have been unlinked, or the entry changed, before the reference was got.
  const slotNow = yield* walk(machine, mm, page);
  if (slotNow === slot) {
    yield reading(machine.objects.entry(slot));
    const isUnchanged = isPresentAt(machine, slot) && frameAt(machine, slot) === frame;
    if (isUnchanged) return frame;
  }
  yield* unpin(machine, cpu, frame);
  return NONE;
}

/** Drops the reference that `gupFast()` got. */
export function* unpin(machine: Machine, cpu: number, frame: number): Op<void> {
  machine.framePins[frame]!--;
  yield* putFrame(machine, cpu, frame);
}
