/**
 * What khugepaged does, for one place at a time: it collapses private pages that programs have touched
 * lately, where the settings and the limits let it.
 *
 * @source mm/khugepaged.c khugepaged_scan_mm_slot(), hpage_collapse_scan_pmd() (Linux 6.18)
 * @omits  the thread and its pace; memory that is a file: as with shmem_enabled=never
 */
import { ACCESSED } from '../../arch/index.ts';
import { testYoung } from '../notifier/notifier.ts';
import { isMappedAt, mappedFlagsAt } from '../table/mapped_entry.ts';
import { isNoneAt, isTableAt, tableAt, walk } from '../table/pgtable.ts';
import { lockPte, unlockPte } from '../table/pte_table.ts';
import type { Task } from '../task.ts';
import { mmapReadLock, mmapReadUnlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { reading } from '../world/point.ts';
import { NONE } from '../world/world.ts';
import { checkPages, collapseHugePage } from './collapse.ts';
import { mayBeHuge } from './huge_memory.ts';
import { hugePages } from './huge_start.ts';
import { type CollapseLimits, KHUGEPAGED_LIMITS, Scan } from './scan.ts';

/**
 * Looks at the small pages from `start` on, a multiple of what a huge page has, and collapses them if
 * that is worth it.
 *
 * @locks mmap (read) and the lock of the table; then what `collapseHugePage()` takes
 */
export function* khugepagedScan(
  task: Task,
  start: number,
  limits: CollapseLimits = KHUGEPAGED_LIMITS,
): Op<Scan> {
  const { machine, cpu, mm } = task;
  yield* mmapReadLock(machine, cpu, mm.id);
  yield reading(machine.objects.tree(mm.id));
  const vma = mm.vmas.at(start);
  const isAllowed = vma !== undefined && mayBeHuge(machine, vma, start);
  const result = isAllowed ? yield* scanTable(task, start, limits) : Scan.VMA_CHECK;
  yield* mmapReadUnlock(machine, cpu, mm.id);
  return result === Scan.SUCCEED ? yield* collapseHugePage(task, start, limits) : result;
}

/** Called under the mmap lock. */
function* scanTable(task: Task, start: number, limits: CollapseLimits): Op<Scan> {
  const { machine, mm } = task;
  const upper = yield* walk(machine, mm, start, 1);
  if (upper === NONE) return Scan.PMD_NULL;
  yield reading(machine.objects.entry(upper));
  if (isNoneAt(machine, upper)) return Scan.PMD_NONE;
  if (isMappedAt(machine, upper, 1)) return Scan.PMD_MAPPED;
  const slot = yield* lockPte(task, mm, start);
  if (slot === NONE || !isTableAt(machine, upper, 1)) return Scan.PMD_NULL;
  let result = yield* checkPages(task, tableAt(machine, upper, 1), limits);
  if (result === Scan.SUCCEED && !(yield* isReferenced(task, slot, start))) {
    result = Scan.LACK_REFERENCED_PAGE;
  }
  yield* unlockPte(task, mm, slot);
  return result;
}

/** Whether any page was touched lately, by anybody. Called under the lock of the table. */
function* isReferenced(task: Task, first: number, start: number): Op<boolean> {
  const { machine, mm } = task;
  for (let slot = first; slot < first + hugePages(machine); slot++) {
    if (!isMappedAt(machine, slot)) continue;
    if ((mappedFlagsAt(machine, slot) & ACCESSED) !== 0) return true;
    const isYoung = yield* testYoung(task, mm, start + slot - first);
    if (isYoung) return true;
  }
  return false;
}
