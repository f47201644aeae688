/**
 * Faults on VMAs of files where nothing is mapped yet.
 *
 * A table of level 0 is only linked when there is a page for it: a fault that fails leaves none.
 *
 * @source mm/memory.c do_fault(), do_read_fault(), do_cow_fault(), do_shared_fault(), finish_fault()
 *         (Linux 6.18)
 * @omits  DAX
 */
import { ACCESSED, DIRTY, type LeafFlags, UFFD_WP, W } from '../../arch/index.ts';
import { faultAround } from '../file/fault_around.ts';
import {
  frameForFault,
  isPageOf,
  OUT_OF_MEMORY,
  USERFAULT_MINOR,
  USERFAULT_MISSING,
} from '../file/filemap.ts';
import { isMemory, pagesOfInode } from '../file/inode.ts';
import { isRunEmpty, mapRun, wholeFolio } from '../file/map_folio.ts';
import { readAheadForFault } from '../file/readahead.ts';
import { mapHugeFolio } from '../huge/huge_file.ts';
import { lockFolio, unlockFolio } from '../page/folio_lock.ts';
import { allocFrame, headOf, markDirty, orderOf, putFrame } from '../page/frame.ts';
import { mapNewAnonymous } from '../rmap/map_count.ts';
import { setMapped } from '../table/mapped_entry.ts';
import { clearEntry, isNoneAt, isTableAt, slotBelow, slotIn, tableAt } from '../table/pgtable.ts';
import { relockPte, unlockPte } from '../table/pte_table.ts';
import { isWpMarkerAt } from '../table/soft_entry.ts';
import type { Task } from '../task.ts';
import { handleUserfault } from '../userfaultfd/handle.ts';
import { Rss } from '../vma/mm.ts';
import { pageRights, wantsWriteNotify } from '../vma/page_rights.ts';
import { pgoffAt, VM, VM_UFFD, type Vma } from '../vma/vma.ts';
import type { Op } from '../world/op.ts';
import { reading, setting, writing } from '../world/point.ts';
import { FrameFlag, NONE } from '../world/world.ts';
import { prepareAnonymous, writtenFlags } from './anonymous.ts';
import { Access, Fault, FaultLock } from './result.ts';
import { copyContent } from './wp_copy.ts';

/**
 * Brings `page` in, below the entry of level 1 at `above`.
 *
 * Called under the VMA lock or the mmap lock, for reading.
 *
 * @locks the folio lock, the i_pages lock, then the lock of the table
 */
export function* doFault(
  task: Task,
  vma: Vma,
  page: number,
  above: number,
  access: Access,
  held: FaultLock,
): Op<Fault> {
  const isBack = yield* isEntryBack(task, vma, page, above);
  if (isBack) return Fault.DONE;
  if (access !== Access.WRITE) return yield* doReadFault(task, vma, page, above, access, held);
  if ((vma.flags & VM.SHARED) !== 0) return yield* doSharedFault(task, vma, page, above, held);
  return yield* doCowFault(task, vma, page, above, held);
}

/**
 * Whether a page has an entry again by now, which the file does not have in memory: that of a private
 * copy may be away for a moment. Locked memory is not read from the disk for that.
 *
 * @source mm/filemap.c filemap_fault_recheck_pte_none()
 */
function* isEntryBack(task: Task, vma: Vma, page: number, above: number): Op<boolean> {
  const { machine } = task;
  const { inode } = vma.file!;
  if ((vma.flags & VM.LOCKED) === 0 || isMemory(inode)) return false;
  const index = pgoffAt(vma, page);
  yield reading(machine.objects.pages(inode.id));
  if (index >= pagesOfInode(inode) || inode.pages.get(index) !== NONE) return false;
  yield reading(machine.objects.entry(above));
  if (!isTableAt(machine, above, 1)) return false;
  const slot = slotIn(machine, tableAt(machine, above, 1), page, 0);
  yield reading(machine.objects.entry(slot));
  if (machine.bugs.lockedFaultSeesMarker === true) return !isNoneAt(machine, slot);
  return !isNoneAt(machine, slot) && !isWpMarkerAt(machine, slot);
}

