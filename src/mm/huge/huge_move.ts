/**
 * Moving a whole huge page to another address, with the table that is deposited for it.
 *
 * @source mm/huge_memory.c move_huge_pmd(), pmd_move_must_withdraw() (Linux 6.18)
 */
import { W } from '../../arch/index.ts';
import { lockLinks, unlockLinks } from '../rmap/links.ts';
import { isAnonymousFrame } from '../rmap/map_count.ts';
import { isMappedAt, mappedFlagsAt, mappedFrameAt } from '../table/mapped_entry.ts';
import { clearEntry, isNoneAt, isPresentAt, lockOf, setEntry } from '../table/pgtable.ts';
import type { Task } from '../task.ts';
import { losesWpByMove } from '../userfaultfd/events.ts';
import { setWithoutWp } from '../userfaultfd/without_wp.ts';
import type { Vma } from '../vma/vma.ts';
import { lock, lockNested, Rank, unlock, unlockNested } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { clearing, setting } from '../world/point.ts';
import { flushTlbMmRange } from '../world/tlb.ts';
import { deposit, withdraw } from './deposit.ts';
import { isHugeZero } from './huge_memory.ts';

/** What is moved, as of `TableMove`. */
interface Move {
  readonly from: Vma;
  readonly needsRmapLocks: boolean;
}

/**
 * Moves the huge page at `slot`, whose first page is `start`, to the slot `target`. Its old place is
 * flushed before the locks are dropped.
 *
 * @returns false if it is gone, or something is at the target
 * @locks   i_mmap_rwsem and the lock of the anon_vma if `needsRmapLocks`, then those of both tables
 */
export function* moveHugePage(
  task: Task,
  { from, needsRmapLocks }: Move,
  start: number,
  slot: number,
  target: number,
): Op<boolean> {
  const { machine, cpu, mm } = task;
  const guard = lockOf(machine, mm, slot, 1);
  const targetGuard = lockOf(machine, mm, target, 1);
  if (needsRmapLocks) yield* lockLinks(task, from);
  yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
  if (targetGuard !== guard) yield* lockNested(machine, cpu, targetGuard, Rank.PAGE_TABLE);
  yield clearing(machine.objects.entry(slot));
  const isMoved = isMappedAt(machine, slot, 1) && isNoneAt(machine, target);
  if (isMoved) yield* moveLocked(task, from, start, slot, target);
  if (targetGuard !== guard) yield* unlockNested(machine, cpu, targetGuard);
  yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
  if (needsRmapLocks) yield* unlockLinks(task, from);
  return isMoved;
}

/** Called under the locks of both tables. */
function* moveLocked(task: Task, from: Vma, start: number, slot: number, target: number): Op<void> {
  const { machine, cpu, mm } = task;
  const end = start + machine.format.entryPages[1]!;
  const head = mappedFrameAt(machine, slot, 1);
  const isWritable = (mappedFlagsAt(machine, slot) & W) !== 0;
  const wasPresent = isPresentAt(machine, slot);
  const low = machine.lanes[slot * 2]!;
  const high = machine.lanes[slot * 2 + 1]!;
  clearEntry(machine, slot);
  if (wasPresent) {
    machine.ledger.openFolio(machine.mmCpus[mm.id]!, mm.id, start, end, head, isWritable);
  }
  const hasDeposit = isHugeZero(machine, head) || isAnonymousFrame(machine, head);
  if (hasDeposit) deposit(machine, target, withdraw(machine, slot));
  yield setting(machine.objects.entry(target));
  if (losesWpByMove(from)) setWithoutWp(machine, target, low, high, 1);
  else setEntry(machine, target, low, high);
  if (wasPresent) yield* flushTlbMmRange(machine, cpu, mm.id, start, end);
}
