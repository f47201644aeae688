/**
 * References from outside of page tables: got to look at a page, or pinned to let a device use it.
 *
 * A pin of a small folio is 1024 references at once, so that fork can tell. A large folio counts its
 * pins apart. `machine.pins` remembers who holds what, to recount; the zero page is not counted.
 *
 * @source mm/gup.c try_grab_folio(), try_grab_folio_fast(), gup_put_folio() (Linux 6.18)
 * @omits  overflow of counts
 */
import { assert } from '../../base/assert.ts';
import type { Machine } from '../machine.ts';
import { headOf, orderOf, putFrame, ZERO_FRAME } from '../page/frame.ts';
import { GUP_PIN_COUNTING_BIAS, PIN_COUNT } from '../rmap/dup_rmap.ts';
import type { Task } from '../task.ts';
import type { Op } from '../world/op.ts';
import { writing } from '../world/point.ts';
import { violate } from '../world/property.ts';

/**
 * A reference to the folio of `frame`, for the caller to drop by `ungrab()`.
 *
 * @returns false if it is free, or belongs to another folio by now
 */
export function* tryGrab({ machine }: Task, frame: number, isPin: boolean): Op<boolean> {
  if (frame === ZERO_FRAME) return true;
  if (frame >= machine.size.frames) {
    // A page table is handed out, to be read and written to.
    violate(machine, 'P-UAF-PT');
    return false;
  }
  const head = headOf(machine, frame);
  yield writing(machine.objects.frame(head));
  if (machine.frameReferences[head]! <= 0 || headOf(machine, frame) !== head) return false;
  const references = referencesOf(machine, head, isPin);
  machine.frameReferences[head]! += references;
  if (isPin && references === 1) machine.frameReferences[head + PIN_COUNT]!++;
  machine.pins.set(head, (machine.pins.get(head) ?? 0) + references);
  return true;
}

/** Drops what `tryGrab()` got. */
export function* ungrab({ machine, cpu }: Task, frame: number, isPin: boolean): Op<void> {
  if (frame === ZERO_FRAME) return;
  const head = headOf(machine, frame);
  const references = referencesOf(machine, head, isPin);
  const held = machine.pins.get(head) ?? 0;
  assert(held >= references, 'a page that is unpinned was pinned');
  if (isPin) {
    yield writing(machine.objects.frame(head));
    machine.frameReferences[head]! -= references - 1;
    if (references === 1) machine.frameReferences[head + PIN_COUNT]!--;
  }
  if (held > references) machine.pins.set(head, held - references);
  else machine.pins.delete(head);
  yield* putFrame(machine, cpu, head);
}

function referencesOf(machine: Machine, head: number, isPin: boolean): number {
  // Of two frames, none is left to count pins in.
  return isPin && orderOf(machine, head) < 2 ? GUP_PIN_COUNTING_BIAS : 1;
}
