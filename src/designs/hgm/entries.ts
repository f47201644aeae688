/**
 * What other calls do with huge pages that are mapped in pieces: rights, places, copies, pins, mincore.
 * Each goes from piece to piece, and looks again at a place that is divided under it.
 *
 * @source HGM v2, mm/hugetlb.c hugetlb_change_protection(), move_hugetlb_page_tables(),
 *         copy_hugetlb_page_range(), hugetlb_follow_page_mask(); mm/mincore.c mincore_hugetlb()
 */
import { ACCESSED, DIRTY, W } from '../../arch/index.ts';
import { tryGrab } from '../../mm/gup/grab.ts';
import { Followed } from '../../mm/gup/rules.ts';
import { hstateOf, nextBlock } from '../../mm/hugetlb/hstate.ts';
import { hugePteFlags, setHugePte } from '../../mm/hugetlb/huge_pte.ts';
import { vmaLockRead, vmaUnlockRead } from '../../mm/hugetlb/vma_lock.ts';
import { checkTable, isPresentAt, isWritableAt } from '../../mm/table/pgtable.ts';
import type { Task } from '../../mm/task.ts';
import { pageRights } from '../../mm/vma/page_rights.ts';
import { pgoffAt, type Vma } from '../../mm/vma/vma.ts';
import { lock, Rank, unlock } from '../../mm/world/lock.ts';
import type { Op } from '../../mm/world/op.ts';
import { clearing, reading } from '../../mm/world/point.ts';
import { NONE } from '../../mm/world/world.ts';
import {
  firstOf,
  frameOf,
  Held,
  type HugetlbPte,
  heldAt,
  lockOfPiece,
  newHugetlbPte,
} from './hugetlb_pte.ts';
import type { HgmOptions } from './options.ts';
import { fullWalk } from './walk.ts';
import { walkLock, walkUnlock } from './walk_lock.ts';

/** Called under i_mmap_rwsem and the lock of the VMA, both for writing. The caller flushes. */
export function* protectPieces(task: Task, vma: Vma, start: number, end: number): Op<void> {
  const { machine, cpu, mm } = task;
  const at = newHugetlbPte();
  for (let page = start; page < end; ) {
    const isThere = yield* fullWalk(machine, mm, vma, page, at);
    if (!isThere) {
      page = nextBlock(machine, hstateOf(vma), page);
      continue;
    }
    const guard = lockOfPiece(machine, mm, at);
    yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
    yield reading(machine.objects.entry(at.slot));
    const held = checkTable(machine, at.slot) ? heldAt(machine, at) : Held.NONE;
    if (held === Held.LEAF) yield* protectPiece(task, vma, page, at);
    yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
    if (held !== Held.FINER) page = firstOf(at, page) + at.pages;
  }
}

function* protectPiece(task: Task, vma: Vma, page: number, at: HugetlbPte): Op<void> {
  const { machine, mm } = task;
  yield clearing(machine.objects.entry(at.slot));
  const old = hugePteFlags(machine, at.slot, at);
  const frame = frameOf(machine, at);
  const wasPresent = isPresentAt(machine, at.slot);
  setHugePte(machine, at.slot, at, frame, (old & (ACCESSED | DIRTY)) | pageRights(vma));
  if (!wasPresent) return;
  const first = firstOf(at, page);
  const cpus = machine.mmCpus[mm.id]!;
  machine.ledger.openFolio(cpus, mm.id, first, first + at.pages, frame, (old & W) !== 0);
}

/** Called under the mmap lock. @returns a frame, or one of `Followed` */
export function* followPiece(
  task: Task,
  vma: Vma,
  page: number,
  isWrite: boolean,
  isPin: boolean,
  options: HgmOptions,
): Op<number> {
  const { machine, cpu, mm } = task;
  const at = newHugetlbPte();
  yield* vmaLockRead(task, vma);
  yield* walkLock(task, vma, options);
  const isThere = yield* fullWalk(machine, mm, vma, page, at);
  let found: number = Followed.MISSING;
  if (isThere) {
    const guard = lockOfPiece(machine, mm, at);
    yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
    found = yield* grabPiece(task, page, at, isWrite, isPin);
    yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
  }
  yield* walkUnlock(task, vma, options);
  yield* vmaUnlockRead(task, vma);
  return found;
}

/** Called under the lock of the entry. Pages of a file need no unsharing. */
function* grabPiece(
  task: Task,
  page: number,
  at: HugetlbPte,
  isWrite: boolean,
  isPin: boolean,
): Op<number> {
  const { machine } = task;
  yield reading(machine.objects.entry(at.slot));
  const held = checkTable(machine, at.slot) ? heldAt(machine, at) : Held.NONE;
  const isTaken = held === Held.FINER && machine.bugs.followTakesTable === true;
  if (held !== Held.LEAF && !isTaken) return Followed.MISSING;
  const isWritable = isPresentAt(machine, at.slot) && isWritableAt(machine, at.slot);
  if (isWrite && !isWritable) return Followed.MISSING;
  const frame = frameOf(machine, at) + (page % at.pages);
  const isGrabbed = yield* tryGrab(task, frame, isPin);
  return isGrabbed ? frame : Followed.MISSING;
}

/** mincore(2). Called under the mmap lock. */
export function* lookAtPieces(
  task: Task,
  vma: Vma,
  start: number,
  end: number,
  resident: Uint8Array,
  options: HgmOptions,
): Op<void> {
  const { machine, mm } = task;
  const { inode } = vma.file!;
  const { pages } = hstateOf(vma);
  const at = newHugetlbPte();
  yield* vmaLockRead(task, vma);
  yield* walkLock(task, vma, options);
  for (let page = start; page < end; ) {
    const isWalked = yield* fullWalk(machine, mm, vma, page, at);
    if (!isWalked) at.pages = pages;
    const next = Math.min(end, firstOf(at, page) + at.pages);
    let isThere: boolean;
    if (isWalked) {
      yield reading(machine.objects.entry(at.slot));
      isThere = checkTable(machine, at.slot) && heldAt(machine, at) === Held.LEAF;
    } else {
      yield reading(machine.objects.pages(inode.id));
      const pgoff = pgoffAt(vma, page);
      isThere = inode.pages.get(pgoff - (pgoff % pages)) !== NONE;
    }
    resident.fill(isThere ? 1 : 0, page - start, next - start);
    page = next;
  }
  yield* walkUnlock(task, vma, options);
  yield* vmaUnlockRead(task, vma);
}
