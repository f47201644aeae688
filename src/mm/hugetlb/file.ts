/**
 * Files of hugetlbfs: mapped, cut, punched, allocated.
 *
 * Cutting unmaps first, under i_mmap_rwsem, what it can have the locks for; then each folio is met
 * under its fault mutex and its lock, and unmapped once more if a fault has been faster.
 *
 * @source fs/hugetlbfs/inode.c hugetlbfs_file_mmap(), hugetlb_vmtruncate(), hugetlbfs_punch_hole(),
 *         remove_inode_hugepages(), hugetlbfs_fallocate() (Linux 6.18)
 * @omits  seals, reading and writing
 */
import { EEXIST, EINVAL, ENOMEM, EOPNOTSUPP } from '../../uapi/errno.ts';
import { PAGE_BYTES } from '../../uapi/mman.ts';
import { findLockFrame } from '../file/filemap.ts';
import { type Inode, newInode } from '../file/inode.ts';
import { lockFolio, unlockFolio } from '../page/folio_lock.ts';
import { putFrame } from '../page/frame.ts';
import { isMapped } from '../rmap/map_count.ts';
import { isMappedAt, mappedFrameAt } from '../table/mapped_entry.ts';
import { walk } from '../table/pgtable.ts';
import { Zap } from '../table/zap.ts';
import type { Task } from '../task.ts';
import type { Mm } from '../vma/mm.ts';
import { type MappedFile, VM, type Vma } from '../vma/vma.ts';
import { lock, Rank, unlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { reading, writing, writingContent } from '../world/point.ts';
import { NONE } from '../world/world.ts';
import { faultMutexLock, faultMutexUnlock } from './fault_mutex.ts';
import { addHugetlb, deleteHugetlb, findGetHugetlb, findLockHugetlb } from './filemap.ts';
import { granularOf } from './granular.ts';
import { type Hstate, hstateOf, hugetlbOf } from './hstate.ts';
import { mappingsInOrder } from './i_mmap.ts';
import {
  allocHugetlbFolio,
  reservePages,
  reserveShared,
  restoreReserve,
  unreservePages,
} from './reserve.ts';
import { newResvMap } from './resv_map.ts';
import type { Subpool } from './subpool.ts';
import {
  type HugetlbPrivate,
  putVmaLock,
  vmaLockOf,
  vmaTryLockWrite,
  vmaUnlockWrite,
} from './vma_lock.ts';
import { zapOfFile } from './zap.ts';

/** Where work is done: on behalf of any address space. */
type Place = Pick<Task, 'machine' | 'cpu'>;

const ALL = Number.POSITIVE_INFINITY;

/** A new file of pages of `hstate`, of no length. */
export function newHugetlbInode(
  { machine, cpu }: Place,
  hstate: Hstate,
  { bytes = 0, references = 1, subpool }: NewFile = {},
): Inode {
  const hugetlb = { hstate, resv: newResvMap(), subpool };
  return newInode(machine, cpu, { fileSystem: 'hugetlbfs', bytes, references, hugetlb });
}

interface NewFile {
  readonly bytes?: number;
  readonly references?: number;
  /** That of the mount, if it has limits. */
  readonly subpool?: Subpool;
}

/**
 * A file that has all its pages reserved, unless `isUnreserved`: a SysV segment.
 *
 * @returns the file, or ENOMEM
 * @source  mm/hugetlb.c hugetlb_file_setup()
 */
export function* newHugetlbSegment(
  place: Place,
  hstate: Hstate,
  bytes: number,
  isUnreserved: boolean,
): Op<Inode | number> {
  const inode = newHugetlbInode(place, hstate, { bytes });
  const pages = Math.floor(bytes / PAGE_BYTES / hstate.pages);
  const error = isUnreserved ? 0 : yield* reserveShared(place, inode, 0, pages);
  if (error === 0) return inode;
  place.machine.inodes.remove(place.cpu, inode.id);
  return ENOMEM;
}

/**
 * What a VMA for pages `[pgoff, pgoff + pages)` of a file gets: its private data. One that may be
 * written to makes the file as long as it is.
 *
 * Called under the mmap write lock.
 *
 * @returns the private data, EINVAL or ENOMEM
 * @locks   the inode's, then those of the reservation
 */
export function* hugetlbMmap(
  place: Place,
  file: MappedFile,
  pgoff: number,
  pages: number,
  flags: number,
): Op<HugetlbPrivate | number> {
  const { machine, cpu } = place;
  const { inode } = file;
  const { hstate } = hugetlbOf(inode);
  if (pgoff % hstate.pages > 0) return EINVAL;
  const end = pgoff + pages;
  if (end * PAGE_BYTES >= 2 ** 63) return EINVAL;
  const guard = machine.objects.inodeLock(inode.id);
  yield* lock(machine, cpu, guard, Rank.HUGETLB_INODE);
  const kept = file.isSegment === true ? flags | VM.NORESERVE : flags;
  const [from, to] = [pgoff / hstate.pages, end / hstate.pages];
  const result = yield* reservePages(place, inode, from, to, kept);
  if (typeof result !== 'number' && (flags & VM.WRITE) !== 0) {
    yield writing(machine.objects.pages(inode.id));
    inode.bytes = Math.max(inode.bytes, end * PAGE_BYTES);
  }
  yield* unlock(machine, cpu, guard, Rank.HUGETLB_INODE);
  return result;
}

/** Gives a file another size, in whole huge pages. @returns 0 or EINVAL */
export function* setHugetlbSize(place: Place, inode: Inode, bytes: number): Op<number> {
  const { machine, cpu } = place;
  const { hstate } = hugetlbOf(inode);
  if (bytes % (hstate.pages * PAGE_BYTES) > 0) return EINVAL;
  const guard = machine.objects.inodeLock(inode.id);
  yield* lock(machine, cpu, guard, Rank.HUGETLB_INODE);
  const start = bytes / PAGE_BYTES;
  yield writing(machine.objects.pages(inode.id));
  inode.bytes = bytes;
  yield* unmapFile(place, inode, start, ALL);
  yield* removePages(place, inode, start / hstate.pages, ALL);
  yield* unlock(machine, cpu, guard, Rank.HUGETLB_INODE);
  return 0;
}

/** Frees the pages of an inode that nobody refers to any more. */
export function* evictHugetlb(place: Place, inode: Inode): Op<void> {
  yield* removePages(place, inode, 0, ALL);
}

/** @returns 0 or a negative errno */
export function* fallocateHugetlb(
  place: Place,
  inode: Inode,
  operation: number,
  isKept: boolean,
  start: number,
  end: number,
): Op<number> {
  const { machine, cpu } = place;
  if (operation !== 0 && operation !== PUNCH_HOLE) return EOPNOTSUPP;
  const guard = machine.objects.inodeLock(inode.id);
  yield* lock(machine, cpu, guard, Rank.HUGETLB_INODE);
  let result = 0;
  if (operation === PUNCH_HOLE) yield* punchHole(place, inode, start, end);
  else {
    result = yield* allocatePages(place, inode, start, end);
    yield writing(machine.objects.pages(inode.id));
    if (result === 0 && !isKept && end > inode.bytes) inode.bytes = end;
  }
  yield* unlock(machine, cpu, guard, Rank.HUGETLB_INODE);
  return result;
}

const PUNCH_HOLE = 2;

/** Called under the inode's lock. Parts of pages become zeroes. */
function* punchHole(place: Place, inode: Inode, start: number, end: number): Op<void> {
  const { pages } = hugetlbOf(inode).hstate;
  const bytes = pages * PAGE_BYTES;
  const [from, to] = [Math.ceil(start / bytes), Math.floor(end / bytes)];
  if (start < from * bytes) yield* zeroPart(place, inode, start, Math.min(end, from * bytes));
  if (to > from) yield* unmapFile(place, inode, from * pages, to * pages);
  if (end > to * bytes && end > from * bytes) {
    yield* zeroPart(place, inode, Math.max(start, to * bytes), end);
  }
  if (to > from) yield* removePages(place, inode, from, to);
}

/** Zeroes the small pages of `[start, end)` of one huge page. A frame has one word: its first. */
function* zeroPart(place: Place, inode: Inode, start: number, end: number): Op<void> {
  const { machine, cpu } = place;
  const { pages } = hugetlbOf(inode).hstate;
  const first = Math.ceil(start / PAGE_BYTES);
  const index = Math.floor(start / PAGE_BYTES / pages);
  const head = yield* findLockFrame(place, inode, index * pages);
  if (head === NONE) return;
  for (let page = first; page * PAGE_BYTES < end; page++) {
    const frame = head + page - index * pages;
    yield writingContent(machine.objects.frame(frame));
    if (machine.size.contents) machine.frameData[frame] = 0;
  }
  yield* unlockFolio(machine, cpu, head);
  yield* putFrame(machine, cpu, head);
}

/** Called under the inode's lock. Pages that exist stay as they are. @returns 0 or a negative errno */
function* allocatePages(place: Place, inode: Inode, start: number, end: number): Op<number> {
  const { machine, cpu } = place;
  const { pages } = hugetlbOf(inode).hstate;
  const bytes = pages * PAGE_BYTES;
  // Pages are allocated for a VMA; this one maps all of the file, shared.
  const pseudo: Vma = {
    ...{ id: NONE, start: 0, end: ALL, pgoff: 0, chain: [], anonVma: undefined },
    ...{ flags: VM.HUGETLB | VM.SHARED | VM.MAYSHARE, file: { inode }, hugetlb: undefined },
  };
  const last = Math.ceil(end / bytes);
  for (let index = Math.floor(start / bytes); index < last; index++) {
    yield* faultMutexLock(place, inode, index);
    yield reading(machine.objects.pages(inode.id));
    const isThere = inode.pages.get(index * pages) !== NONE;
    const head = isThere ? NONE : yield* allocHugetlbFolio(place, pseudo, index * pages);
    const isOnly = head < 0 || (yield* addHugetlb(place, inode, index, head));
    if (!isOnly) yield* restoreReserve(place, pseudo, index * pages, head);
    else if (head >= 0) yield* unlockFolio(machine, cpu, head);
    if (head >= 0) yield* putFrame(machine, cpu, head);
    yield* faultMutexUnlock(place, inode, index);
    if (!isOnly) return EEXIST;
    if (!isThere && head < 0) return head;
  }
  return 0;
}

/**
 * Unmaps the pages `[start, end)` of a file from all who map them, private copies included. Whose lock
 * is not to be had is left: `removePages()` meets its pages.
 *
 * @locks  i_mmap_rwsem (write); the locks of VMAs (write), only tried
 * @source fs/hugetlbfs/inode.c hugetlb_vmdelete_list()
 */
function* unmapFile(place: Place, inode: Inode, start: number, end: number): Op<void> {
  const { machine, cpu } = place;
  const guard = machine.objects.iMmapLock(inode.id);
  yield* lock(machine, cpu, guard, Rank.I_MMAP);
  for (const [vma, mm] of mappingsInOrder(inode)) {
    const from = Math.max(start, vma.pgoff);
    const to = Math.min(end, vma.pgoff + vma.end - vma.start);
    if (from >= to) continue;
    const isLocked = yield* vmaTryLockWrite(place, vma);
    if (!isLocked) continue;
    yield* zapOf(place, vma, mm, from, to, end === ALL);
    yield* vmaUnlockWrite(place, vma);
  }
  yield* unlock(machine, cpu, guard, Rank.I_MMAP);
}

function* zapOf(
  place: Place,
  vma: Vma,
  mm: Mm,
  from: number,
  to: number,
  isCut: boolean,
): Op<void> {
  const { machine, cpu } = place;
  const distance = vma.start - vma.pgoff;
  const zap = isCut ? Zap.DROP_MARKERS : 0;
  yield* zapOfFile({ machine, cpu, mm }, vma, from + distance, to + distance, zap);
}

/**
 * Takes the huge pages `[from, to)` out of the page cache; with them go their reservations, and behind
 * the end of the file all others.
 */
function* removePages(place: Place, inode: Inode, from: number, to: number): Op<void> {
  const { machine } = place;
  const { pages } = hugetlbOf(inode).hstate;
  let freed = 0;
  for (let next = from * pages; ; ) {
    // What faults have made behind those that were found is found by another look.
    yield reading(machine.objects.pages(inode.id));
    const found = inode.pages.within(next, to * pages);
    if (found.length === 0) break;
    for (const pgoff of found) {
      const isRemoved = yield* removePage(place, inode, pgoff / pages, to !== ALL);
      if (isRemoved) freed++;
    }
    next = found.at(-1)! + 1;
  }
  if (to === ALL) yield* unreservePages(place, inode, from, ALL, freed);
}

/** @returns whether it was there @source remove_inode_single_folio() */
function* removePage(
  place: Place,
  inode: Inode,
  index: number,
  isUnreserved: boolean,
): Op<boolean> {
  const { machine, cpu } = place;
  yield* faultMutexLock(place, inode, index);
  const head = yield* findAndLock(place, inode, index);
  if (head !== NONE) {
    yield* deleteHugetlb(place, inode, head);
    if (isUnreserved) yield* unreservePages(place, inode, index, index + 1, 1);
    yield* unlockFolio(machine, cpu, head);
    yield* putFrame(machine, cpu, head);
  }
  yield* faultMutexUnlock(place, inode, index);
  return head !== NONE;
}

/** The folio of a huge page, locked, with a reference, mapped by nobody. Called under its fault mutex. */
function* findAndLock(place: Place, inode: Inode, index: number): Op<number> {
  const { machine, cpu } = place;
  const isLate = machine.bugs.punchBeforeFolioLock === true;
  const head = yield* (isLate ? findGetHugetlb : findLockHugetlb)(place, inode, index);
  if (head === NONE) return NONE;
  yield reading(machine.objects.frame(head));
  if (isMapped(machine, head)) yield* unmapFolio(place, inode, index, head);
  if (isLate) yield* lockFolio(machine, cpu, head);
  return head;
}

/**
 * Unmaps a folio that a fault has mapped meanwhile. Locks of VMAs are waited for without i_mmap_rwsem;
 * then everything may have changed.
 *
 * Called under the fault mutex and the folio lock.
 *
 * @source fs/hugetlbfs/inode.c hugetlb_unmap_file_folio()
 */
function* unmapFolio(place: Place, inode: Inode, index: number, head: number): Op<void> {
  const { machine, cpu } = place;
  const guard = machine.objects.iMmapLock(inode.id);
  for (;;) {
    yield* lock(machine, cpu, guard, Rank.I_MMAP);
    const busy = yield* unmapFromAll(place, inode, index, head);
    if (busy === undefined) {
      yield* unlock(machine, cpu, guard, Rank.I_MMAP);
      return;
    }
    busy.references++;
    yield* unlock(machine, cpu, guard, Rank.I_MMAP);
    // Whoever has it wants neither the folio nor the mutex of this page.
    const object = machine.objects.hugetlbVmaLock(busy.id);
    yield* lockOutOfOrder(place, object);
    yield* unlock(machine, cpu, object, Rank.HUGETLB_VMA);
    putVmaLock(place, busy);
  }
}

/** The folio lock is held, which comes later: nobody who holds this one waits for that folio. */
function* lockOutOfOrder({ machine, cpu }: Place, object: number): Op<void> {
  const held = machine.heldRanks[cpu]!;
  machine.heldRanks[cpu] = held & (Rank.HUGETLB_VMA - 1);
  yield* lock(machine, cpu, object, Rank.HUGETLB_VMA);
  machine.heldRanks[cpu]! |= held;
}

/** @returns the lock of a VMA that somebody has, with i_mmap_rwsem still held */
function* unmapFromAll(
  place: Place,
  inode: Inode,
  index: number,
  head: number,
): Op<ReturnType<typeof vmaLockOf>> {
  for (const [vma, mm] of mappingsInOrder(inode)) {
    const { pages } = hstateOf(vma);
    const pgoff = index * pages;
    if (pgoff < vma.pgoff || pgoff >= vma.pgoff + vma.end - vma.start) continue;
    const isMapped = yield* isMappedBy(place, mm, vma, vma.start + pgoff - vma.pgoff, head);
    if (!isMapped) continue;
    const isLocked = yield* vmaTryLockWrite(place, vma);
    const isMistaken = place.machine.bugs.privateLockMistaken === true;
    if (!isLocked) return isMistaken ? vma.hugetlb!.lock : vmaLockOf(vma);
    yield* zapOf(place, vma, mm, pgoff, pgoff + pages, true);
    yield* vmaUnlockWrite(place, vma);
  }
  return undefined;
}

/** @source fs/hugetlbfs/inode.c hugetlb_vma_maps_pfn() */
function* isMappedBy(
  { machine, cpu }: Place,
  mm: Mm,
  vma: Vma,
  page: number,
  head: number,
): Op<boolean> {
  const granular = granularOf(machine, vma);
  if (granular !== undefined) {
    return yield* granular.maps({ machine, cpu, mm }, vma, page, head);
  }
  const { level } = hstateOf(vma);
  const slot = yield* walk(machine, mm, page, level);
  if (slot === NONE) return false;
  yield reading(machine.objects.entry(slot));
  return isMappedAt(machine, slot, level) && mappedFrameAt(machine, slot, level) === head;
}
