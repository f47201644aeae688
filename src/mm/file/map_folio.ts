/**
 * Mapping several pages of a folio of the page cache at once, by entries of one table.
 *
 * @source mm/filemap.c filemap_map_folio_range(), mm/memory.c finish_fault() (Linux 6.18)
 */
import type { LeafFlags } from '../../arch/index.ts';
import type { Machine } from '../machine.ts';
import { headOf, orderOf } from '../page/frame.ts';
import { addRmap } from '../rmap/map_count.ts';
import { mlockMapped } from '../rmap/mlock.ts';
import { setMapped } from '../table/mapped_entry.ts';
import { isNoneAt } from '../table/pgtable.ts';
import type { Task } from '../task.ts';
import type { Vma } from '../vma/vma.ts';
import type { Op } from '../world/op.ts';
import { setting, writing } from '../world/point.ts';

/** The pages `[start, end)`, to be mapped to frames from `frame` on. */
export interface FolioRun {
  readonly start: number;
  readonly end: number;
  readonly frame: number;
}

/** All of the folio of which `frame` is to be mapped at `page`, if it fits into the VMA and a table. */
export function wholeFolio(
  machine: Machine,
  vma: Vma,
  page: number,
  frame: number,
): FolioRun | undefined {
  const head = headOf(machine, frame);
  const start = page + head - frame;
  const end = start + 2 ** orderOf(machine, head);
  const entries = machine.format.entryPages[1]!;
  const isOneTable = Math.floor(start / entries) === Math.floor((end - 1) / entries);
  return isOneTable && start >= vma.start && end <= vma.end
    ? { start, end, frame: head }
    : undefined;
}

/** Whether nothing is there yet. Called under the lock of the table; `slot` is that of `page`. */
export function isRunEmpty(machine: Machine, run: FolioRun, page: number, slot: number): boolean {
  for (let at = run.start; at < run.end; at++) {
    if (!isNoneAt(machine, slot + at - page)) return false;
  }
  return true;
}

/**
 * Maps the pages of a run where nothing is. Called under the lock of the table and of the folio, of
 * which the caller has a reference; `slot` is that of `page`.
 *
 * @returns how many: their references are all but one new, that one is the caller's
 */
export function* mapRun(
  task: Task,
  vma: Vma,
  { start, end, frame }: FolioRun,
  page: number,
  slot: number,
  flags: LeafFlags,
): Op<number> {
  const { machine, mm } = task;
  let count = 0;
  for (let at = start; at < end; at++) {
    yield setting(machine.objects.entry(slot + at - page));
    if (!isNoneAt(machine, slot + at - page)) continue;
    setMapped(machine, slot + at - page, frame + at - start, flags);
    yield* addRmap(machine, mm, frame + at - start);
    count++;
  }
  if (count > 0) mlockMapped(machine, vma, frame, count);
  if (count > 1) {
    const head = headOf(machine, frame);
    yield writing(machine.objects.frame(head));
    machine.frameReferences[head]! += count - 1;
  }
  return count;
}
