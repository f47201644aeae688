/**
 * Transparent huge pages: private memory mapped by entries of level 1.
 *
 * Each has a table deposited, which its split will need. So they cost as many tables as small pages.
 *
 * @source mm/huge_memory.c (Linux 6.18)
 * @omits  huge pages of level 2, large folios of other sizes, the shrinker of the huge zero page
 */
import { UFFD_WP } from '../../arch/index.ts';
import { UffdFeature } from '../../uapi/userfaultfd.ts';
import { prepareAnonymous, readOnlyFlags, writtenFlags, writtenTo } from '../fault/anonymous.ts';
import { Access, Fault, type FaultLock } from '../fault/result.ts';
import type { Machine } from '../machine.ts';
import { invalidateRangeEnd, invalidateRangeStart } from '../notifier/notifier.ts';
import { Notify } from '../notifier/subscription.ts';
import { allocFolio, putFrame } from '../page/frame.ts';
import { entireMapcount } from '../rmap/large_mapcount.ts';
import { mapNewAnonymous } from '../rmap/map_count.ts';
import { isMappedAt, mappedFlagsAt, mappedFrameAt, setMapped } from '../table/mapped_entry.ts';
import {
  clearEntry,
  isNoneAt,
  isPresentAt,
  isTableAt,
  isWritableAt,
  lockOf,
} from '../table/pgtable.ts';
import type { Task } from '../task.ts';
import { hasFeature } from '../userfaultfd/context.ts';
import { handleUserfault } from '../userfaultfd/handle.ts';
import { VM, type Vma } from '../vma/vma.ts';
import { lock, Rank, unlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { clearing, reading, setting, writing } from '../world/point.ts';
import { allocTable, freeTable } from '../world/table_page.ts';
import { flushTlbMmRange } from '../world/tlb.ts';
import { FrameFlag, NONE, type World } from '../world/world.ts';
import { deposit } from './deposit.ts';
import { addHugeRmap } from './huge_rmap.ts';
import { hugePages, hugeStart } from './huge_start.ts';
import { splitHugeEntry } from './split.ts';

/** The fault is to be served with small pages. */
export const FALLBACK = -1;

const hugeOrder = ({ format }: World): number => format.indexBits[0]!;

/** Whether private memory at `page` may be a huge page. @source thp_vma_allowable_order() */
export function mayBeHuge(machine: Machine, vma: Vma, page: number): boolean {
  const { thp } = machine.size;
  if (vma.file !== undefined || !machine.format.mayHoldLeaf(1)) return false;
  if ((vma.flags & VM.NOHUGEPAGE) !== 0 || thp === 'never') return false;
  if (thp === 'madvise' && (vma.flags & VM.HUGEPAGE) === 0) return false;
  const start = hugeStart(machine, page);
  return start >= vma.start && start + hugePages(machine) <= vma.end;
}

/** Whether the huge page from `head` on is the one that reads of untouched memory see. */
export function isHugeZero(world: World, head: number): boolean {
  return (world.frameFlags[head]! & FrameFlag.RESERVED) !== 0;
}

/**
 * A fault where the entry at `slot`, of level 1, refers to no table.
 *
 * @returns how it ends, or `FALLBACK`
 * @source  mm/memory.c __handle_mm_fault()
 */
export function* handleHugeFault(
  task: Task,
  vma: Vma,
  page: number,
  slot: number,
  access: Access,
  held: FaultLock,
): Op<Fault | typeof FALLBACK> {
  const { machine } = task;
  yield reading(machine.objects.entry(slot));
  if (isNoneAt(machine, slot)) {
    if (!mayBeHuge(machine, vma, page)) return FALLBACK;
    return yield* doHugeAnonymousPage(task, vma, page, slot, access, held);
  }
  if (isTableAt(machine, slot, 1)) return FALLBACK;
  const isWritable = isPresentAt(machine, slot) && isWritableAt(machine, slot);
  if (access !== Access.WRITE || isWritable) return Fault.DONE;
  const isWp = isMappedAt(machine, slot, 1) && (mappedFlagsAt(machine, slot) & UFFD_WP) !== 0;
  if (isWp && (vma.flags & VM.UFFD_WP) !== 0 && vma.file === undefined) {
    if (!hasFeature(vma.userfaultfd, UffdFeature.WP_ASYNC)) {
      return yield* handleUserfault(task, vma, page, access, VM.UFFD_WP, held);
    }
    yield* splitHugeEntry(task, task.mm, hugeStart(machine, page), slot);
    return FALLBACK;
  }
  return yield* doHugeWpPage(task, vma, page, slot, held);
}

/**
 * A fault where nothing is at `slot`, of level 1.
 *
 * @returns how it ends, or `FALLBACK`
 * @source  do_huge_pmd_anonymous_page()
 */
function* doHugeAnonymousPage(
  task: Task,
  vma: Vma,
  page: number,
  slot: number,
  access: Access,
  held: FaultLock,
): Op<Fault | typeof FALLBACK> {
  const { machine, cpu, mm } = task;
  const isPrepared = yield* prepareAnonymous(task, vma, held);
  if (!isPrepared) return Fault.RETRY;
  const isWrite = access === Access.WRITE;
  const head = isWrite
    ? yield* allocFolio(machine, cpu, hugeOrder(machine))
    : yield* hugeZero(machine, cpu);
  if (head === NONE) return FALLBACK;
  const table = yield* allocTable(machine, cpu);
  if (table === NONE) {
    if (isWrite) yield* putFrame(machine, cpu, head);
    return Fault.OOM;
  }
  const guard = lockOf(machine, mm, slot, 1);
  yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
  yield setting(machine.objects.entry(slot));
  const isFirst = isNoneAt(machine, slot);
  if (isFirst && (vma.flags & VM.UFFD_MISSING) !== 0) {
    yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
    yield* freeTable(machine, cpu, table);
    if (isWrite) yield* putFrame(machine, cpu, head);
    return yield* handleUserfault(task, vma, page, access, VM.UFFD_MISSING, held);
  }
  if (isFirst) {
    deposit(machine, slot, table);
    mm.tables++;
    const start = hugeStart(machine, page);
    if (isWrite) yield* mapNewHuge(task, vma, start, slot, head);
    else setMapped(machine, slot, head, readOnlyFlags(vma), 1);
  }
  yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
  if (isFirst) return Fault.DONE;
  yield* freeTable(machine, cpu, table);
  if (isWrite) yield* putFrame(machine, cpu, head);
  return Fault.DONE;
}

/** Maps a new folio for writing. Called under the lock of the entry's table, which is empty. */
function* mapNewHuge(task: Task, vma: Vma, start: number, slot: number, head: number): Op<void> {
  const { machine, mm } = task;
  const pages = hugePages(machine);
  mapNewAnonymous(machine, head, vma, start);
  machine.frameMapcount[head] = 0;
  setMapped(machine, slot, head, writtenFlags(vma), 1);
  yield* addHugeRmap(machine, mm, head, pages);
}

/** The huge page of zeroes, made when it is first wanted; `NONE` if memory is exhausted. */
function* hugeZero(machine: Machine, cpu: number): Op<number> {
  if (machine.hugeZero[0] !== NONE) return machine.hugeZero[0]!;
  const head = yield* allocFolio(machine, cpu, hugeOrder(machine));
  if (head === NONE) return NONE;
  yield writing(machine.objects.zoneLock);
  if (machine.hugeZero[0] === NONE) {
    machine.hugeZero[0] = head;
    machine.frameFlags[head]! |= FrameFlag.RESERVED;
    return head;
  }
  yield* putFrame(machine, cpu, head);
  return machine.hugeZero[0]!;
}

/**
 * A write to a huge page that is mapped read-only.
 *
 * @returns how it ends, or `FALLBACK`: it was split, or is to be served with small pages
 * @source  do_huge_pmd_wp_page(), do_huge_zero_wp_pmd()
 */
function* doHugeWpPage(
  task: Task,
  vma: Vma,
  page: number,
  slot: number,
  held: FaultLock,
): Op<Fault | typeof FALLBACK> {
  const { machine, cpu, mm } = task;
  // Small pages of a file are asked for one by one.
  if (vma.file !== undefined || !isMappedAt(machine, slot, 1)) {
    yield* splitHugeEntry(task, mm, hugeStart(machine, page), slot);
    return FALLBACK;
  }
  const isPrepared = yield* prepareAnonymous(task, vma, held);
  if (!isPrepared) return Fault.RETRY;
  const guard = lockOf(machine, mm, slot, 1);
  yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
  yield reading(machine.objects.entry(slot));
  const isMapped = isMappedAt(machine, slot, 1);
  const head = isMapped ? mappedFrameAt(machine, slot, 1) : NONE;
  const isZero = isMapped && isHugeZero(machine, head);
  const isReused = isMapped && !isZero && (yield* claimHuge(machine, head));
  if (isReused) {
    yield setting(machine.objects.entry(slot));
    setMapped(machine, slot, head, mappedFlagsAt(machine, slot) | writtenTo(vma), 1);
  }
  const isDone =
    isReused || !isMapped || (isPresentAt(machine, slot) && isWritableAt(machine, slot));
  yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
  if (isDone) return Fault.DONE;
  if (isZero) {
    const isReplaced = yield* replaceHugeZero(task, vma, page, slot);
    if (isReplaced) return Fault.DONE;
  }
  yield* splitHugeEntry(task, mm, hugeStart(machine, page), slot);
  return FALLBACK;
}

/**
 * Whether one process only has the huge page, and nobody else holds it; then it is marked so.
 *
 * @source wp_can_reuse_anon_folio()
 */
function* claimHuge(machine: Machine, head: number): Op<boolean> {
  if (machine.bugs.hugeReuseByMapcount === true) return yield* isMappedOnce(machine, head);
  yield writing(machine.objects.frame(head));
  const isExclusive = (machine.frameFlags[head]! & FrameFlag.EXCLUSIVE) !== 0;
  const isLast = entireMapcount(machine, head) === 1 && machine.frameReferences[head] === 1;
  if (isExclusive || isLast) machine.frameFlags[head]! |= FrameFlag.EXCLUSIVE;
  return isExclusive || isLast;
}

/** By its entries: the small ones are counted, then the huge ones; it may be split in between. */
function* isMappedOnce(machine: Machine, head: number): Op<boolean> {
  yield reading(machine.objects.frame(head));
  const small = Math.max(...machine.frameMapcount.subarray(head, head + hugePages(machine)));
  yield writing(machine.objects.frame(head));
  const isOnce = small + entireMapcount(machine, head) === 1;
  if (isOnce) machine.frameFlags[head]! |= FrameFlag.EXCLUSIVE;
  return isOnce;
}

/** Puts a new huge page in the place of that of zeroes; false if there is no memory for one. */
function* replaceHugeZero(task: Task, vma: Vma, page: number, slot: number): Op<boolean> {
  const { machine, cpu, mm } = task;
  const head = yield* allocFolio(machine, cpu, hugeOrder(machine));
  if (head === NONE) return false;
  const start = hugeStart(machine, page);
  const end = start + hugePages(machine);
  yield* invalidateRangeStart(task, mm, start, end, Notify.CLEAR);
  const guard = lockOf(machine, mm, slot, 1);
  yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
  yield clearing(machine.objects.entry(slot));
  const isThere =
    isMappedAt(machine, slot, 1) && isHugeZero(machine, mappedFrameAt(machine, slot, 1));
  if (isThere) {
    clearEntry(machine, slot);
    yield* flushTlbMmRange(machine, cpu, mm.id, start, end);
    yield setting(machine.objects.entry(slot));
    yield* mapNewHuge(task, vma, start, slot, head);
  }
  yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
  yield* invalidateRangeEnd(task, mm, start, end, Notify.CLEAR);
  if (!isThere) yield* putFrame(machine, cpu, head);
  return true;
}
