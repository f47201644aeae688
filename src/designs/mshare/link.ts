/**
 * Linking a guest to the tables of a host, and unlinking it.
 *
 * An entry of the guest refers to the same table as that of the host. The share count of the table
 * says how many guests do; the host does not count. With it, who frees tables of the host keeps those
 * that guests are linked to.
 *
 * Linking is done under the mmap lock of the host for reading, freeing under that for writing: they
 * cannot race. Unlinking takes locks of the guest only.
 */

import { tlbUnlink } from '../../mm/table/mmu_gather.ts';
import {
  clearTable,
  isNoneAt,
  isPresentAt,
  lockOf,
  tableAt,
  walk,
} from '../../mm/table/pgtable.ts';
import { linkShared, unlinkShared } from '../../mm/table/shared_table.ts';
import type { Task } from '../../mm/task.ts';
import { lock, Rank, unlock } from '../../mm/world/lock.ts';
import type { Op } from '../../mm/world/op.ts';
import { linking, reading, writing } from '../../mm/world/point.ts';
import { rcuReadLock, rcuReadUnlock } from '../../mm/world/rcu.ts';
import { flushTlbMmRange } from '../../mm/world/tlb.ts';
import { NONE, type World } from '../../mm/world/world.ts';
import { alignment, LINK_LEVEL, type Region, regionOfHost } from './region.ts';
import type { MshareVariant } from './variant.ts';

/**
 * The table that an entry of a guest or a host refers to, or `NONE`. v3 compares entries as they are,
 * which is the same as long as hardware changes no bit of theirs: x86 links tables as accessed.
 */
export function linkedTable(world: World, slot: number): number {
  return isNoneAt(world, slot) ? NONE : tableAt(world, slot, LINK_LEVEL);
}

/**
 * Lets the entry at `to`, for `page` of the guest, say what that of the host at `from` says. Called
 * under the mmap locks of guest and host, for reading.
 *
 * @locks  page_table_lock of the guest; none in v2
 * @source v3 13/22 find_shared_vma()
 */
export function* link(
  variant: MshareVariant,
  task: Task,
  region: Region,
  page: number,
  from: number,
  to: number,
): Op<void> {
  const { machine, cpu, mm } = task;
  if (variant.flush === 'kept-mask') yield* keepMask(task, region);
  if (!variant.countsShares) {
    yield* relink(task, page, from, to);
    return;
  }
  const guard = lockOf(machine, mm, to, LINK_LEVEL);
  yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
  yield reading(machine.objects.entry(from));
  const table = linkedTable(machine, from);
  yield reading(machine.objects.entry(to));
  if (linkedTable(machine, to) !== table) {
    yield writing(machine.objects.table(table));
    machine.tableShares[table]!++;
    yield linking(machine.objects.entry(to));
    linkShared(machine, mm, page, to, table, LINK_LEVEL, false);
  }
  yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
}

/** The CPUs of the guest may hold translations of the host from now on. */
function* keepMask({ machine, mm }: Task, { host }: Region): Op<void> {
  yield writing(machine.objects.cpuMask(host));
  machine.mmCpus[host]! |= machine.mmCpus[mm.id]!;
}

/** Copies the entry, whatever the guest has, as v2 does. What is counted here, nobody looks at. */
function* relink(task: Task, page: number, from: number, to: number): Op<void> {
  const { machine, mm } = task;
  yield reading(machine.objects.entry(from));
  const table = linkedTable(machine, from);
  yield linking(machine.objects.entry(to));
  const old = linkedTable(machine, to);
  if (old === table) return;
  if (old !== NONE) {
    if (machine.tableShares[old]! > 0) machine.tableShares[old]!--;
    clearTable(machine, mm, page, to, LINK_LEVEL);
  }
  if (table === NONE) return;
  machine.tableShares[table]!++;
  linkShared(machine, mm, page, to, table, LINK_LEVEL, false);
}

/**
 * Takes the tables of a host from the pages `[start, end)` of a guest VMA: its links of all the
 * 512 GiB that are touched. What they map stays. Called with a gather begun.
 *
 * @locks  page_table_lock of the guest
 * @source v3 13/22 mshare_vm_op_unmap_page_range()
 */
export function* unlinkRange(
  variant: MshareVariant,
  task: Task,
  start: number,
  end: number,
): Op<void> {
  const { machine, cpu, mm } = task;
  const span = alignment(machine.format);
  for (let at = Math.floor(start / span) * span; at < end; at += span) {
    const slot = yield* walk(machine, mm, at, LINK_LEVEL);
    if (slot === NONE) continue;
    const guard = lockOf(machine, mm, slot, LINK_LEVEL);
    yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
    // No grace period ends while a spinlock is held: preemption is off.
    yield* rcuReadLock(machine, cpu);
    yield reading(machine.objects.entry(slot));
    if (isPresentAt(machine, slot)) yield* unlinkEntry(variant, task, at, slot);
    yield* rcuReadUnlock(machine, cpu);
    yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
  }
}

/** Called under page_table_lock. */
function* unlinkEntry(variant: MshareVariant, task: Task, page: number, slot: number): Op<void> {
  const { machine, cpu, mm } = task;
  const table = tableAt(machine, slot, LINK_LEVEL);
  const end = page + alignment(machine.format);
  if (variant.unlink === 'zap') yield* dropShare(machine, table);
  yield* unlinkShared(task, mm, page, slot, LINK_LEVEL, false);
  if (variant.unlink === 'zap-flush-first') {
    yield* flushTlbMmRange(machine, cpu, mm.id, page, end);
  } else tlbUnlink(machine, cpu, page, end);
  if (variant.unlink !== 'zap') yield* dropShare(machine, table);
}

function* dropShare(world: World, table: number): Op<void> {
  yield writing(world.objects.table(table));
  world.tableShares[table]!--;
}

/**
 * The tables of a guest VMA that has gone are freed: v2 unlinks here. Called with a gather begun.
 *
 * @returns whether the entry of `level` at `slot` is empty now
 * @source  v2 12/20 free_p4d_range()
 */
export function* giveUp(
  variant: MshareVariant,
  task: Task,
  page: number,
  slot: number,
  level: number,
  isFreeing: boolean,
): Op<boolean> {
  const { machine, cpu, mm } = task;
  const isOurs = variant.unlink === 'free-pgtables' && isFreeing && level === LINK_LEVEL;
  if (!isOurs || regionOfHost(machine, mm.id) !== undefined) return false;
  const table = tableAt(machine, slot, LINK_LEVEL);
  yield* unlinkShared(task, mm, page, slot, LINK_LEVEL, false);
  if (machine.tableUsed[table] === 1) yield* dropShare(machine, table);
  const span = alignment(machine.format);
  const start = Math.floor(page / span) * span;
  tlbUnlink(machine, cpu, start, start + span);
  return true;
}

/**
 * Whether the host keeps a table: guests are linked to it, or to one that it leads to. Called under the
 * mmap write lock of the host.
 *
 * @source v3 12/22 free_pud_range()
 */
export function* keepsTable(
  variant: MshareVariant,
  { machine, mm }: Task,
  slot: number,
  level: number,
): Op<boolean> {
  if (!variant.countsShares || level < LINK_LEVEL) return false;
  if (regionOfHost(machine, mm.id) === undefined) return false;
  const table = tableAt(machine, slot, level);
  yield reading(machine.objects.table(table));
  if (level === LINK_LEVEL) return machine.tableShares[table]! > 0;
  const first = table * machine.tableEntries;
  for (let at = first; at < first + machine.tableEntries; at++) {
    if (isPresentAt(machine, at)) return true;
  }
  return false;
}
