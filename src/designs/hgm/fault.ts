/**
 * Faults where a huge page may be mapped in pieces.
 *
 * A fault fills the deepest place that there is, and never makes a finer one: all of a page of 1 GiB
 * that is not mapped at all, 2 MiB of one that has been mapped by such pieces, and 4 KiB below a piece
 * of 2 MiB of which a part is mapped.
 *
 * @source HGM v2, mm/hugetlb.c hugetlb_fault(), hugetlb_no_page()
 * @omits  userfaultfd-wp: writes to what is mapped in pieces are told to nobody
 */
import { ACCESSED, DIRTY } from '../../arch/index.ts';
import { Access, Fault } from '../../mm/fault/result.ts';
import { isBehindEnd } from '../../mm/hugetlb/fault.ts';
import type { GranularFault } from '../../mm/hugetlb/granular.ts';
import { hstateOf } from '../../mm/hugetlb/hstate.ts';
import { hugePteFlags, setHugePte } from '../../mm/hugetlb/huge_pte.ts';
import { leafFlags } from '../../mm/hugetlb/leaf_flags.ts';
import { arePoisoned, isPoisonedAt } from '../../mm/hugetlb/poison.ts';
import { type Ended, Told } from '../../mm/hugetlb/told.ts';
import { unlockFolio } from '../../mm/page/folio_lock.ts';
import { headOf, putFrame } from '../../mm/page/frame.ts';
import { checkTable } from '../../mm/table/pgtable.ts';
import { softValueAt } from '../../mm/table/soft_entry.ts';
import type { Task } from '../../mm/task.ts';
import { VM, type Vma } from '../../mm/vma/vma.ts';
import { lock, Rank, unlock } from '../../mm/world/lock.ts';
import type { Op } from '../../mm/world/op.ts';
import { reading, setting } from '../../mm/world/point.ts';
import { NONE } from '../../mm/world/world.ts';
import { EFAULT } from '../../uapi/errno.ts';
import {
  firstOf,
  frameOf,
  Held,
  type HugetlbPte,
  heldAt,
  isEmptyAt,
  lockOfPiece,
  newHugetlbPte,
} from './hugetlb_pte.ts';
import type { HgmOptions } from './options.ts';
import { findFolio, makeFolio, mapPiece, subpageAt } from './piece.ts';
import { fullWalk, fullWalkAlloc } from './walk.ts';
import { walkLock, walkUnlock } from './walk_lock.ts';

/** Nothing is mapped there. */
const EMPTY = -1;

/** Called under the fault mutex and the lock of the VMA, for reading. */
export function* faultPiece(task: Task, fault: GranularFault, options: HgmOptions): Op<Ended> {
  const { vma, page } = fault;
  const at = newHugetlbPte();
  yield* walkLock(task, vma, options);
  const found = yield* faultAt(task, fault, at);
  yield* walkUnlock(task, vma, options);
  if (found !== EMPTY) return found;
  const cached = yield* findFolio(task, vma, page);
  if (cached === EFAULT) return Fault.SIGBUS;
  if (cached !== NONE) return yield* faultCached(task, fault, at, cached, options);
  const isBehind = yield* isBehindEnd(task, fault);
  if (isBehind) return Fault.SIGBUS;
  if ((vma.flags & VM.UFFD_MISSING) !== 0) {
    const isStill = yield* isMissing(task, vma, page, options);
    return isStill ? Told.MISSING : Fault.DONE;
  }
  const made = yield* makeFolio(task, vma, page);
  return made === NONE ? Fault.SIGBUS : yield* mapFolio(task, fault, at, made, options);
}

/** The file has the page, `head`, locked, with a reference: userfaultfd may want to be told. */
function* faultCached(
  task: Task,
  fault: GranularFault,
  at: HugetlbPte,
  head: number,
  options: HgmOptions,
): Op<Ended> {
  const { machine, cpu } = task;
  const { vma, page } = fault;
  const isPoisoned = arePoisoned(machine, subpageAt(vma, head, firstOf(at, page)), at.pages);
  const isTold = !isPoisoned && (vma.flags & VM.UFFD_MINOR) !== 0;
  if (!isPoisoned && !isTold) return yield* mapFolio(task, fault, at, head, options);
  yield* unlockFolio(machine, cpu, head);
  yield* putFrame(machine, cpu, head);
  if (isPoisoned) return Fault.SIGBUS;
  const isStill = yield* isMissing(task, vma, page, options);
  return isStill ? Told.MINOR : Fault.DONE;
}

