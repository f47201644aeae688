/**
 * Faults on entries that are neither empty nor present.
 *
 * @source mm/memory.c do_swap_page(), handle_pte_marker(); mm/migrate.c migration_entry_wait()
 *         (Linux 6.18)
 * @omits  device memory
 */
import { doSwapPage } from '../swap/swap_in.ts';
import { clearEntry } from '../table/pgtable.ts';
import { lockIfSame, unlockPte } from '../table/pte_table.ts';
import { Marker, SoftKind, softFlagsAt, softKindAt, softValueAt } from '../table/soft_entry.ts';
import type { Task } from '../task.ts';
import type { Vma } from '../vma/vma.ts';
import type { Op } from '../world/op.ts';
import { lockingFolio, reading, setting } from '../world/point.ts';
import type { Access } from './result.ts';
import { Fault } from './result.ts';

/** Of a VMA that is no longer write-protected by userfaultfd, the note goes. */
function* clearMarker(task: Task, page: number, slot: number): Op<Fault> {
  const { machine, mm } = task;
  const [low, high] = [machine.lanes[slot * 2]!, machine.lanes[slot * 2 + 1]!];
  const isSame = yield* lockIfSame(task, page, slot, low, high);
  if (!isSame) return Fault.DONE;
  yield setting(machine.objects.entry(slot));
  clearEntry(machine, slot);
  yield* unlockPte(task, mm, slot);
  return Fault.DONE;
}

/** Called under the VMA lock or the mmap lock, for reading. */
export function* doSoftEntry(
  task: Task,
  vma: Vma,
  page: number,
  slot: number,
  access: Access,
): Op<Fault> {
  const { machine } = task;
  yield reading(machine.objects.entry(slot));
  const value = softValueAt(machine, slot);
  switch (softKindAt(machine, slot)) {
    case SoftKind.MARKER:
      if ((value & Marker.POISONED) !== 0) return Fault.HWPOISON;
      if ((value & Marker.GUARD) !== 0) return Fault.MAPERR;
      return yield* clearMarker(task, page, slot);
    case SoftKind.SWAP: {
      const flags = softFlagsAt(machine, slot);
      const [low, high] = [machine.lanes[slot * 2]!, machine.lanes[slot * 2 + 1]!];
      const entry = { slot: value, flags, at: slot, low, high };
      return yield* doSwapPage(task, vma, page, entry, access);
    }
    case SoftKind.MIGRATION:
      // Waits for the lock without taking it: who moves the page holds it until the entry is back.
      yield lockingFolio(machine.objects.folioLock(value));
      return Fault.DONE;
    default:
      return Fault.RETRY;
  }
}
