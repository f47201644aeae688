/**
 * Filling one small page, of private memory or of shmem.
 *
 * @source mm/userfaultfd.c mfill_atomic_pte_copy(), mfill_atomic_pte_zeropage(),
 *         mfill_atomic_pte_continue(), mfill_atomic_pte_poison(), mfill_atomic_install_pte();
 *         mm/shmem.c shmem_mfill_atomic_pte() (Linux 6.18)
 */
import { ACCESSED, DIRTY, W } from '../../arch/index.ts';
import { EAGAIN, EEXIST, EFAULT, EINVAL, ENOMEM } from '../../uapi/errno.ts';
import { findLockFrame, isBehindEnd, removeFrame } from '../file/filemap.ts';
import { pagesOfInode } from '../file/inode.ts';
import { lockFolio, unlockFolio } from '../page/folio_lock.ts';
import { allocFrame, headOf, putFrame, ZERO_FRAME } from '../page/frame.ts';
import { addRmap, mapNewAnonymous } from '../rmap/map_count.ts';
import { mlockMapped } from '../rmap/mlock.ts';
import { setMapped } from '../table/mapped_entry.ts';
import { isNoneAt } from '../table/pgtable.ts';
import { lockPte, unlockPte } from '../table/pte_table.ts';
import { isNoneMostlyAt, Marker, SoftKind, setSoftEntry } from '../table/soft_entry.ts';
import type { Task } from '../task.ts';
import { Rss } from '../vma/mm.ts';
import { pageRights } from '../vma/page_rights.ts';
import { pgoffAt, VM, type Vma } from '../vma/vma.ts';
import { lock, Rank, unlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { reading, setting, writing } from '../world/point.ts';
import { FrameFlag, NONE } from '../world/world.ts';
import type { Fill } from './filling.ts';
import { flagsOfWp, WpChange } from './wp_change.ts';

/**
 * Called under the lock of the VMA, with the tables there.
 *
 * @param  content the word that a copy has
 * @returns 0 or a negative errno
 * @locks  the folio lock and the i_pages lock of a page of a file, then the lock of the table
 */
export function* fillPage(
  task: Task,
  vma: Vma,
  page: number,
  fill: Fill,
  content: number,
): Op<number> {
  if (fill.kind === 'continue') return yield* mapFromFile(task, vma, page, fill.isWp);
  if (fill.kind === 'poison') return yield* setIfNone(task, vma, page, true);
  if ((vma.flags & VM.SHARED) !== 0) return yield* addToFile(task, vma, page, fill, content);
  if (fill.kind === 'zeropage') return yield* setIfNone(task, vma, page, false);
  return yield* copyPrivate(task, vma, page, fill, content);
}

function* copyPrivate(
  task: Task,
  vma: Vma,
  page: number,
  { isWp }: Fill,
  content: number,
): Op<number> {
  const { machine, cpu } = task;
  const frame = yield* allocFrame(machine, cpu);
  if (frame === NONE) return ENOMEM;
  if (machine.size.contents) machine.frameData[frame] = content;
  const result = yield* install(task, vma, page, frame, isWp, false);
  if (result < 0) yield* putFrame(machine, cpu, frame);
  return result;
}

/** A new page of the file, mapped at once: if it cannot be mapped, the file does not keep it. */
function* addToFile(
  task: Task,
  vma: Vma,
  page: number,
  { isWp }: Fill,
  content: number,
): Op<number> {
  const { machine, cpu } = task;
  const { inode } = vma.file!;
  const index = pgoffAt(vma, page);
  const isBehind = yield* isBehindEnd(task, inode, index);
  if (isBehind && machine.bugs.fillWithoutSizeCheck !== true) return EFAULT;
  const frame = yield* allocFrame(machine, cpu);
  if (frame === NONE) return ENOMEM;
  yield writing(machine.objects.frame(frame));
  machine.frameFlags[frame]! |= FrameFlag.UPTODATE | FrameFlag.SWAPBACKED | FrameFlag.DIRTY;
  machine.frameMapping[frame] = 1 + inode.id;
  machine.frameIndex[frame] = index;
  if (machine.size.contents) machine.frameData[frame] = content;
  yield* lockFolio(machine, cpu, frame);
  const guard = machine.objects.pagesLock(inode.id);
  yield* lock(machine, cpu, guard, Rank.PAGES);
  yield writing(machine.objects.pages(inode.id));
  const isFirst = inode.pages.get(index) === NONE;
  if (isFirst) inode.pages.set(index, frame);
  yield* unlock(machine, cpu, guard, Rank.PAGES);
  let result: number = EEXIST;
  yield writing(machine.objects.frame(frame));
  if (isFirst) {
    machine.frameReferences[frame]!++;
    result = yield* install(task, vma, page, frame, isWp, true);
    if (result < 0) yield* removeFrame(task, inode, frame);
  } else machine.frameMapping[frame] = 0;
  yield* unlockFolio(machine, cpu, frame);
  if (result < 0) yield* putFrame(machine, cpu, frame);
  return result;
}

/** Maps what the file has. A page that was only allocated is zeroes from now on. */
function* mapFromFile(task: Task, vma: Vma, page: number, isWp: boolean): Op<number> {
  const { machine, cpu } = task;
  const { inode } = vma.file!;
  const index = pgoffAt(vma, page);
  const isBehind = yield* isBehindEnd(task, inode, index);
  if (isBehind) return EINVAL;
  const frame = yield* findLockFrame(task, inode, index);
  if (frame === NONE) return EFAULT;
  const head = headOf(machine, frame);
  yield writing(machine.objects.frame(head));
  machine.frameFlags[head]! |= FrameFlag.UPTODATE;
  const result = yield* install(task, vma, page, frame, isWp, true);
  yield* unlockFolio(machine, cpu, frame);
  if (result < 0) yield* putFrame(machine, cpu, frame);
  return result;
}

/**
 * Maps `frame`, whose reference the entry takes over, where nothing is, or a marker. What a private
 * mapping has of the file is not written to in place.
 */
function* install(
  task: Task,
  vma: Vma,
  page: number,
  frame: number,
  isWp: boolean,
  isCached: boolean,
): Op<number> {
  const { machine, mm } = task;
  const slot = yield* lockPte(task, mm, page);
  if (slot === NONE) return EAGAIN;
  const isBehind = yield* isOverSize(task, vma, page);
  yield setting(machine.objects.entry(slot));
  let result: number = isNoneMostlyAt(machine, slot) ? 0 : EEXIST;
  if (isBehind && machine.bugs.fillWithoutSizeCheck !== true) result = EFAULT;
  if (result === 0) {
    if (isCached) {
      yield* addRmap(machine, mm, frame);
      mlockMapped(machine, vma, frame, 1);
    } else {
      mapNewAnonymous(machine, frame, vma, page);
      mm.rss[Rss.ANON]!++;
    }
    const isOwn = !isCached || (vma.flags & VM.SHARED) !== 0;
    const isWritable = isOwn && (vma.flags & VM.WRITE) !== 0;
    const flags = pageRights(vma) | ACCESSED | DIRTY | (isWritable ? W : 0);
    yield setting(machine.objects.entry(slot));
    setMapped(machine, slot, frame, isWp ? flagsOfWp(flags, WpChange.PROTECT) : flags);
  }
  yield* unlockPte(task, mm, slot);
  return result;
}

/** Whether the file ends before `page`: looked at again under the lock of the table. */
function* isOverSize({ machine }: Task, vma: Vma, page: number): Op<boolean> {
  if (vma.file === undefined) return false;
  yield reading(machine.objects.pages(vma.file.inode.id));
  return pgoffAt(vma, page) >= pagesOfInode(vma.file.inode);
}

/** Puts the page of zeroes, or poison, where nothing is at all. */
function* setIfNone(task: Task, vma: Vma, page: number, isPoison: boolean): Op<number> {
  const { machine, mm } = task;
  const slot = yield* lockPte(task, mm, page);
  if (slot === NONE) return EAGAIN;
  const isBehind = yield* isOverSize(task, vma, page);
  yield setting(machine.objects.entry(slot));
  const isNone = isNoneAt(machine, slot);
  if (!isBehind && isNone) {
    if (isPoison) setSoftEntry(machine, slot, SoftKind.MARKER, Marker.POISONED);
    else setMapped(machine, slot, ZERO_FRAME, pageRights(vma) | ACCESSED);
  }
  yield* unlockPte(task, mm, slot);
  if (isBehind) return EFAULT;
  return isNone ? 0 : EEXIST;
}