/** Whether nothing is mapped at `page`, still. Called under the lock of the VMA, for reading. */
export function* isMissing(task: Task, vma: Vma, page: number, options: HgmOptions): Op<boolean> {
  const { machine, mm } = task;
  const at = newHugetlbPte();
  yield* walkLock(task, vma, options);
  const isThere = yield* fullWalk(machine, mm, vma, page, at);
  let isEmpty = true;
  if (isThere) {
    yield reading(machine.objects.entry(at.slot));
    isEmpty = isEmptyAt(machine, at);
  }
  yield* walkUnlock(task, vma, options);
  return isEmpty;
}

/** Maps the folio, which is locked, with a reference that goes to the entry. */
function* mapFolio(
  task: Task,
  fault: GranularFault,
  at: HugetlbPte,
  head: number,
  options: HgmOptions,
): Op<Fault> {
  const { machine, cpu } = task;
  const { vma } = fault;
  yield* walkLock(task, vma, options);
  const isMapped = yield* fillPlace(task, fault, at, head, options);
  yield* walkUnlock(task, vma, options);
  yield* unlockFolio(machine, cpu, head);
  // Another CPU was faster, or has divided the place: the access is tried again.
  if (!isMapped) yield* putFrame(machine, cpu, head);
  return Fault.DONE;
}

/** @returns `EMPTY`, or how the fault ends */
function* faultAt(task: Task, fault: GranularFault, at: HugetlbPte): Op<Fault | typeof EMPTY> {
  const { machine, cpu, mm } = task;
  const { vma, page } = fault;
  const error = yield* fullWalkAlloc(task, mm, vma, page, 0, at, false);
  if (error < 0) return Fault.OOM;
  yield reading(machine.objects.entry(at.slot));
  if (!checkTable(machine, at.slot)) return Fault.RETRY;
  const held = heldAt(machine, at);
  if (held === Held.NONE || held === Held.MARKER) return EMPTY;
  if (held === Held.SOFT) {
    if (isPoisonedAt(machine, at.slot)) return Fault.SIGBUS;
    fault.movedFrom = headOf(machine, softValueAt(machine, at.slot));
    return Fault.RETRY;
  }
  // It was divided just now.
  if (held === Held.FINER) return Fault.DONE;
  const guard = lockOfPiece(machine, mm, at);
  yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
  yield setting(machine.objects.entry(at.slot));
  if (checkTable(machine, at.slot) && heldAt(machine, at) === Held.LEAF)
    noteAccess(task, fault, at);
  yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
  return Fault.DONE;
}

/** A shared page is written to where its VMA allows it, whatever the entry says. */
function noteAccess({ machine }: Task, { vma, access }: GranularFault, at: HugetlbPte): void {
  const isWrite = access === Access.WRITE;
  const flags = hugePteFlags(machine, at.slot, at);
  const added = isWrite ? leafFlags(vma, (vma.flags & VM.SHARED) !== 0) | DIRTY : 0;
  const noted = flags | ACCESSED | added;
  if (noted !== flags) setHugePte(machine, at.slot, at, frameOf(machine, at), noted);
}

/** Maps the folio where nothing is, still. @returns whether it has */
function* fillPlace(
  task: Task,
  { vma, page }: GranularFault,
  at: HugetlbPte,
  head: number,
  options: HgmOptions,
): Op<boolean> {
  const { machine, cpu, mm } = task;
  const error = yield* fullWalkAlloc(task, mm, vma, page, 0, at, false);
  if (error < 0) return false;
  const guard = lockOfPiece(machine, mm, at);
  yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
  yield reading(machine.objects.entry(at.slot));
  const isFree = isEmptyAt(machine, at);
  if (isFree) {
    const flags = leafFlags(vma, (vma.flags & VM.SHARED) !== 0);
    const isTop = at.pages === hstateOf(vma).pages;
    yield* mapPiece(task, mm, vma, page, at, head, flags, isTop, options);
  }
  yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
  return isFree;
}
