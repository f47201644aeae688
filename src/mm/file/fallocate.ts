/**
 * Making and freeing parts of files.
 *
 * @source fs/open.c vfs_fallocate(), mm/shmem.c shmem_fallocate(), fs/ext4/extents.c
 *         ext4_fallocate() (Linux 6.18)
 * @omits  FALLOC_FL_COLLAPSE_RANGE, _INSERT_RANGE, _UNSHARE_RANGE and _WRITE_ZEROES of files on a disk
 */
import { EBADF, EFBIG, EINVAL, ENODEV, ENOMEM, EOPNOTSUPP } from '../../uapi/errno.ts';
import { FALLOC } from '../../uapi/files.ts';
import { PAGE_BYTES } from '../../uapi/mman.ts';
import { designOf } from '../design/design.ts';
import { fallocateHugetlb } from '../hugetlb/file.ts';
import { unlockFolio } from '../page/folio_lock.ts';
import { headOf, putFrame } from '../page/frame.ts';
import { lock, Rank, unlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { reading, writing, writingContent } from '../world/point.ts';
import { FrameFlag, NONE } from '../world/world.ts';
import { addFolio, findLockFrame, IS_THERE, type Place, removeFrame } from './filemap.ts';
import { type Inode, isMemory, pagesOfInode } from './inode.ts';
import type { OpenFile } from './open_file.ts';
import { zeroPartialPage } from './partial_page.ts';
import { splitAround } from './split_around.ts';
import { freePages } from './truncate.ts';
import { unmapMapping } from './unmap_mapping.ts';

const MODES =
  FALLOC.PUNCH_HOLE |
  FALLOC.COLLAPSE_RANGE |
  FALLOC.ZERO_RANGE |
  FALLOC.INSERT_RANGE |
  FALLOC.UNSHARE_RANGE |
  FALLOC.WRITE_ZEROES;

/** @returns 0 or a negative errno */
export function* fallocateFile(
  place: Place,
  file: OpenFile,
  mode: number,
  offset: number,
  length: number,
): Op<number> {
  const error = refusal(file, mode, offset, length);
  if (error < 0) return error;
  const { inode } = file.mapped!;
  const { machine, cpu } = place;
  const allocate = designOf(machine, inode)?.allocate;
  if (allocate !== undefined) return yield* allocate(place, inode, mode, offset, length);
  if (inode.hugetlb !== undefined) {
    const isKept = (mode & FALLOC.KEEP_SIZE) !== 0;
    return yield* fallocateHugetlb(place, inode, mode & MODES, isKept, offset, offset + length);
  }
  yield* lock(machine, cpu, machine.objects.inodeLock(inode.id), Rank.INODE);
  const result = yield* allocateOrFree(place, inode, mode, offset, offset + length);
  yield* unlock(machine, cpu, machine.objects.inodeLock(inode.id), Rank.INODE);
  return result;
}

function refusal(file: OpenFile, mode: number, offset: number, length: number): number {
  if (offset < 0 || length <= 0) return EINVAL;
  if (mode & ~(MODES | FALLOC.KEEP_SIZE)) return EOPNOTSUPP;
  const isKept = (mode & FALLOC.KEEP_SIZE) !== 0;
  switch (mode & MODES) {
    case 0:
    case FALLOC.UNSHARE_RANGE:
    case FALLOC.ZERO_RANGE:
      break;
    case FALLOC.PUNCH_HOLE:
      if (!isKept) return EOPNOTSUPP;
      break;
    case FALLOC.COLLAPSE_RANGE:
    case FALLOC.INSERT_RANGE:
    case FALLOC.WRITE_ZEROES:
      if (isKept) return EOPNOTSUPP;
      break;
    default:
      return EOPNOTSUPP;
  }
  if (!file.isWritable) return EBADF;
  if (file.mapped === undefined) return ENODEV;
  return Math.ceil((offset + length) / PAGE_BYTES) > file.pagesMax ? EFBIG : 0;
}

function* allocateOrFree(
  place: Place,
  inode: Inode,
  mode: number,
  start: number,
  end: number,
): Op<number> {
  const operation = mode & MODES;
  const isKnown = isMemory(inode)
    ? operation === 0 || operation === FALLOC.PUNCH_HOLE
    : operation !== FALLOC.UNSHARE_RANGE && operation !== FALLOC.WRITE_ZEROES;
  if (!isKnown) return EOPNOTSUPP;
  if (operation === FALLOC.PUNCH_HOLE || operation === FALLOC.ZERO_RANGE) {
    const isHole = operation === FALLOC.PUNCH_HOLE;
    const last = isHole ? yield* endOfHole(place, inode, start, end) : end;
    if (start < last) yield* freeRange(place, inode, start, last);
    if (isHole) return 0;
  } else if (operation !== 0) return EOPNOTSUPP;
  else if (isMemory(inode)) {
    const error = yield* allocatePages(place, inode, start, end);
    if (error < 0) return error;
  }
  yield writing(place.machine.objects.pages(inode.id));
  const before = inode.bytes;
  if ((mode & FALLOC.KEEP_SIZE) !== 0 || end <= before) return 0;
  inode.bytes = end;
  yield* zeroPartialPage(place, inode, before);
  yield* zeroPartialPage(place, inode, end);
  return 0;
}

/** A hole in a file on a disk starts before the end of the file, and ends with its last page. */
function* endOfHole({ machine }: Place, inode: Inode, start: number, end: number): Op<number> {
  yield reading(machine.objects.pages(inode.id));
  if (isMemory(inode)) return end;
  if (start >= inode.bytes) return start;
  return end > inode.bytes ? pagesOfInode(inode) * PAGE_BYTES : end;
}

/** Frees the whole pages of a range of bytes; what it has of others becomes zeroes. */
function* freeRange(place: Place, inode: Inode, start: number, end: number): Op<void> {
  const [from, to] = [Math.ceil(start / PAGE_BYTES), Math.floor(end / PAGE_BYTES)];
  yield* splitAround(place, inode, start, end);
  if (from < to) yield* freePages(place, inode, from, to);
  // The last byte of the whole pages is counted, which wraps around below the first page.
  if (to === 0) {
    yield* unmapMapping(place, inode, from, Number.POSITIVE_INFINITY, false);
  }
  yield* zeroPartialPage(place, inode, start);
  yield* zeroPartialPage(place, inode, end);
  // A page keeps its first word only.
  if (end % PAGE_BYTES > 0 && to * PAGE_BYTES >= start) yield* zeroPage(place, inode, to);
}

function* zeroPage(place: Place, inode: Inode, index: number): Op<void> {
  const { machine, cpu } = place;
  const frame = yield* findLockFrame(place, inode, index);
  if (frame === NONE) {
    inode.disk.delete(index);
    return;
  }
  yield writingContent(machine.objects.frame(frame));
  if (machine.size.contents) machine.frameData[frame] = 0;
  // The zeroes are still to be written where the disk has something (mark_buffer_dirty()).
  if (inode.disk.has(index)) {
    const head = headOf(machine, frame);
    yield writing(machine.objects.frame(head));
    machine.frameFlags[head]! |= FrameFlag.DIRTY;
  }
  yield* unlockFolio(machine, cpu, frame);
  yield* putFrame(machine, cpu, frame);
}

/**
 * Makes the pages that are not there. They hold nothing yet: fault-around passes them over, and they
 * go again if memory does not suffice for all. Called under i_rwsem.
 *
 * @source mm/shmem.c shmem_fallocate()
 */
function* allocatePages(place: Place, inode: Inode, start: number, end: number): Op<number> {
  const { machine, cpu } = place;
  const before = inode.allocatedEnd;
  const first = Math.floor(start / PAGE_BYTES);
  const last = Math.ceil(end / PAGE_BYTES);
  inode.allocatedEnd = Math.max(before, last);
  for (let index = first; index < last; index++) {
    const frame = yield* allocatePage(place, inode, index);
    if (frame === NONE) {
      inode.allocatedEnd = before;
      yield* undoAllocation(place, inode, first, index);
      return ENOMEM;
    }
    yield* unlockFolio(machine, cpu, frame);
    yield* putFrame(machine, cpu, frame);
  }
  return 0;
}

/**
 * Page `index`, locked, with a reference. If it is there, it is cleared where an earlier call has made
 * it: nobody takes it back, and fault-around maps it from now on.
 *
 * @returns `NONE` if memory is exhausted
 * @source  mm/shmem.c shmem_get_folio_gfp(), SGP_FALLOC
 */
function* allocatePage(place: Place, inode: Inode, index: number): Op<number> {
  const { machine } = place;
  for (;;) {
    const found = yield* findLockFrame(place, inode, index);
    if (found !== NONE) {
      const head = headOf(machine, found);
      yield writing(machine.objects.frame(head));
      machine.frameFlags[head]! |= FrameFlag.DIRTY | FrameFlag.UPTODATE;
      return found;
    }
    const made = yield* addFolio(place, inode, index, 0, FrameFlag.DIRTY);
    if (made !== IS_THERE) return made;
  }
}

/** Of the pages `[start, end)`, those go that hold nothing: nobody has asked for them since. */
function* undoAllocation(place: Place, inode: Inode, start: number, end: number): Op<void> {
  const { machine, cpu } = place;
  for (let index = start; index < end; index++) {
    const frame = yield* findLockFrame(place, inode, index);
    if (frame === NONE) continue;
    const head = headOf(machine, frame);
    yield reading(machine.objects.frame(head));
    const holdsNothing = (machine.frameFlags[head]! & FrameFlag.UPTODATE) === 0;
    if (holdsNothing) yield* removeFrame(place, inode, frame);
    yield* unlockFolio(machine, cpu, frame);
    yield* putFrame(machine, cpu, frame);
  }
}
