/** Doing something to the small pages of a range, table by table. */
import { hugeStart } from '../huge/huge_start.ts';
import { splitHugeEntry } from '../huge/split.ts';
import { isMappedAt } from '../table/mapped_entry.ts';
import { findMapped, walk } from '../table/pgtable.ts';
import { lockPte, tableEnd, unlockPte } from '../table/pte_table.ts';
import type { Task } from '../task.ts';
import type { Op } from '../world/op.ts';
import { reading } from '../world/point.ts';
import { NONE } from '../world/world.ts';

/** What is done to `[start, end)`, whose entries start at `slot`. */
export type TableVisit = (task: Task, slot: number, start: number, end: number) => Op<void>;

/**
 * Calls `visit` for each table of `[start, end)`, under its lock. Huge pages are split, or left out.
 *
 * Called under the mmap lock or a VMA lock, for reading.
 *
 * @source mm/pagewalk.c walk_page_range(), walk_pmd_range() (Linux 6.18)
 */
export function* forEachTable(
  task: Task,
  start: number,
  end: number,
  visit: TableVisit,
  isSplitting = true,
): Op<void> {
  const { machine, mm } = task;
  for (let at = yield* findMapped(machine, mm, start, end); at < end; ) {
    const next = tableEnd(machine, at, end);
    if (isSplitting) yield* splitHuge(task, at);
    const slot = yield* lockPte(task, mm, at);
    if (slot !== NONE) {
      yield* visit(task, slot, at, next);
      yield* unlockPte(task, mm, slot);
    }
    at = yield* findMapped(machine, mm, next, end);
  }
}

function* splitHuge(task: Task, page: number): Op<void> {
  const { machine, mm } = task;
  const slot = yield* walk(machine, mm, page, 1);
  if (slot === NONE) return;
  yield reading(machine.objects.entry(slot));
  if (!isMappedAt(machine, slot, 1)) return;
  yield* splitHugeEntry(task, mm, hugeStart(machine, page), slot);
}
