/**
 * Giving huge pages that are mapped the rights of their VMA.
 *
 * @source mm/hugetlb.c hugetlb_change_protection() (Linux 6.18)
 * @omits  userfaultfd write protection
 */
import { ACCESSED, DIRTY, W } from '../../arch/index.ts';
import { isMappedAt, mappedFrameAt } from '../table/mapped_entry.ts';
import { isPresentAt, lockOf, walk } from '../table/pgtable.ts';
import type { Task } from '../task.ts';
import { pageRights } from '../vma/page_rights.ts';
import type { Vma } from '../vma/vma.ts';
import { lock, Rank, unlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { clearing, reading } from '../world/point.ts';
import { flushTlbMmRange } from '../world/tlb.ts';
import { NONE } from '../world/world.ts';
import { granularOf } from './granular.ts';
import { hstateOf, nextBlock } from './hstate.ts';
import { hugePteFlags, setHugePte } from './huge_pte.ts';
import { flushUnshared, hugePmdUnshare, nothingUnshared, type Unshared } from './unshare.ts';
import { vmaLockWrite, vmaUnlockWrite } from './vma_lock.ts';

/**
 * Changes the entries of `[start, end)`; shared tables are given up as they are.
 *
 * Called under the VMA write lock.
 *
 * @locks the lock of the VMA, i_mmap_rwsem, both for writing; page-table locks
 */
export function* hugetlbChangeProtection(
  task: Task,
  vma: Vma,
  start: number,
  end: number,
): Op<void> {
  const { machine, cpu, mm } = task;
  const hstate = hstateOf(vma);
  const guard = machine.objects.iMmapLock(vma.file!.inode.id);
  const unshared = nothingUnshared();
  yield* vmaLockWrite(task, vma);
  yield* lock(machine, cpu, guard, Rank.I_MMAP);
  const granular = granularOf(machine, vma);
  if (granular !== undefined) yield* granular.protect(task, vma, start, end);
  for (let page = granular === undefined ? start : end; page < end; ) {
    const slot = yield* walk(machine, mm, page, hstate.level);
    const isGone = slot !== NONE && (yield* changeEntry(task, vma, page, slot, unshared));
    page = slot === NONE || isGone ? nextBlock(machine, hstate, page) : page + hstate.pages;
  }
  yield* flushUnshared(task, unshared);
  yield* flushTlbMmRange(machine, cpu, mm.id, start, end);
  yield* unlock(machine, cpu, guard, Rank.I_MMAP);
  yield* vmaUnlockWrite(task, vma);
}

/** @returns whether the table was a shared one, and is given up */
function* changeEntry(
  task: Task,
  vma: Vma,
  page: number,
  slot: number,
  unshared: Unshared,
): Op<boolean> {
  const { machine, cpu, mm } = task;
  const hstate = hstateOf(vma);
  const { level, pages } = hstate;
  const guard = lockOf(machine, mm, slot, level);
  yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
  const isGone = yield* hugePmdUnshare(task, vma, page, slot, unshared);
  if (!isGone) {
    yield reading(machine.objects.entry(slot));
    if (isMappedAt(machine, slot, level)) {
      yield clearing(machine.objects.entry(slot));
      const old = hugePteFlags(machine, slot, hstate);
      const head = mappedFrameAt(machine, slot, level);
      const wasPresent = isPresentAt(machine, slot);
      setHugePte(machine, slot, hstate, head, (old & (ACCESSED | DIRTY)) | pageRights(vma));
      const cpus = machine.mmCpus[mm.id]!;
      const isWritable = (old & W) !== 0;
      if (wasPresent) {
        machine.ledger.openFolio(cpus, mm.id, page, page + pages, head, isWritable);
      }
    }
  }
  yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
  return isGone;
}
