/**
 * Mapping folios of the page cache by entries of level 1.
 *
 * @source mm/memory.c do_set_pmd(), mm/filemap.c filemap_map_pmd() (Linux 6.18)
 */
import type { LeafFlags } from '../../arch/index.ts';
import type { Machine } from '../machine.ts';
import { headOf, orderOf } from '../page/frame.ts';
import { mlockMapped } from '../rmap/mlock.ts';
import { setMapped } from '../table/mapped_entry.ts';
import { isNoneAt, lockOf } from '../table/pgtable.ts';
import type { Task } from '../task.ts';
import { VM, type Vma } from '../vma/vma.ts';
import { lock, Rank, unlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { setting } from '../world/point.ts';
import type { World } from '../world/world.ts';
import { addHugeRmap } from './huge_rmap.ts';
import { hugeStart } from './huge_start.ts';

/** Whether a folio is as large as a huge page. */
export function isHugeFolio(world: World, head: number): boolean {
  return orderOf(world, head) === world.format.indexBits[0]!;
}

/** Whether a huge page of the file of `vma` may be mapped around `page`. */
export function holdsHugePage(machine: Machine, vma: Vma, page: number): boolean {
  const pages = machine.format.entryPages[1]!;
  const start = hugeStart(machine, page);
  if (start < vma.start || start + pages > vma.end) return false;
  return vma.file === undefined || (vma.start - vma.pgoff) % pages === 0;
}

/**
 * Maps the folio of `frame`, which is locked, by the entry at `slot`, if that is empty.
 *
 * @returns whether it did: then the caller's reference is the entry's
 * @locks   the lock of the table
 */
export function* mapHugeFolio(
  task: Task,
  vma: Vma,
  page: number,
  slot: number,
  frame: number,
  flags: LeafFlags,
): Op<boolean> {
  const { machine, cpu, mm } = task;
  const head = headOf(machine, frame);
  if (!isHugeFolio(machine, head) || !machine.format.mayHoldLeaf(1)) return false;
  if ((vma.flags & VM.NOHUGEPAGE) !== 0 || !holdsHugePage(machine, vma, page)) return false;
  const guard = lockOf(machine, mm, slot, 1);
  yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
  yield setting(machine.objects.entry(slot));
  const isEmpty = isNoneAt(machine, slot);
  if (isEmpty) {
    setMapped(machine, slot, head, flags, 1);
    yield* addHugeRmap(machine, mm, head, machine.format.entryPages[1]!);
    mlockMapped(machine, vma, head, machine.format.entryPages[1]!);
  }
  yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
  return isEmpty;
}
