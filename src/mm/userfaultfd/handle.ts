/**
 * Faults that userfaultfd is told of.
 *
 * @source fs/userfaultfd.c handle_userfault(), userfaultfd_must_wait(),
 *         userfaultfd_huge_must_wait() (Linux 6.18)
 * @omits  UFFD_USER_MODE_ONLY: faults of the kernel are told like those of the program
 */
import { UffdFeature, UffdFlag } from '../../uapi/userfaultfd.ts';
import { Access, Fault, FaultLock } from '../fault/result.ts';
import { granularOf } from '../hugetlb/granular.ts';
import { hstateOf, isHugetlb } from '../hugetlb/hstate.ts';
import { vmaLockRead, vmaUnlockRead } from '../hugetlb/vma_lock.ts';
import {
  isPresentAt,
  isTableAt,
  isWritableAt,
  lockOf,
  slotIn,
  tableAt,
  walk,
} from '../table/pgtable.ts';
import { lockBelow, unlockPte } from '../table/pte_table.ts';
import { isNoneMostlyAt } from '../table/soft_entry.ts';
import type { Task } from '../task.ts';
import { VM, type Vma } from '../vma/vma.ts';
import { lock, Rank, unlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { reading } from '../world/point.ts';
import { NONE } from '../world/world.ts';
import { hasFeature, type Reason } from './context.ts';
import { joinQueue, leaveQueue } from './queue.ts';

/**
 * Lets a fault wait for who reads the userfaultfd of `vma`. Called under the VMA lock or the mmap
 * lock, which the caller drops before it waits.
 *
 * @returns WAIT; RETRY if the page has come meanwhile; SIGBUS if the program wants to be told so, or the
 *          lock is kept
 */
export function* handleUserfault(
  task: Task,
  vma: Vma,
  page: number,
  access: Access,
  reason: Reason,
  held: FaultLock,
): Op<Fault> {
  if (held === FaultLock.MMAP_KEPT) return Fault.SIGBUS;
  const uffd = vma.userfaultfd;
  if (uffd === undefined || hasFeature(uffd, UffdFeature.SIGBUS)) return Fault.SIGBUS;
  const isExact = hasFeature(uffd, UffdFeature.EXACT_ADDRESS);
  const flags =
    (access === Access.WRITE ? UffdFlag.WRITE : 0) |
    (reason === VM.UFFD_WP ? UffdFlag.WP : 0) |
    (reason === VM.UFFD_MINOR ? UffdFlag.MINOR : 0);
  const isHuge = isHugetlb(vma);
  // Before it is seen to wait: the tables that are looked at again stay.
  if (isHuge) yield* vmaLockRead(task, vma);
  yield* joinQueue(task, uffd, isExact ? page : toldAddress(task, vma, page, reason), flags);
  const mustWait = isHuge
    ? yield* mustWaitHuge(task, vma, page, reason)
    : yield* mustWaitSmall(task, page, reason);
  if (isHuge) yield* vmaUnlockRead(task, vma);
  if (mustWait) return Fault.WAIT;
  yield* leaveQueue(task, uffd);
  return Fault.RETRY;
}

/** The page that is to be filled: of pages in pieces, the small one that the file has already. */
function toldAddress({ machine }: Task, vma: Vma, page: number, reason: Reason): number {
  if (!isHugetlb(vma)) return page;
  const isPiece = reason === VM.UFFD_MINOR && granularOf(machine, vma) !== undefined;
  return isPiece ? page : page - (page % hstateOf(vma).pages);
}

/**
 * Whether the entry is still what the fault is about. Who changes an entry may clear it for a moment, under
 * the lock of its table. (Linux 6.18 looks without: D15.)
 */
function* mustWaitSmall(task: Task, page: number, reason: Reason): Op<boolean> {
  const { machine, mm } = task;
  const above = yield* walk(machine, mm, page, 1);
  if (above === NONE) return true;
  yield reading(machine.objects.entry(above));
  if (!isTableAt(machine, above, 1)) return yield* mustWaitAt(task, above, 1, reason);
  const slot = slotIn(machine, tableAt(machine, above, 1), page, 0);
  const isLocked = machine.bugs.mustWaitWithoutLock !== true;
  const isLinked = !isLocked || (yield* lockBelow(task, mm, above, slot));
  // It was freed, with what it mapped: the fault looks anew.
  if (!isLinked) return false;
  yield reading(machine.objects.entry(slot));
  const mustWait = mustWaitFor(task, slot, reason);
  if (isLocked) yield* unlockPte(task, mm, slot);
  return mustWait;
}

function* mustWaitHuge(task: Task, vma: Vma, page: number, reason: Reason): Op<boolean> {
  const { machine, mm } = task;
  const granular = granularOf(machine, vma);
  if (granular !== undefined) return yield* granular.isMissing(task, vma, page);
  const { level } = hstateOf(vma);
  const slot = yield* walk(machine, mm, page, level);
  return slot === NONE || (yield* mustWaitAt(task, slot, level, reason));
}

/** Of an entry of a table that stays. @locks the lock of the table */
function* mustWaitAt(task: Task, slot: number, level: number, reason: Reason): Op<boolean> {
  const { machine, cpu, mm } = task;
  const guard = lockOf(machine, mm, slot, level);
  yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
  yield reading(machine.objects.entry(slot));
  // If a table has come in its place, the fault looks anew.
  const isTable = level > 0 && isTableAt(machine, slot, level);
  const mustWait = !isTable && mustWaitFor(task, slot, reason);
  yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
  return mustWait;
}

/** Called when the entry was announced. */
function mustWaitFor({ machine }: Task, slot: number, reason: Reason): boolean {
  if (isNoneMostlyAt(machine, slot)) return true;
  // Of what is not present, the bit for writing means something else (CVE-2026-64514).
  const isAsked = machine.bugs.mustWaitAsksAbsentEntry === true || isPresentAt(machine, slot);
  return reason === VM.UFFD_WP && isAsked && !isWritableAt(machine, slot);
}