/** Maps what is in memory around a page, which is read if it is not. @returns whether the page is, too */
function* mapAround(
  task: Task,
  vma: Vma,
  page: number,
  above: number,
  held: FaultLock,
): Op<boolean> {
  const mayGoAround = (vma.flags & (VM.UFFD_WP | VM.UFFD_MINOR)) === 0;
  const isMapped = mayGoAround && (yield* faultAround(task, vma, page, above));
  if (isMapped) return true;
  const isRead = yield* readAheadForFault(task, vma, pgoffAt(vma, page));
  // To read, the lock is dropped if it may be, and the fault starts anew.
  const isAnew = isRead && mayGoAround && held !== FaultLock.MMAP_KEPT;
  return isAnew && (yield* faultAround(task, vma, page, above));
}

function* doReadFault(
  task: Task,
  vma: Vma,
  page: number,
  above: number,
  access: Access,
  held: FaultLock,
): Op<Fault> {
  const { machine, cpu } = task;
  const index = pgoffAt(vma, page);
  // Attachments of segments do without (shm_vm_ops has no map_pages).
  const isMapped = vma.file!.isSegment !== true && (yield* mapAround(task, vma, page, above, held));
  if (isMapped) return Fault.DONE;
  const frame = yield* frameForFault(task, vma.file!.inode, index, vma.flags);
  if (frame < 0) return yield* faultWithout(task, vma, page, access, frame, held);
  yield* makeUptodate(task, frame);
  const result = yield* finishFault(task, vma, page, above, frame, pageRights(vma) | ACCESSED);
  yield* unlockFolio(machine, cpu, frame);
  if (result !== MAPPED) yield* putFrame(machine, cpu, frame);
  return result === MAPPED ? Fault.DONE : result;
}

/** What comes of a page that is not to be had, as `frameForFault()` says. */
function* faultWithout(
  task: Task,
  vma: Vma,
  page: number,
  access: Access,
  found: number,
  held: FaultLock,
): Op<Fault> {
  switch (found) {
    case OUT_OF_MEMORY:
      return Fault.OOM;
    case USERFAULT_MISSING:
      return yield* handleUserfault(task, vma, page, access, VM.UFFD_MISSING, held);
    case USERFAULT_MINOR:
      return yield* handleUserfault(task, vma, page, access, VM.UFFD_MINOR, held);
    default:
      return Fault.SIGBUS;
  }
}

/** A page that was allocated only gets its content now. */
function* makeUptodate({ machine }: Task, frame: number): Op<void> {
  const head = headOf(machine, frame);
  yield writing(machine.objects.frame(head));
  machine.frameFlags[head]! |= FrameFlag.UPTODATE;
}

/** The entry has taken over the reference to the page. */
const MAPPED = -1;

/**
 * Maps a page of the page cache, which is locked, unless something is there by now: with all of its
 * folio where that is memory, and fits.
 */
function* finishFault(
  task: Task,
  vma: Vma,
  page: number,
  above: number,
  frame: number,
  flags: LeafFlags,
): Op<Fault | typeof MAPPED> {
  const { machine, mm } = task;
  const mayBeLarge = yield* isWithinFile(task, vma, page, frame);
  yield reading(machine.objects.entry(above));
  if (mayBeLarge && isNoneAt(machine, above)) {
    const isHuge = yield* mapHugeFolio(task, vma, page, above, frame, flags);
    if (isHuge) return MAPPED;
  }
  const slot = yield* lockForPage(task, page, above);
  if (slot < 0) return slot === NONE ? Fault.RETRY : Fault.OOM;
  const noted = yield* takeWpMarker(task, slot);
  // What userfaultfd watches comes page by page.
  const isWatched = (vma.flags & VM_UFFD) !== 0;
  const isLarge = mayBeLarge && vma.file!.isSegment !== true && !isWatched;
  const whole = isLarge ? wholeFolio(machine, vma, page, frame) : undefined;
  const isWhole = whole !== undefined && isRunEmpty(machine, whole, page, slot);
  const run = isWhole ? whole : { start: page, end: page + 1, frame };
  const count = yield* mapRun(task, vma, run, page, slot, noted ? withWp(flags) : flags);
  yield* unlockPte(task, mm, slot);
  return count > 0 ? MAPPED : Fault.DONE;
}

/** Whether all of the folio of `frame` may be mapped: on a disk, a file ends where its pages do. */
function* isWithinFile({ machine }: Task, vma: Vma, page: number, frame: number): Op<boolean> {
  const { inode } = vma.file!;
  if (isMemory(inode)) return true;
  const head = headOf(machine, frame);
  yield reading(machine.objects.pages(inode.id));
  const end = pgoffAt(vma, page) + head - frame + 2 ** orderOf(machine, head);
  return end <= pagesOfInode(inode);
}

