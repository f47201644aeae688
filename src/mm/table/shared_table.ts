/**
 * Tables that several upper entries refer to: linking and unlinking them, whatever the design.
 *
 * The count of a table (`tableShares`, the kernel's pt_share_count) says how many entries refer to it
 * beyond the first. When it is changed, and under which lock, is the protocol of each design.
 */
import type { Task } from '../task.ts';
import type { Mm } from '../vma/mm.ts';
import type { Op } from '../world/op.ts';
import { clearing } from '../world/point.ts';
import type { World } from '../world/world.ts';
import {
  clearTable,
  frameAt,
  isLeafAt,
  isPresentAt,
  isWritableAt,
  setTable,
  tableAt,
} from './pgtable.ts';

/** Whether more than one entry refers to a table. */
export function isShared(world: World, table: number): boolean {
  return world.tableShares[table]! > 0;
}

/** Whether the entry of `level`, above 0, at `slot`, which refers to a table, refers to a shared one. */
export function isSharedAt(world: World, slot: number, level: number): boolean {
  return isShared(world, tableAt(world, slot, level));
}

/**
 * Lets the empty entry of `level` at `slot`, for `page` of `mm`, refer to a table that another has.
 * Called when the entry was announced, under its lock.
 *
 * @param isCharged whether the table counts among those of `mm`, too
 */
export function linkShared(
  world: World,
  mm: Mm,
  page: number,
  slot: number,
  table: number,
  level: number,
  isCharged = true,
): void {
  setTable(world, mm, page, slot, table, level, isCharged);
  if (isCharged) mm.tables++;
}

/**
 * Takes the shared table below the entry of `level` at `slot`, for `page` of `mm`, from this address
 * space. Its pages stay for the others; this one's CPUs may go on using all it maps until they are
 * flushed. Called when the entry was announced, under its lock.
 */
export function* unlinkShared(
  task: Task,
  mm: Mm,
  page: number,
  slot: number,
  level: number,
  isCharged = true,
): Op<void> {
  const { machine } = task;
  const table = tableAt(machine, slot, level);
  const span = machine.format.entryPages[level]!;
  const start = Math.floor(page / span) * span;
  clearTable(machine, mm, page, slot, level);
  if (isCharged) mm.tables--;
  machine.ledger.openTable(machine.mmCpus[mm.id]!, mm.id, start, start + span, table);
  yield* openPagesBelow({ ...task, mm }, table, level - 1, start);
}

/** TLBs may go on using what the entries of `table`, of `level`, say for the pages from `start` on. */
export function* openPagesBelow(task: Task, table: number, level: number, start: number): Op<void> {
  const { machine, mm } = task;
  const span = machine.format.entryPages[level]!;
  const entries = 2 ** machine.format.indexBits[level]!;
  yield clearing(machine.objects.table(table));
  for (let index = 0; index < entries; index++) {
    const slot = table * machine.tableEntries + index;
    const page = start + index * span;
    if (!isPresentAt(machine, slot)) continue;
    if (!isLeafAt(machine, slot, level)) {
      yield* openPagesBelow(task, tableAt(machine, slot, level), level - 1, page);
      continue;
    }
    const frame = frameAt(machine, slot, level);
    const isWritable = isWritableAt(machine, slot);
    const cpus = machine.mmCpus[mm.id]!;
    machine.ledger.openFolio(cpus, mm.id, page, page + span, frame, isWritable);
  }
}
