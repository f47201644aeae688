/**
 * Mapping a huge page of a file as one where small entries may map it, or nothing.
 *
 * @source mm/khugepaged.c collapse_pte_mapped_thp(), set_huge_pmd() (Linux 6.18)
 */
import { ACCESSED } from '../../arch/index.ts';
import { findLockFrame } from '../file/filemap.ts';
import { invalidateRangeEnd, invalidateRangeStart } from '../notifier/notifier.ts';
import { Notify } from '../notifier/subscription.ts';
import { unlockFolio } from '../page/folio_lock.ts';
import { headOf, putFrame } from '../page/frame.ts';
import { removeRmap } from '../rmap/map_count.ts';
import { isMappedAt, mappedFrameAt } from '../table/mapped_entry.ts';
import {
  clearEntry,
  isNoneAt,
  isPresentAt,
  isTableAt,
  isWritableAt,
  lockOf,
  tableAt,
  walkAllocating,
} from '../table/pgtable.ts';
import type { Task } from '../task.ts';
import { pageRights } from '../vma/page_rights.ts';
import { pgoffAt, VM, type Vma } from '../vma/vma.ts';
import { deliverCallbacks } from '../world/delivery.ts';
import { lock, lockNested, Rank, unlock, unlockNested } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { clearing, reading, writing } from '../world/point.ts';
import { callRcu } from '../world/rcu.ts';
import { NONE } from '../world/world.ts';
import { holdsHugePage, isHugeFolio, mapHugeFolio } from './huge_file.ts';
import { unlinkEmptyTable } from './retract.ts';
import { Scan } from './scan.ts';

/**
 * Called under the mmap lock, for reading.
 *
 * @param start where the huge page is to be
 * @locks the folio lock, then the lock of the entry of level 1, and that of its table
 */
export function* collapsePteMapped(task: Task, start: number): Op<Scan> {
  const { machine, cpu, mm } = task;
  yield reading(machine.objects.tree(mm.id));
  const vma = mm.vmas.at(start);
  if (vma?.file === undefined || !holdsHugePage(machine, vma, start)) return Scan.VMA_CHECK;
  if ((vma.flags & VM.UFFD_WP) !== 0) return Scan.PTE_UFFD_WP;
  const slot = yield* walkAllocating(task, mm, start, 1);
  if (slot === NONE) return Scan.FAIL;
  yield reading(machine.objects.entry(slot));
  if (isMappedAt(machine, slot, 1)) return Scan.PMD_MAPPED;
  const frame = yield* findLockFrame(task, vma.file.inode, pgoffAt(vma, start));
  if (frame === NONE) return Scan.PAGE_NULL;
  const head = headOf(machine, frame);
  const isWhole = isHugeFolio(machine, head) && frame === head;
  const result = isWhole ? yield* collapseLocked(task, vma, start, slot, head) : Scan.FAIL;
  yield* unlockFolio(machine, cpu, head);
  if (result !== Scan.SUCCEED) yield* putFrame(machine, cpu, head);
  return result;
}

/** Called under the folio lock, with a reference, which the entry takes over if it succeeds. */
function* collapseLocked(
  task: Task,
  vma: Vma,
  start: number,
  slot: number,
  head: number,
): Op<Scan> {
  const { machine } = task;
  yield reading(machine.objects.entry(slot));
  if (isTableAt(machine, slot, 1)) {
    const result = yield* removeTable(task, vma, start, slot, head);
    if (result !== Scan.SUCCEED) return result;
  }
  const flags = pageRights(vma) | ACCESSED;
  const isMapped = yield* mapHugeFolio(task, vma, start, slot, head, flags);
  return isMapped ? Scan.SUCCEED : Scan.FAIL;
}

/** Takes the table away if it maps nothing but pages of the folio, each at its place. */
function* removeTable(task: Task, vma: Vma, start: number, slot: number, head: number): Op<Scan> {
  const { machine, cpu, mm } = task;
  const outer = lockOf(machine, mm, slot, 1);
  let table = NONE;
  let result: Scan = Scan.FAIL;
  const end = start + machine.format.entryPages[1]!;
  const isTold = machine.bugs.collapseMappedUntold !== true;
  if (isTold) yield* invalidateRangeStart(task, mm, start, end, Notify.CLEAR);
  yield* lock(machine, cpu, outer, Rank.PAGE_TABLE);
  yield reading(machine.objects.entry(slot));
  if (isTableAt(machine, slot, 1)) {
    const first = tableAt(machine, slot, 1) * machine.tableEntries;
    const inner = lockOf(machine, mm, first, 0);
    yield* lockNested(machine, cpu, inner, Rank.PAGE_TABLE);
    result = yield* checkEntries(task, first, head);
    if (result === Scan.SUCCEED) {
      yield* clearEntries(task, vma, start, first);
      table = yield* unlinkEmptyTable(task, mm, start, slot);
    }
    yield* unlockNested(machine, cpu, inner);
  }
  yield* unlock(machine, cpu, outer, Rank.PAGE_TABLE);
  if (isTold) yield* invalidateRangeEnd(task, mm, start, end, Notify.CLEAR);
  if (table !== NONE) yield* callRcu(machine, cpu, table);
  deliverCallbacks(machine, cpu);
  return result;
}

/** Called under the lock of the table whose first slot is `first`. */
function* checkEntries({ machine }: Task, first: number, head: number): Op<Scan> {
  const pages = machine.format.entryPages[1]!;
  for (let index = 0; index < pages; index++) {
    if (isNoneAt(machine, first + index)) continue;
    yield reading(machine.objects.entry(first + index));
    if (!isMappedAt(machine, first + index)) return Scan.PTE_NON_PRESENT;
    if (mappedFrameAt(machine, first + index) !== head + index) return Scan.FAIL;
  }
  return Scan.SUCCEED;
}

/** Called under the lock of the table. The flush comes with that of the table. */
function* clearEntries({ machine, mm }: Task, vma: Vma, start: number, first: number): Op<void> {
  const pages = machine.format.entryPages[1]!;
  for (let index = 0; index < pages; index++) {
    const slot = first + index;
    if (isNoneAt(machine, slot)) continue;
    yield clearing(machine.objects.entry(slot));
    const frame = mappedFrameAt(machine, slot);
    if (isPresentAt(machine, slot)) {
      const isWritable = isWritableAt(machine, slot);
      machine.ledger.openPage(machine.mmCpus[mm.id]!, mm.id, start + index, frame, isWritable);
    }
    clearEntry(machine, slot);
    yield* removeRmap(machine, mm, vma, frame);
    const head = headOf(machine, frame);
    yield writing(machine.objects.frame(head));
    machine.frameReferences[head]!--;
  }
}
