/**
 * The page cache of files of hugetlbfs: a folio is kept where its first small page is.
 *
 * @source mm/hugetlb.c hugetlb_add_to_page_cache(); fs/hugetlbfs/inode.c
 *         hugetlb_delete_from_page_cache() (Linux 6.18)
 */
import { findGetFrame, findLockFrame } from '../file/filemap.ts';
import type { Inode } from '../file/inode.ts';
import { lockFolio, unlockFolio } from '../page/folio_lock.ts';
import { putFrame } from '../page/frame.ts';
import type { Task } from '../task.ts';
import { lock, Rank, unlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { writing } from '../world/point.ts';
import { FrameFlag, NONE } from '../world/world.ts';
import { HugetlbFlag, hugetlbFlags, setHugetlbFlags } from './folio.ts';
import { hugetlbOf } from './hstate.ts';

/** Where work is done: on behalf of any address space. */
type Place = Pick<Task, 'machine' | 'cpu'>;

/** The folio of the huge page `index`, locked, with a reference, or `NONE`. */
export function* findLockHugetlb(place: Place, inode: Inode, index: number): Op<number> {
  return yield* findLockFrame(place, inode, index * hugetlbOf(inode).hstate.pages);
}

/** As `findLockHugetlb()`, without the lock. */
export function* findGetHugetlb(place: Place, inode: Inode, index: number): Op<number> {
  return yield* findGetFrame(place, inode, index * hugetlbOf(inode).hstate.pages);
}

/**
 * Puts a new folio into the page cache, which gets a reference, and locks it. Called under the fault
 * mutex of the page: then there is none yet.
 *
 * @returns false if there is one: then the folio is as it was before
 */
export function* addHugetlb(place: Place, inode: Inode, index: number, head: number): Op<boolean> {
  const { machine, cpu } = place;
  const pgoff = index * hugetlbOf(inode).hstate.pages;
  yield writing(machine.objects.frame(head));
  const before = hugetlbFlags(machine, head);
  machine.frameMapping[head] = 1 + inode.id;
  machine.frameIndex[head] = pgoff;
  machine.frameFlags[head]! |= FrameFlag.UPTODATE | FrameFlag.DIRTY;
  machine.frameReferences[head]!++;
  setHugetlbFlags(machine, head, HugetlbFlag.HUGETLB);
  yield* lockFolio(machine, cpu, head);
  yield* lock(machine, cpu, machine.objects.pagesLock(inode.id), Rank.PAGES);
  yield writing(machine.objects.pages(inode.id));
  const isFirst = inode.pages.get(pgoff) === NONE;
  if (isFirst) inode.pages.set(pgoff, head);
  yield* unlock(machine, cpu, machine.objects.pagesLock(inode.id), Rank.PAGES);
  if (isFirst) return true;
  yield* unlockFolio(machine, cpu, head);
  yield writing(machine.objects.frame(head));
  machine.frameMapping[head] = 0;
  machine.frameFlags[head]! &= ~(FrameFlag.DIRTY | FrameFlag.UPTODATE);
  machine.frameReferences[head]!--;
  setHugetlbFlags(machine, head, before);
  return false;
}

/** Takes a folio out of the page cache. Called under its lock, with a reference. */
export function* deleteHugetlb(place: Place, inode: Inode, head: number): Op<void> {
  const { machine, cpu } = place;
  const pgoff = machine.frameIndex[head]!;
  yield* lock(machine, cpu, machine.objects.pagesLock(inode.id), Rank.PAGES);
  yield writing(machine.objects.pages(inode.id));
  inode.pages.delete(pgoff);
  yield* unlock(machine, cpu, machine.objects.pagesLock(inode.id), Rank.PAGES);
  yield writing(machine.objects.frame(head));
  machine.frameMapping[head] = 0;
  machine.frameFlags[head]! &= ~(FrameFlag.DIRTY | FrameFlag.UPTODATE);
  yield* putFrame(machine, cpu, head);
}
