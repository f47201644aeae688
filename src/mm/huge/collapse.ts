/**
 * Collapsing small private pages into a huge one, for khugepaged and MADV_COLLAPSE.
 *
 * The table is unlinked first, and every lockless walker waited for, so that what its entries say
 * stands still; then the pages are copied, and the table becomes the deposit of the huge page.
 *
 * @source mm/khugepaged.c collapse_huge_page() (Linux 6.18)
 * @omits  swapping pages in
 */
import { ACCESSED, DIRTY, UFFD_WP, W } from '../../arch/index.ts';
import type { Machine } from '../machine.ts';
import { invalidateRangeEnd, invalidateRangeStart } from '../notifier/notifier.ts';
import { Notify } from '../notifier/subscription.ts';
import { allocFolio, headOf, putFrame, ZERO_FRAME } from '../page/frame.ts';
import { isMaybeMappedShared, privateMapcount } from '../rmap/large_mapcount.ts';
import { isAnonymousFrame, mapNewAnonymous, removeRmap } from '../rmap/map_count.ts';
import { isMappedAt, mappedFlagsAt, mappedFrameAt, setMapped } from '../table/mapped_entry.ts';
import {
  clearEntry,
  clearTable,
  frameAt,
  isNoneAt,
  isPresentAt,
  isTableAt,
  isWritableAt,
  lockOf,
  setTable,
  tableAt,
  walk,
} from '../table/pgtable.ts';
import { SoftKind, softKindAt } from '../table/soft_entry.ts';
import type { Task } from '../task.ts';
import { pageRights } from '../vma/page_rights.ts';
import { VM, VM_UFFD, type Vma } from '../vma/vma.ts';
import { vmaStartWrite } from '../vma/vma_lock.ts';
import { lock, mmapWriteLock, mmapWriteUnlock, Rank, unlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { clearing, reading, setting } from '../world/point.ts';
import { tlbRemoveTableSyncOne } from '../world/sync.ts';
import { flushTlbMmRange } from '../world/tlb.ts';
import { NONE } from '../world/world.ts';
import { deposit } from './deposit.ts';
import { addHugeRmap } from './huge_rmap.ts';
import { hugePages } from './huge_start.ts';
import { type CollapseLimits, NO_LIMITS, Scan } from './scan.ts';

/** Whether MADV_COLLAPSE may make huge pages of `vma`, whatever the settings say. */
export function mayCollapse(machine: Machine, vma: Vma): boolean {
  return (
    machine.format.mayHoldLeaf(1) && vma.file === undefined && (vma.flags & VM.NOHUGEPAGE) === 0
  );
}

/**
 * Makes the small pages from `start` on a huge one.
 *
 * @locks mmap (write), the VMA (write), the lock of the anon_vma, page-table locks; none is held before
 */
export function* collapseHugePage(
  task: Task,
  start: number,
  limits: CollapseLimits = NO_LIMITS,
): Op<Scan> {
  const { machine, cpu, mm } = task;
  const head = yield* allocFolio(machine, cpu, machine.format.indexBits[0]!);
  if (head === NONE) return Scan.ALLOC_HUGE_PAGE_FAIL;
  yield* mmapWriteLock(machine, cpu, mm.id);
  const vma = mm.vmas.at(start);
  const result =
    vma === undefined || start + hugePages(machine) > vma.end || !mayCollapse(machine, vma)
      ? Scan.VMA_CHECK
      : yield* collapseLocked(task, vma, start, head, limits);
  yield* mmapWriteUnlock(machine, cpu, mm.id);
  if (result !== Scan.SUCCEED) yield* putFrame(machine, cpu, head);
  return result;
}

/** Called under the mmap write lock. */
function* collapseLocked(
  task: Task,
  vma: Vma,
  start: number,
  head: number,
  limits: CollapseLimits,
): Op<Scan> {
  const { machine, cpu, mm } = task;
  const slot = yield* walk(machine, mm, start, 1);
  if (slot === NONE) return Scan.PMD_NULL;
  yield reading(machine.objects.entry(slot));
  if (isNoneAt(machine, slot)) return Scan.PMD_NONE;
  if (isMappedAt(machine, slot, 1)) return Scan.PMD_MAPPED;
  if (!isTableAt(machine, slot, 1)) return Scan.FAIL;
  if (vma.anonVma === undefined) return Scan.PAGE_ANON;
  yield* vmaStartWrite(machine, mm, vma);
  const anonVmaLock = machine.objects.anonVmaLock(vma.anonVma.root.id);
  yield* lock(machine, cpu, anonVmaLock, Rank.ANON_VMA);
  const table = yield* unlinkTable(task, start, slot);
  const result = yield* checkPages(task, table, limitsOf(vma, limits));
  if (result === Scan.SUCCEED) yield* replacePages(task, vma, start, slot, table, head);
  else yield* relinkTable(task, start, slot, table);
  yield* unlock(machine, cpu, anonVmaLock, Rank.ANON_VMA);
  return result;
}

/** Who is told of what is missing does not want it filled. @source userfaultfd_armed() */
export function limitsOf({ flags }: Vma, limits: CollapseLimits): CollapseLimits {
  return (flags & VM_UFFD) === 0 ? limits : { ...limits, maxNone: 0 };
}

/** Takes the table out of reach of hardware and of lockless walkers. */
function* unlinkTable(task: Task, start: number, slot: number): Op<number> {
  const { machine, cpu, mm } = task;
  const pages = hugePages(machine);
  const guard = lockOf(machine, mm, slot, 1);
  yield* invalidateRangeStart(task, mm, start, start + pages, Notify.CLEAR);
  yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
  yield clearing(machine.objects.entry(slot));
  const table = tableAt(machine, slot, 1);
  clearTable(machine, mm, start, slot, 1);
  openPages(task, start, table);
  machine.ledger.openTable(machine.mmCpus[mm.id]!, mm.id, start, start + pages, table);
  yield* flushTlbMmRange(machine, cpu, mm.id, start, start + pages);
  yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
  yield* invalidateRangeEnd(task, mm, start, start + pages, Notify.CLEAR);
  if (machine.bugs.collapseWithoutSync !== true) yield* tlbRemoveTableSyncOne(machine, cpu);
  return table;
}

/** TLBs may hold what the entries of the table that was unlinked say. */
function openPages({ machine, mm }: Task, start: number, table: number): void {
  const first = table * machine.tableEntries;
  for (let index = 0; index < hugePages(machine); index++) {
    const slot = first + index;
    if (!isPresentAt(machine, slot)) continue;
    const frame = frameAt(machine, slot);
    if (frame === ZERO_FRAME) continue;
    const isWritable = isWritableAt(machine, slot);
    machine.ledger.openPage(machine.mmCpus[mm.id]!, mm.id, start + index, frame, isWritable);
  }
}

function* relinkTable(task: Task, start: number, slot: number, table: number): Op<void> {
  const { machine, cpu, mm } = task;
  const guard = lockOf(machine, mm, slot, 1);
  yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
  yield setting(machine.objects.entry(slot));
  setTable(machine, mm, start, slot, table, 1);
  yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
}

/**
 * Whether the pages of `table` are private, held by page tables only, and within the limits.
 *
 * @source hpage_collapse_scan_pmd(), __collapse_huge_page_isolate()
 */
export function* checkPages(
  { machine }: Pick<Task, 'machine'>,
  table: number,
  { maxNone, maxSwap, maxShared }: CollapseLimits,
): Op<Scan> {
  const first = table * machine.tableEntries;
  let [none, swapped, shared] = [0, 0, 0];
  for (let slot = first; slot < first + hugePages(machine); slot++) {
    if (isUntouchedAt(machine, slot)) {
      if (++none > maxNone) return Scan.EXCEED_NONE_PTE;
    } else if (isMappedAt(machine, slot)) {
      const head = headOf(machine, mappedFrameAt(machine, slot));
      yield reading(machine.objects.frame(head));
      const result = checkFolio(machine, slot, head, shared < maxShared);
      if (result !== Scan.SUCCEED) return result;
      if (isMaybeMappedShared(machine, head)) shared++;
    } else {
      const isSwap = softKindAt(machine, slot) === SoftKind.SWAP;
      return isSwap && ++swapped > maxSwap ? Scan.EXCEED_SWAP_PTE : Scan.FAIL;
    }
  }
  return Scan.SUCCEED;
}

/** Whether there are only zeroes. */
function isUntouchedAt(machine: Machine, slot: number): boolean {
  if (isNoneAt(machine, slot)) return true;
  return isMappedAt(machine, slot) && mappedFrameAt(machine, slot) === ZERO_FRAME;
}

/** Whether the folio is private, the process's own unless `mayBeShared`, and held by entries only. */
function checkFolio(machine: Machine, slot: number, head: number, mayBeShared: boolean): Scan {
  if ((mappedFlagsAt(machine, slot) & UFFD_WP) !== 0) return Scan.PTE_UFFD_WP;
  if (!isAnonymousFrame(machine, head)) return Scan.PAGE_ANON;
  if (!mayBeShared && isMaybeMappedShared(machine, head)) return Scan.EXCEED_SHARED_PTE;
  const isHeld = machine.frameReferences[head] !== privateMapcount(machine, head);
  return isHeld ? Scan.PAGE_COUNT : Scan.SUCCEED;
}

/** Copies and drops the small pages, keeps their table, and maps the folio at `head`. */
function* replacePages(
  task: Task,
  vma: Vma,
  start: number,
  slot: number,
  table: number,
  head: number,
): Op<void> {
  const { machine, cpu, mm } = task;
  for (let index = 0; index < hugePages(machine); index++) {
    yield* takePage(task, vma, table * machine.tableEntries + index, head + index);
  }
  mapNewAnonymous(machine, head, vma, start);
  machine.frameMapcount[head] = 0;
  const guard = lockOf(machine, mm, slot, 1);
  yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
  yield setting(machine.objects.entry(slot));
  deposit(machine, slot, table);
  const write = (vma.flags & VM.WRITE) === 0 ? 0 : W;
  setMapped(machine, slot, head, pageRights(vma) | ACCESSED | DIRTY | write, 1);
  yield* addHugeRmap(machine, mm, head, hugePages(machine));
  yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
}

/** Copies the page at `slot` to `frame` and drops it. */
function* takePage({ machine, cpu, mm }: Task, vma: Vma, slot: number, frame: number): Op<void> {
  if (isNoneAt(machine, slot)) return;
  const old = mappedFrameAt(machine, slot);
  yield clearing(machine.objects.entry(slot));
  clearEntry(machine, slot);
  if (old === ZERO_FRAME) return;
  if (machine.size.contents) {
    yield reading(machine.objects.frame(headOf(machine, old)));
    machine.frameData[frame] = machine.frameData[old]!;
  }
  yield* removeRmap(machine, mm, vma, old);
  yield* putFrame(machine, cpu, old);
}
