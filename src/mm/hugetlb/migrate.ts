/**
 * Moving a huge page of a file to another one while processes go on using it.
 *
 *    folio lock  <  i_mmap_rwsem (write, only tried)  <  lock of the VMA (write, only tried)
 *
 * One entry in a shared table stands for several processes, and counts as one mapping. So a process
 * that has others beside it in its table gives the table up, with all that it maps, and the entry stays
 * for the others; the last one finds the table its own, and the entry becomes a migration entry.
 *
 * @source mm/migrate.c unmap_and_move_huge_page(), hugetlbfs_migrate_folio(); mm/rmap.c
 *         try_to_migrate_one() (Linux 6.18)
 * @omits  private pages: they are refused (EBUSY); pages from outside of the pool
 */
import { DIRTY, type LeafFlags, UFFD_WP, W } from '../../arch/index.ts';
import { EAGAIN, EBUSY, ENOMEM } from '../../uapi/errno.ts';
import { findGetFrame } from '../file/filemap.ts';
import type { Inode } from '../file/inode.ts';
import { lockFolio, lockFolioNested, unlockFolio, unlockFolioNested } from '../page/folio_lock.ts';
import { getFrame, putFrame } from '../page/frame.ts';
import { isMappedAt, mappedFlagsAt, mappedFrameAt, setMapped } from '../table/mapped_entry.ts';
import { clearEntry, isPresentAt, walk } from '../table/pgtable.ts';
import {
  SoftFlag,
  SoftKind,
  setSoftEntry,
  softFlagsAt,
  softKindAt,
  softValueAt,
} from '../table/soft_entry.ts';
import type { Task } from '../task.ts';
import { flagsOfWp, WpChange } from '../userfaultfd/wp_change.ts';
import type { Mm } from '../vma/mm.ts';
import type { Vma } from '../vma/vma.ts';
import { lock, lockShared, Rank, tryLock, unlock, unlockShared } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { clearing, reading, readingContent, setting, writing } from '../world/point.ts';
import { flushTlbMmRange } from '../world/tlb.ts';
import { FrameFlag, NONE } from '../world/world.ts';
import { HugetlbFlag, setHugetlbFlags } from './folio.ts';
import { hstateOf, hugetlbOf } from './hstate.ts';
import { hugePteLock } from './huge_pte.ts';
import { mappingsInOrder } from './i_mmap.ts';
import { leafFlags } from './leaf_flags.ts';
import { dequeue, hugetlbLock, hugetlbUnlock, isAvailable } from './pool.ts';
import { countMap, hugetlbMapcount } from './rmap.ts';
import { flushUnshared, hugePmdUnshare, nothingUnshared } from './unshare.ts';
import { vmaTryLockWrite, vmaUnlockWrite } from './vma_lock.ts';

/** Where work is done: on behalf of any address space. */
type Place = Pick<Task, 'machine' | 'cpu'>;

/**
 * Moves the huge page `index` of a file, whoever maps it.
 *
 * @returns 0; EAGAIN if somebody holds it, or a lock is busy; ENOMEM; EBUSY if it is not there
 * @locks   the folio lock, that of the new folio, then i_mmap_rwsem and locks of VMAs (write), only
 *          tried; locks of tables; the i_pages lock
 */
export function* migrateHugetlbPage(place: Place, inode: Inode, index: number): Op<number> {
  const { machine, cpu } = place;
  const { hstate } = hugetlbOf(inode);
  const from = yield* findGetFrame(place, inode, index * hstate.pages);
  if (from === NONE) return EBUSY;
  yield* hugetlbLock(place);
  const to = isAvailable(hstate) ? yield* dequeue(place, hstate) : NONE;
  yield* hugetlbUnlock(place);
  let result: number = ENOMEM;
  if (to !== NONE) {
    yield* lockFolio(machine, cpu, from);
    yield* lockFolioNested(machine, cpu, to);
    result = yield* unmapAndMove(place, inode, from, to);
    yield* unlockFolioNested(machine, to);
    yield* unlockFolio(machine, cpu, from);
    yield* putFrame(machine, cpu, to);
  }
  yield* putFrame(machine, cpu, from);
  return result;
}

