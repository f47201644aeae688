/**
 * Page faults, and taking pages and tables out of an address space.
 *
 * @source mm/memory.c (Linux 6.18)
 */
import type { Vpn } from '../arch/index.ts';
import { EFAULT, ENOMEM } from './errno.ts';
import { allocFrame, putFrame } from './frame.ts';
import { lock, mmapReadLock, mmapReadUnlock, Rank, unlock } from './lock.ts';
import { type Machine, NONE } from './machine.ts';
import { findVma, lockVmaUnderRcu, vmaEndRead } from './mmap_lock.ts';
import { isGatherFull, tlbFlushMmu, tlbRemovePage, tlbRemoveTable } from './mmu_gather.ts';
import type { Op } from './op.ts';
import {
  clearEntry,
  frameAt,
  isPresentAt,
  isWritableAt,
  lockOf,
  setPage,
  slotIn,
  tableAt,
  walk,
  walkAllocating,
} from './pgtable.ts';
import { clearing, reading, setting } from './point.ts';

/**
 * A program's access to `page` found no translation.
 *
 * @returns 0 if the access is to be tried again; EFAULT if the program may not make it; ENOMEM
 * @locks   the VMA lock (read), or the mmap lock (read) if that is not to be had; then a page-table
 *          lock
 * @source  arch/x86/mm/fault.c do_user_addr_fault(), mm/memory.c handle_mm_fault() (Linux 6.18)
 * @omits   stacks that grow, userfaultfd, memory cgroups
 */
export function* handleUserFault(
  machine: Machine,
  cpu: number,
  mm: number,
  page: Vpn,
  write: boolean,
): Op<number> {
  const locked = yield* lockVmaUnderRcu(machine, cpu, mm, page);
  if (locked !== NONE) {
    const result = yield* handleMmFault(machine, cpu, mm, locked, page, write);
    yield* vmaEndRead(machine, cpu, locked);
    return result;
  }
  yield* mmapReadLock(machine, cpu, mm);
  yield reading(machine.objects.tree(mm));
  const vma = findVma(machine, mm, page);
  const result = vma === NONE ? EFAULT : yield* handleMmFault(machine, cpu, mm, vma, page, write);
  yield* mmapReadUnlock(machine, cpu, mm);
  return result;
}

/**
 * First touch of an anonymous page. Called under the VMA lock or the mmap lock, for reading.
 *
 * @source mm/memory.c do_anonymous_page() (Linux 6.18)
 * @omits  the zero page for reads, huge and large folios, swap, copy on write
 */
function* handleMmFault(
  machine: Machine,
  cpu: number,
  mm: number,
  vma: number,
  page: Vpn,
  write: boolean,
): Op<number> {
  const writable = machine.vmaWritable[vma] === 1;
  if (write && !writable) return EFAULT;
  const slot = yield* walkAllocating(machine, cpu, mm, page);
  if (slot === NONE) return ENOMEM;
  yield reading(machine.objects.entry(slot));
  if (isPresentAt(machine, slot)) return 0;

  const frame = yield* allocFrame(machine, cpu);
  if (frame === NONE) return ENOMEM;
  const guard = lockOf(machine, mm, slot, 0);
  yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
  yield setting(machine.objects.entry(slot));
  // Another thread may have been faster.
  const isFirst = !isPresentAt(machine, slot) || machine.bugs.noRecheckUnderPageTableLock === true;
  if (isFirst) {
    setPage(machine, slot, frame, writable);
    machine.rss[cpu * machine.size.mms + mm]!++;
  }
  yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
  if (!isFirst) yield* putFrame(machine, cpu, frame);
  return 0;
}

/**
 * Clears the entries of `[start, end)` and collects their pages.
 *
 * Called under the mmap lock, when no VMA covers these pages any more.
 *
 * @locks  a page-table lock for each table
 * @source mm/memory.c unmap_page_range(), zap_pte_range() (Linux 6.18)
 */
export function* unmapPageRange(
  machine: Machine,
  cpu: number,
  mm: number,
  start: number,
  end: number,
): Op<void> {
  const { entryPages } = machine.format;
  let at = start;
  while (at < end) {
    // Where the last table begins that spans `at`: the end of its span is the next to look at.
    const span = entryPages[1]!;
    const next = Math.min(end, (Math.floor(at / span) + 1) * span);
    const slot = yield* walk(machine, mm, at as Vpn);
    if (slot !== NONE) yield* zapPteRange(machine, cpu, mm, slot, at, next);
    at = next;
  }
}

function* zapPteRange(
  machine: Machine,
  cpu: number,
  mm: number,
  first: number,
  start: number,
  end: number,
): Op<void> {
  const guard = lockOf(machine, mm, first, 0);
  yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
  for (let page = start; page < end; page++) {
    const slot = first + page - start;
    yield clearing(machine.objects.entry(slot));
    if (!isPresentAt(machine, slot)) continue;
    const frame = frameAt(machine, slot);
    const writable = isWritableAt(machine, slot);
    clearEntry(machine, slot);
    machine.ledger.openPage(machine.mmCpus[mm]!, mm, page, frame, writable);
    machine.rss[cpu * machine.size.mms + mm]!--;
    tlbRemovePage(machine, cpu, page, frame);
    if (!isGatherFull(machine, cpu)) continue;
    yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
    yield* tlbFlushMmu(machine, cpu, mm);
    yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
  }
  yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
}

/**
 * Unlinks the tables below `table` that span nothing but free address space.
 *
 * Those are the tables that lie within `[floor, ceiling)`, from the end of the VMA before the hole
 * to the start of the VMA behind it; so a neighbour in the same span keeps an empty table alive.
 * Called under the mmap lock, when the pages of `[start, end)` are unmapped.
 *
 * @source mm/memory.c free_pgd_range() (Linux 6.18)
 */
export function* freePgtables(
  machine: Machine,
  cpu: number,
  mm: number,
  table: number,
  level: number,
  start: number,
  end: number,
  floor: number,
  ceiling: number,
): Op<void> {
  const span = machine.format.entryPages[level]!;
  for (let at = Math.floor(start / span) * span; at < end; at += span) {
    const slot = slotIn(machine, table, at as Vpn, level);
    yield reading(machine.objects.entry(slot));
    if (!isPresentAt(machine, slot)) continue;
    const below = tableAt(machine, slot, level);
    if (level > 1) {
      const from = Math.max(start, at);
      const to = Math.min(end, at + span);
      yield* freePgtables(machine, cpu, mm, below, level - 1, from, to, floor, ceiling);
    }
    if (at < floor || at + span > ceiling) continue;
    yield clearing(machine.objects.entry(slot));
    clearEntry(machine, slot);
    machine.ledger.openTable(machine.mmCpus[mm]!, mm, at, at + span, below);
    tlbRemoveTable(machine, cpu, at, at + span, below);
    if (isGatherFull(machine, cpu)) yield* tlbFlushMmu(machine, cpu, mm);
  }
}
