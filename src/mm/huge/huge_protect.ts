/**
 * Giving a whole huge page other rights.
 *
 * @source mm/huge_memory.c change_huge_pmd(), can_change_pmd_writable() (Linux 6.18)
 */
import { ACCESSED, DIRTY, type LeafFlags, UFFD_WP, W } from '../../arch/index.ts';
import type { Machine } from '../machine.ts';
import { isAnonymousFrame } from '../rmap/map_count.ts';
import { isMappedAt, mappedFlagsAt, mappedFrameAt, setMapped } from '../table/mapped_entry.ts';
import { tlbChange } from '../table/mmu_gather.ts';
import { isPresentAt, lockOf } from '../table/pgtable.ts';
import type { Task } from '../task.ts';
import { flagsOfWp, WpChange } from '../userfaultfd/wp_change.ts';
import { pageRights } from '../vma/page_rights.ts';
import { VM, type Vma } from '../vma/vma.ts';
import { lock, Rank, unlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { clearing } from '../world/point.ts';
import { FrameFlag } from '../world/world.ts';

/**
 * Gives the huge page at `slot`, whose first page is `start`, the rights of `vma`, if it is still
 * there. Called with a gather begun, which flushes what rights are lost.
 *
 * @locks the lock of the table
 */
export function* changeHugePage(
  task: Task,
  vma: Vma,
  start: number,
  slot: number,
  wp: WpChange = WpChange.NONE,
): Op<void> {
  const { machine, cpu, mm } = task;
  const end = start + machine.format.entryPages[1]!;
  const guard = lockOf(machine, mm, slot, 1);
  yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
  yield clearing(machine.objects.entry(slot));
  const old = mappedFlagsAt(machine, slot);
  const flags = isMappedAt(machine, slot, 1) ? flagsFor(machine, vma, slot, old, wp) : old;
  if (flags !== old) {
    const head = mappedFrameAt(machine, slot, 1);
    const wasPresent = isPresentAt(machine, slot);
    setMapped(machine, slot, head, flags, 1);
    const { ledger, mmCpus } = machine;
    const cpus = wasPresent ? mmCpus[mm.id]! : 0;
    const lost = old & ~flags & ~UFFD_WP;
    if (lost === W) ledger.openProtected(cpus, mm.id, start, end);
    else if (lost !== 0) ledger.openFolio(cpus, mm.id, start, end, head, (old & W) !== 0);
    if (wasPresent) tlbChange(machine, cpu, start, end);
  }
  yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
}

/** What is known to be the process's own, or dirty for its file system, can be written to at once. */
function flagsFor(
  machine: Machine,
  vma: Vma,
  slot: number,
  old: LeafFlags,
  wp: WpChange,
): LeafFlags {
  const flags = flagsOfWp((old & (ACCESSED | DIRTY | UFFD_WP)) | pageRights(vma), wp);
  if ((vma.flags & VM.WRITE) === 0 || (flags & UFFD_WP) !== 0) return flags;
  if (wp === WpChange.PROTECT) return flags;
  const head = mappedFrameAt(machine, slot, 1);
  const isWritable = isAnonymousFrame(machine, head)
    ? (machine.frameFlags[head]! & FrameFlag.EXCLUSIVE) !== 0
    : (vma.flags & VM.SHARED) !== 0 && (old & DIRTY) !== 0;
  return isWritable ? flags | W : flags;
}
