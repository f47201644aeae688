/**
 * Taking huge pages out of an address space, and tables that were kept for them.
 *
 * @source mm/huge_memory.c zap_huge_pmd() (Linux 6.18)
 */
import { DIRTY, W } from '../../arch/index.ts';
import { markDirty } from '../page/frame.ts';
import { isAnonymousFrame } from '../rmap/map_count.ts';
import { munlockFolio } from '../rmap/mlock.ts';
import { isMappedAt, mappedFlagsAt, mappedFrameAt } from '../table/mapped_entry.ts';
import { tlbChange, tlbRemovePage } from '../table/mmu_gather.ts';
import { clearEntry, isPresentAt, lockOf } from '../table/pgtable.ts';
import type { Task } from '../task.ts';
import { lock, Rank, unlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { clearing } from '../world/point.ts';
import { freeTable } from '../world/table_page.ts';
import { NONE } from '../world/world.ts';
import { withdraw } from './deposit.ts';
import { isHugeZero } from './huge_memory.ts';
import { removeHugeRmap } from './huge_rmap.ts';

/**
 * Clears the huge page at `slot`, whose first page is `start`, and collects it in the gather.
 *
 * @param isMunlocked whether the VMA has VM_LOCKED
 * @returns whether it was there
 * @locks   the lock of the table
 */
export function* zapHugePage(
  task: Task,
  start: number,
  slot: number,
  isMunlocked: boolean,
): Op<boolean> {
  const { machine, cpu, mm } = task;
  const pages = machine.format.entryPages[1]!;
  const guard = lockOf(machine, mm, slot, 1);
  let table = NONE;
  yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
  yield clearing(machine.objects.entry(slot));
  const isHuge = isMappedAt(machine, slot, 1);
  if (isHuge) {
    const head = mappedFrameAt(machine, slot, 1);
    const flags = mappedFlagsAt(machine, slot);
    const wasPresent = isPresentAt(machine, slot);
    clearEntry(machine, slot);
    tlbChange(machine, cpu, start, start + pages);
    const isZero = isHugeZero(machine, head);
    if (isZero || isAnonymousFrame(machine, head)) {
      table = withdraw(machine, slot);
      mm.tables--;
    }
    if (!isZero) {
      const { ledger, mmCpus } = machine;
      const isWritable = (flags & W) !== 0;
      if (wasPresent) {
        ledger.openFolio(mmCpus[mm.id]!, mm.id, start, start + pages, head, isWritable);
      }
      const isFile = !isAnonymousFrame(machine, head);
      yield* removeHugeRmap(machine, mm, head, pages);
      if (isMunlocked) munlockFolio(machine, head);
      if (isFile && (flags & DIRTY) !== 0) markDirty(machine, head);
      tlbRemovePage(machine, cpu, start, head);
    }
  }
  yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
  // It was never linked, so nobody can be walking it.
  if (table !== NONE) yield* freeTable(machine, cpu, table);
  return isHuge;
}