/** Clears the note that userfaultfd write-protects the page, which its entry is to keep. */
function* takeWpMarker({ machine }: Task, slot: number): Op<boolean> {
  yield reading(machine.objects.entry(slot));
  if (!isWpMarkerAt(machine, slot)) return false;
  yield setting(machine.objects.entry(slot));
  clearEntry(machine, slot);
  return true;
}

const withWp = (flags: LeafFlags): LeafFlags => (flags & ~W) | UFFD_WP;

/** The slot for `page` with its table locked; `NONE` if a huge page came first, -2 without memory. */
function* lockForPage(task: Task, page: number, above: number): Op<number> {
  const { machine, mm } = task;
  const slot = yield* slotBelow(task, mm, page, above);
  if (slot === NONE) return isNoneAt(machine, above) ? -2 : NONE;
  const isLocked = yield* relockPte(task, mm, page, slot);
  return isLocked ? slot : NONE;
}

/** A write to a private VMA: the page is copied at once. */
function* doCowFault(
  task: Task,
  vma: Vma,
  page: number,
  above: number,
  held: FaultLock,
): Op<Fault> {
  const { machine, cpu } = task;
  const isPrepared = yield* prepareAnonymous(task, vma, held);
  if (!isPrepared) return Fault.RETRY;
  const copy = yield* allocFrame(machine, cpu);
  if (copy === NONE) return Fault.OOM;
  yield* readAheadForFault(task, vma, pgoffAt(vma, page));
  const frame = yield* frameForFault(task, vma.file!.inode, pgoffAt(vma, page), vma.flags);
  if (frame < 0) {
    yield* putFrame(machine, cpu, copy);
    return yield* faultWithout(task, vma, page, Access.WRITE, frame, held);
  }
  yield* makeUptodate(task, frame);
  yield* copyContent(machine, frame, copy);
  const result = yield* mapCopy(task, vma, page, above, copy);
  yield* unlockFolio(machine, cpu, frame);
  yield* putFrame(machine, cpu, frame);
  if (result !== MAPPED) yield* putFrame(machine, cpu, copy);
  return result === MAPPED ? Fault.DONE : result;
}

function* mapCopy(
  task: Task,
  vma: Vma,
  page: number,
  above: number,
  copy: number,
): Op<Fault | typeof MAPPED> {
  const { machine, mm } = task;
  const slot = yield* lockForPage(task, page, above);
  if (slot < 0) return slot === NONE ? Fault.RETRY : Fault.OOM;
  const noted = yield* takeWpMarker(task, slot);
  yield setting(machine.objects.entry(slot));
  const isFirst = isNoneAt(machine, slot);
  if (isFirst) {
    mapNewAnonymous(machine, copy, vma, page);
    mm.rss[Rss.ANON]!++;
    setMapped(machine, slot, copy, noted ? withWp(writtenFlags(vma)) : writtenFlags(vma));
  }
  yield* unlockPte(task, mm, slot);
  return isFirst ? MAPPED : Fault.DONE;
}

/** A write to a shared VMA: the file system may want to know before, and the page becomes dirty. */
function* doSharedFault(
  task: Task,
  vma: Vma,
  page: number,
  above: number,
  held: FaultLock,
): Op<Fault> {
  const { machine, cpu } = task;
  const { inode } = vma.file!;
  yield* readAheadForFault(task, vma, pgoffAt(vma, page));
  const frame = yield* frameForFault(task, inode, pgoffAt(vma, page), vma.flags);
  if (frame < 0) return yield* faultWithout(task, vma, page, Access.WRITE, frame, held);
  yield* makeUptodate(task, frame);
  if (wantsWriteNotify(vma)) {
    // The file system takes the lock anew: the page may have been cut off meanwhile.
    yield* unlockFolio(machine, cpu, frame);
    yield* lockFolio(machine, cpu, frame);
    if (!isPageOf(machine, frame, inode)) {
      yield* unlockFolio(machine, cpu, frame);
      yield* putFrame(machine, cpu, frame);
      return Fault.RETRY;
    }
  }
  const head = headOf(machine, frame);
  yield writing(machine.objects.frame(head));
  markDirty(machine, head);
  const flags = pageRights(vma) | ACCESSED | DIRTY | W;
  const result = yield* finishFault(task, vma, page, above, frame, flags);
  yield* unlockFolio(machine, cpu, frame);
  if (result !== MAPPED) yield* putFrame(machine, cpu, frame);
  return result === MAPPED ? Fault.DONE : result;
}
