/**
 * Tables that several upper entries refer to: linking and unlinking them, whatever the design.
 *
 * The count of a table (`tableShares`, the kernel's pt_share_count) says how many entries refer to it
 * beyond the first. When it is changed, and under which lock, is the protocol of each design.
 */
import type { Machine } from '../machine.ts';
import type { Task } from '../task.ts';
import type { Mm } from '../vma/mm.ts';
import { VM } from '../vma/vma.ts';
import type { Op } from '../world/op.ts';
import { clearing, linking } from '../world/point.ts';
import { violate } from '../world/property.ts';
import type { World } from '../world/world.ts';
import {
  clearTable,
  frameAt,
  isLeafAt,
  isPresentAt,
  isWritableAt,
  isWriteDenied,
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

/** As `isSharedAt()`, or so until all others have left, and nothing was written below it since. */
export function wasSharedAt(world: World, slot: number, level: number): boolean {
  return isSharedAt(world, slot, level) || isWriteDenied(world, slot);
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
 * flushed. Called under the lock of the entry.
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
  // In one step: what others map or unmap meanwhile has been there as a whole, or not at all.
  yield linking(machine.objects.entry(slot));
  const table = tableAt(machine, slot, level);
  const span = machine.format.entryPages[level]!;
  const start = Math.floor(page / span) * span;
  clearTable(machine, mm, page, slot, level);
  if (isCharged) mm.tables--;
  machine.ledger.openTable(machine.mmCpus[mm.id]!, mm.id, start, start + span, table);
  openMapped({ ...task, mm }, table, level - 1, start);
}

/**
 * Taking the page at `page` of `mm` away to free memory is nothing that any of those who see it has
 * forbidden (mlock). This is the truth, and no rule of the kernel.
 */
export function checkUnlocked(machine: Machine, mm: Mm, page: number): void {
  if (machine.views.isEmpty) return;
  for (const { mm: other, start } of machine.views.elsewhere(mm.id, page, page + 1)) {
    const vma = machine.mms.get(other).vmas.at(start);
    if (vma !== undefined && (vma.flags & VM.LOCKED) !== 0) violate(machine, 'P-LIVE');
  }
}

/** TLBs may go on using what the entries of `table`, of `level`, say for the pages from `start` on. */
export function* openPagesBelow(task: Task, table: number, level: number, start: number): Op<void> {
  // What a bug has taken for a table is none.
  if (table < 0) return;
  const { machine } = task;
  const span = machine.format.entryPages[level]!;
  const entries = 2 ** machine.format.indexBits[level]!;
  yield clearing(machine.objects.table(table));
  for (let index = 0; index < entries; index++) {
    const slot = table * machine.tableEntries + index;
    const page = start + index * span;
    if (!isPresentAt(machine, slot)) continue;
    if (isLeafAt(machine, slot, level)) openLeaf(task, slot, level, page);
    else yield* openPagesBelow(task, tableAt(machine, slot, level), level - 1, page);
  }
}

/** As `openPagesBelow()`, all in one step. */
function openMapped(task: Task, table: number, level: number, start: number): void {
  const { machine } = task;
  // A design without share counts may have let it be freed.
  if (machine.tableUsed[table] !== 1) return;
  const span = machine.format.entryPages[level]!;
  const entries = 2 ** machine.format.indexBits[level]!;
  for (let index = 0; index < entries; index++) {
    const slot = table * machine.tableEntries + index;
    const page = start + index * span;
    if (!isPresentAt(machine, slot)) continue;
    if (isLeafAt(machine, slot, level)) openLeaf(task, slot, level, page);
    else openMapped(task, tableAt(machine, slot, level), level - 1, page);
  }
}

function openLeaf({ machine, mm }: Task, slot: number, level: number, page: number): void {
  const frame = frameAt(machine, slot, level);
  const isWritable = isWritableAt(machine, slot);
  const cpus = machine.mmCpus[mm.id]!;
  const end = page + machine.format.entryPages[level]!;
  if (level === 0) machine.ledger.openPage(cpus, mm.id, page, frame, isWritable);
  else machine.ledger.openFolio(cpus, mm.id, page, end, frame, isWritable);
}