/** Called under both folio locks. @returns 0 or a negative errno */
function* unmapAndMove(place: Place, inode: Inode, from: number, to: number): Op<number> {
  const { machine, cpu } = place;
  if (machine.frameMapping[from] !== 1 + inode.id) return EBUSY;
  const guard = machine.objects.iMmapLock(inode.id);
  yield reading(machine.objects.frame(from));
  const wasMapped = hugetlbMapcount(machine, from) > 0;
  if (wasMapped) {
    const isLocked = yield* tryLock(machine, cpu, guard, Rank.I_MMAP);
    if (!isLocked) return EAGAIN;
    yield* unmapFromAll(place, inode, from);
    yield* unlock(machine, cpu, guard, Rank.I_MMAP);
  }
  yield reading(machine.objects.frame(from));
  const isUnmapped = hugetlbMapcount(machine, from) === 0;
  const isMoved = isUnmapped && (yield* moveFolio(place, inode, from, to));
  if (wasMapped) yield* restoreAll(place, inode, from, isMoved ? to : from);
  return isMoved ? 0 : EAGAIN;
}

/** Until nobody maps it, or a VMA is busy. Called under i_mmap_rwsem (write). */
function* unmapFromAll(place: Place, inode: Inode, head: number): Op<void> {
  const { machine } = place;
  for (const [vma, mm] of mappingsInOrder(inode)) {
    const slot = yield* findSlot(place, vma, mm, head);
    if (slot === NONE) continue;
    const isDone = yield* unmapOne({ ...place, mm }, vma, slot, head);
    yield reading(machine.objects.frame(head));
    if (!isDone || hugetlbMapcount(machine, head) === 0) return;
  }
}

/** The slot of the entry for the folio in `vma`, or `NONE`. */
function* findSlot({ machine }: Place, vma: Vma, mm: Mm, head: number): Op<number> {
  const pgoff = machine.frameIndex[head]!;
  if (pgoff < vma.pgoff || pgoff >= vma.pgoff + vma.end - vma.start) return NONE;
  return yield* walk(machine, mm, pageIn(vma, pgoff), hstateOf(vma).level);
}

const pageIn = (vma: Vma, pgoff: number): number => vma.start + pgoff - vma.pgoff;

/** @returns false if the lock of the VMA is busy */
function* unmapOne(task: Task, vma: Vma, slot: number, head: number): Op<boolean> {
  const { machine, cpu, mm } = task;
  const hstate = hstateOf(vma);
  const { level } = hstate;
  const guard = hugePteLock(machine, mm, slot, hstate);
  yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
  yield reading(machine.objects.entry(slot));
  let isLocked = true;
  if (isMappedAt(machine, slot, level) && mappedFrameAt(machine, slot, level) === head) {
    isLocked = yield* vmaTryLockWrite(task, vma);
    if (isLocked) {
      const isGone = yield* giveUp(task, vma, slot, head);
      yield* vmaUnlockWrite(task, vma);
      if (!isGone) yield* replaceEntry(task, vma, slot, head);
    }
  }
  yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
  return isLocked;
}

/** Whether the table was a shared one: then this process has lost all that it maps. */
function* giveUp(task: Task, vma: Vma, slot: number, head: number): Op<boolean> {
  if (task.machine.bugs.migrateWithoutUnshare === true) return false;
  const page = pageIn(vma, task.machine.frameIndex[head]!);
  const unshared = nothingUnshared();
  const isGone = yield* hugePmdUnshare(task, vma, page, slot, unshared);
  yield* flushUnshared(task, unshared);
  return isGone;
}

/** Called under the lock of the table. */
function* replaceEntry(task: Task, vma: Vma, slot: number, head: number): Op<void> {
  const { machine, cpu, mm } = task;
  const { pages } = hstateOf(vma);
  const page = pageIn(vma, machine.frameIndex[head]!);
  yield clearing(machine.objects.entry(slot));
  const flags = mappedFlagsAt(machine, slot);
  const isWritable = (flags & W) !== 0;
  const wasPresent = isPresentAt(machine, slot);
  clearEntry(machine, slot);
  if (wasPresent) {
    const cpus = machine.mmCpus[mm.id]!;
    machine.ledger.openFolio(cpus, mm.id, page, page + pages, head, isWritable);
    yield* flushTlbMmRange(machine, cpu, mm.id, page, page + pages, false);
  }
  yield writing(machine.objects.frame(head));
  if ((flags & DIRTY) !== 0) machine.frameFlags[head]! |= FrameFlag.DIRTY;
  countMap(machine, head, -1);
  yield setting(machine.objects.entry(slot));
  const noted = (flags & UFFD_WP) === 0 ? 0 : SoftFlag.UFFD_WP;
  const soft = noted | (isWritable ? SoftFlag.WRITABLE : 0);
  setSoftEntry(machine, slot, SoftKind.MIGRATION, head, soft);
  yield* putFrame(machine, cpu, head);
}

