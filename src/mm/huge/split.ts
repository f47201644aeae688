/**
 * Splitting entries of huge pages: the same memory, mapped by small entries of a table.
 *
 * @source mm/huge_memory.c __split_huge_pmd_locked() (Linux 6.18)
 * @omits  splitting the folio itself: its frames stay one folio, which is freed when all are unmapped
 */
import { DIRTY } from '../../arch/index.ts';
import { assert } from '../../base/assert.ts';
import { invalidateRangeEnd, invalidateRangeStart } from '../notifier/notifier.ts';
import { Notify } from '../notifier/subscription.ts';
import { headOf, putFrame, ZERO_FRAME } from '../page/frame.ts';
import { addLargeMaps, countEntireMaps, dropLargeMaps } from '../rmap/large_mapcount.ts';
import { isAnonymousFrame } from '../rmap/map_count.ts';
import { munlockMapped } from '../rmap/mlock.ts';
import { isMappedAt, mappedFlagsAt, mappedFrameAt, setMapped } from '../table/mapped_entry.ts';
import { clearEntry, isPresentAt, isWritableAt, lockOf, setTable } from '../table/pgtable.ts';
import type { Task } from '../task.ts';
import type { Mm } from '../vma/mm.ts';
import { lock, Rank, unlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { clearing, setting, writing } from '../world/point.ts';
import { flushTlbMmRange } from '../world/tlb.ts';
import { FrameFlag, NONE, type World } from '../world/world.ts';
import { withdraw } from './deposit.ts';
import { removeHugeRmap } from './huge_rmap.ts';

/**
 * Lets small pages take the place of the huge one at `slot`, if there is one. Of a file, its entry is
 * dropped: faults bring small pages.
 *
 * @param start the first page of the huge page
 * @locks the lock of the table
 */
export function* splitHugeEntry(task: Task, mm: Mm, start: number, slot: number): Op<void> {
  const { machine, cpu } = task;
  const end = start + machine.format.entryPages[1]!;
  yield* invalidateRangeStart(task, mm, start, end, Notify.CLEAR);
  const guard = lockOf(machine, mm, slot, 1);
  yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
  yield clearing(machine.objects.entry(slot));
  const isHuge = isMappedAt(machine, slot, 1);
  const head = isHuge ? mappedFrameAt(machine, slot, 1) : NONE;
  const isDropped = isHuge && machine.frameMapping[head]! > 0;
  if (isDropped) yield* dropEntry(task, mm, start, slot, head);
  else if (isHuge) yield* splitLocked(task, mm, start, slot, head);
  yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
  if (isDropped) yield* putFrame(machine, cpu, head);
  yield* invalidateRangeEnd(task, mm, start, end, Notify.CLEAR);
}

/** Called under the lock of the table. */
function* dropEntry(task: Task, mm: Mm, start: number, slot: number, head: number): Op<void> {
  const { machine, cpu } = task;
  const pages = machine.format.entryPages[1]!;
  yield writing(machine.objects.frame(head));
  if ((mappedFlagsAt(machine, slot) & DIRTY) !== 0) machine.frameFlags[head]! |= FrameFlag.DIRTY;
  yield clearing(machine.objects.entry(slot));
  invalidate(machine, mm, start, slot, head);
  yield* flushTlbMmRange(machine, cpu, mm.id, start, start + pages);
  yield* removeHugeRmap(machine, mm, head, pages);
  const vma = mm.vmas.at(start);
  if (vma !== undefined) munlockMapped(machine, vma, head);
}

/** Called under the lock of the table. The entry is not present while the others are made. */
function* splitLocked(task: Task, mm: Mm, start: number, slot: number, head: number): Op<void> {
  const { machine, cpu } = task;
  const pages = machine.format.entryPages[1]!;
  const flags = mappedFlagsAt(machine, slot);
  invalidate(machine, mm, start, slot, head);
  yield* flushTlbMmRange(machine, cpu, mm.id, start, start + pages);
  const table = withdraw(machine, slot);
  const first = table * machine.tableEntries;
  const isZero = (machine.frameFlags[head]! & FrameFlag.RESERVED) !== 0;
  for (let index = 0; index < pages; index++) {
    setMapped(machine, first + index, isZero ? ZERO_FRAME : head + index, flags);
  }
  if (!isZero) yield* shareOut(machine, mm, head, pages, (flags & DIRTY) !== 0);
  yield setting(machine.objects.entry(slot));
  setTable(machine, mm, start, slot, table, 1);
}

/** The one mapping of all becomes one of each, with a reference each; the process has as many pages. */
function* shareOut(world: World, mm: Mm, head: number, pages: number, isDirty: boolean): Op<void> {
  assert(isAnonymousFrame(world, head), 'huge pages of files are not split in place');
  yield writing(world.objects.frame(headOf(world, head)));
  if (isDirty) world.frameFlags[head]! |= FrameFlag.DIRTY;
  const exclusive = world.frameFlags[head]! & FrameFlag.EXCLUSIVE;
  for (let frame = head; frame < head + pages; frame++) {
    world.frameMapcount[frame]!++;
    world.frameFlags[frame]! |= exclusive;
  }
  world.frameReferences[head]! += pages - 1;
  addLargeMaps(world, mm, head, pages);
  countEntireMaps(world, head, -1);
  dropLargeMaps(world, mm, head, 1);
}

function invalidate(world: World, mm: Mm, start: number, slot: number, head: number): void {
  const wasPresent = isPresentAt(world, slot);
  const isWritable = wasPresent && isWritableAt(world, slot);
  const pages = world.format.entryPages[1]!;
  clearEntry(world, slot);
  if (!wasPresent) return;
  world.ledger.openFolio(world.mmCpus[mm.id]!, mm.id, start, start + pages, head, isWritable);
}
