/**
 * Copying one entry from a table that is shared to a new one: its page is common to both from now on.
 *
 * @source mm/memory.c copy_present_pte(), copy_nonpresent_pte() (Linux 6.18), as COW-PTE uses them
 */
import { ACCESSED, W } from '../../arch/index.ts';
import { assert } from '../../base/assert.ts';
import { headOf, ZERO_FRAME } from '../../mm/page/frame.ts';
import { addLargeMaps, LARGE } from '../../mm/rmap/large_mapcount.ts';
import { swapDuplicate } from '../../mm/swap/swap_slot.ts';
import {
  isMappedAt,
  mappedFlagsAt,
  mappedFrameAt,
  setMapped,
  setMappedFlags,
} from '../../mm/table/mapped_entry.ts';
import {
  SoftFlag,
  SoftKind,
  setSoftEntry,
  softFlagsAt,
  softKindAt,
  softValueAt,
} from '../../mm/table/soft_entry.ts';
import type { Task } from '../../mm/task.ts';
import type { Op } from '../../mm/world/op.ts';
import { setting, writing } from '../../mm/world/point.ts';
import { FrameFlag } from '../../mm/world/world.ts';

/** Called under the lock of the table of `from`; nobody knows that of `to`, of `task.mm`, yet. */
export function* copyEntry(task: Task, from: number, to: number): Op<void> {
  if (isMappedAt(task.machine, from)) yield* copyMapped(task, from, to);
  else yield* copySoft(task, from, to);
}

/** Neither of the two may write any more: nobody could, through the shared table. */
function* copyMapped({ machine, mm }: Task, from: number, to: number): Op<void> {
  const frame = mappedFrameAt(machine, from);
  if (frame !== ZERO_FRAME) {
    const head = headOf(machine, frame);
    yield writing(machine.objects.frame(head));
    machine.frameReferences[head]!++;
    machine.frameMapcount[frame]!++;
    if ((machine.frameFlags[frame]! & LARGE) !== 0) addLargeMaps(machine, mm, head, 1);
    machine.frameFlags[frame]! &= ~FrameFlag.EXCLUSIVE;
  }
  yield writing(machine.objects.entry(from));
  const flags = mappedFlagsAt(machine, from) & ~W;
  setMappedFlags(machine, from, flags);
  yield setting(machine.objects.entry(to));
  setMapped(machine, to, frame, flags & ~ACCESSED);
}

function* copySoft({ machine, cpu }: Task, from: number, to: number): Op<void> {
  const kind = softKindAt(machine, from);
  assert(kind !== 0, 'an entry that is copied is not empty');
  const value = softValueAt(machine, from);
  const isMarker = kind === SoftKind.MARKER;
  const kept = ~(SoftFlag.EXCLUSIVE | SoftFlag.WRITABLE);
  const flags = isMarker ? 0 : softFlagsAt(machine, from) & kept;
  if (kind === SoftKind.SWAP) yield* swapDuplicate(machine, cpu, value);
  yield writing(machine.objects.entry(from));
  setSoftEntry(machine, from, kind, value, flags);
  yield setting(machine.objects.entry(to));
  setSoftEntry(machine, to, kind, value, flags);
}