/** Copies and replaces a folio that no entry maps; false if others have references to it. */
function* moveFolio(place: Place, inode: Inode, from: number, to: number): Op<boolean> {
  const { machine, cpu } = place;
  const guard = machine.objects.pagesLock(inode.id);
  yield* lock(machine, cpu, guard, Rank.PAGES);
  yield writing(machine.objects.frame(from));
  const isFrozen = machine.frameReferences[from] === 2;
  if (isFrozen) {
    machine.frameReferences[from] = 0;
    yield writing(machine.objects.frame(to));
    machine.frameMapping[to] = 1 + inode.id;
    machine.frameIndex[to] = machine.frameIndex[from]!;
    machine.frameFlags[to]! |= machine.frameFlags[from]! & (FrameFlag.UPTODATE | FrameFlag.DIRTY);
    machine.frameReferences[to]!++;
    setHugetlbFlags(machine, to, HugetlbFlag.HUGETLB);
    yield writing(machine.objects.pages(inode.id));
    inode.pages.set(machine.frameIndex[to]!, to);
    moveSubpool(place, from, to);
    yield writing(machine.objects.frame(from));
    machine.frameMapping[from] = 0;
    machine.frameReferences[from] = 1;
  }
  yield* unlock(machine, cpu, guard, Rank.PAGES);
  if (isFrozen) yield* copyContents(place, inode, from, to);
  return isFrozen;
}

/** @source mm/hugetlb.c move_hugetlb_state() */
function moveSubpool({ machine }: Place, from: number, to: number): void {
  const { subpools } = machine.hugetlb;
  const subpool = subpools.get(from);
  if (subpool === undefined) return;
  subpools.delete(from);
  subpools.set(to, subpool);
}

/** Nobody can get at either of them: the new one is locked, and no entry maps it yet. */
function* copyContents({ machine }: Place, inode: Inode, from: number, to: number): Op<void> {
  if (!machine.size.contents) return;
  for (let page = 0; page < hugetlbOf(inode).hstate.pages; page++) {
    yield readingContent(machine.objects.frame(from + page));
    machine.frameData[to + page] = machine.frameData[from + page]!;
  }
}

/** Lets the entries for `from` map `to`. @locks i_mmap_rwsem (read), then locks of tables */
function* restoreAll(place: Place, inode: Inode, from: number, to: number): Op<void> {
  const { machine, cpu } = place;
  const guard = machine.objects.iMmapLock(inode.id);
  yield* lockShared(machine, cpu, guard, Rank.I_MMAP);
  for (const [vma, mm] of mappingsInOrder(inode)) {
    const slot = yield* findSlot(place, vma, mm, to);
    if (slot !== NONE) yield* restoreOne({ ...place, mm }, vma, slot, from, to);
  }
  yield* unlockShared(machine, cpu, guard, Rank.I_MMAP);
}

function* restoreOne(task: Task, vma: Vma, slot: number, from: number, to: number): Op<void> {
  const { machine, cpu, mm } = task;
  const hstate = hstateOf(vma);
  const { level } = hstate;
  const guard = hugePteLock(machine, mm, slot, hstate);
  yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
  yield reading(machine.objects.entry(slot));
  const isMigration = softKindAt(machine, slot) === SoftKind.MIGRATION;
  if (isMigration && softValueAt(machine, slot) === from) {
    const soft = softFlagsAt(machine, slot);
    yield* getFrame(machine, to);
    yield writing(machine.objects.frame(to));
    countMap(machine, to, 1);
    yield setting(machine.objects.entry(slot));
    setMapped(machine, slot, to, movedFlags(vma, soft), level);
  }
  yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
}

/** The flags of an entry that comes back to what `vma` allows by now. @source remove_migration_pte() */
function movedFlags(vma: Vma, soft: number): LeafFlags {
  const isWp = (soft & SoftFlag.UFFD_WP) !== 0;
  const flags = leafFlags(vma, (soft & SoftFlag.WRITABLE) !== 0);
  return flagsOfWp(flags, isWp ? WpChange.PROTECT : WpChange.NONE);
}
