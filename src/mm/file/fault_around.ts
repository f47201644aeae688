/**
 * Fault-around: a read fault maps what is in memory around the page, too.
 *
 * @source mm/memory.c do_fault_around(), mm/filemap.c filemap_map_pages(), next_uptodate_folio()
 *         (Linux 6.18)
 * @omits  hardware poison
 */
import { ACCESSED } from '../../arch/index.ts';
import { mapHugeFolio } from '../huge/huge_file.ts';
import { tryLockFolio, unlockFolio } from '../page/folio_lock.ts';
import { headOf, orderOf, putFrame } from '../page/frame.ts';
import { isNoneAt, slotBelow } from '../table/pgtable.ts';
import { relockPte, unlockPte } from '../table/pte_table.ts';
import type { Task } from '../task.ts';
import { pageRights } from '../vma/page_rights.ts';
import { pgoffAt, type Vma } from '../vma/vma.ts';
import type { Op } from '../world/op.ts';
import { reading, writing } from '../world/point.ts';
import { FrameFlag, NONE } from '../world/world.ts';
import { indexOf, isBehindEnd, isPageOf } from './filemap.ts';
import { isMemory, pagesOfInode } from './inode.ts';
import { type FolioRun, mapRun, wholeFolio } from './map_folio.ts';

/** How many pages a fault maps at most. @source mm/memory.c fault_around_pages */
const WINDOW = 16;

/**
 * Maps the pages around `page` that are in memory and not mapped yet, below the entry at `above`, or
 * by it: folios are mapped whole, as far as they fit.
 *
 * @returns whether `page` itself was mapped
 */
export function* faultAround(task: Task, vma: Vma, page: number, above: number): Op<boolean> {
  const { machine } = task;
  const entries = machine.format.entryPages[1]!;
  const index = page % entries;
  const aligned = index - (index % WINDOW);
  const from = page - index + Math.max(aligned, index - Math.min(index, page - vma.start));
  const end = Math.min(from + WINDOW, page - index + entries, vma.end);
  yield reading(machine.objects.pages(vma.file!.inode.id));
  let isMapped = false;
  let isFirst = true;
  let mayBeWhole = false;
  for (let at = from; at < end; ) {
    const frame = yield* nextUptodate(task, vma, at);
    if (frame === NONE) {
      at++;
      continue;
    }
    const head = headOf(machine, frame);
    const last = at + head - frame + 2 ** orderOf(machine, head);
    if (isFirst) {
      // The last folio of a file on a disk may be mapped, but no table is made for it.
      mayBeWhole = isMemory(vma.file!.inode) || last < endOfFile(vma);
      const start = yield* startAround(task, vma, page, above, frame, mayBeWhole);
      if (start !== Start.GO_ON) return start === Start.MAPPED;
    }
    isFirst = false;
    const part = { start: at, end: Math.min(last, end, endOfFile(vma)), frame };
    const run = (mayBeWhole ? wholeFolio(machine, vma, at, frame) : undefined) ?? part;
    const isMappedNow = yield* mapFolio(task, vma, run, page, above);
    if (isMappedNow) isMapped = true;
    at = last;
  }
  return isMapped;
}

/** The first page of `vma` that lies behind the end of the file. */
function endOfFile(vma: Vma): number {
  return vma.start + pagesOfInode(vma.file!.inode) - vma.pgoff;
}

/** The folio of `page`, locked, with a reference, if it can be mapped without waiting; or `NONE`. */
function* nextUptodate(task: Task, vma: Vma, page: number): Op<number> {
  const { machine, cpu } = task;
  const { inode } = vma.file!;
  const index = pgoffAt(vma, page);
  yield reading(machine.objects.pages(inode.id));
  const frame = inode.pages.get(index);
  if (frame === NONE) return NONE;
  const isBehind = yield* isBehindEnd(task, inode, index);
  if (isBehind) return NONE;
  const head = headOf(machine, frame);
  yield writing(machine.objects.frame(head));
  const flags = machine.frameFlags[head]!;
  const isReady = (flags & (FrameFlag.UPTODATE | FrameFlag.READAHEAD)) === FrameFlag.UPTODATE;
  if (machine.frameReferences[head]! <= 0 || !isReady) return NONE;
  if (headOf(machine, frame) !== head) return NONE;
  machine.frameReferences[head]!++;
  const isLocked = yield* tryLockFolio(machine, cpu, frame);
  if (isLocked) {
    yield reading(machine.objects.frame(head));
    const isRight = isPageOf(machine, frame, inode) && indexOf(machine, frame) === index % 2 ** 32;
    const isBehindNow = yield* isBehindEnd(task, inode, index);
    if (isRight && !isBehindNow) return frame;
    yield* unlockFolio(machine, cpu, frame);
  }
  yield* putFrame(machine, cpu, frame);
  return NONE;
}

/** What has come of the first folio. */
const Start = { GO_ON: 0, MAPPED: 1, GIVEN_UP: 2 } as const;
type Start = (typeof Start)[keyof typeof Start];

/**
 * Where there is no table yet: maps the first folio, which is locked, by an entry of level 1 if it
 * can, and gives up if a table is not to be made for it. In both cases the folio is unlocked.
 *
 * @returns how it goes on
 */
function* startAround(
  task: Task,
  vma: Vma,
  page: number,
  above: number,
  frame: number,
  mayBeWhole: boolean,
): Op<Start> {
  const { machine, cpu } = task;
  yield reading(machine.objects.entry(above));
  if (!isNoneAt(machine, above)) return Start.GO_ON;
  if (mayBeWhole) {
    const rights = pageRights(vma) | ACCESSED;
    const isMapped = yield* mapHugeFolio(task, vma, page, above, frame, rights);
    if (!isMapped) return Start.GO_ON;
    yield* unlockFolio(machine, cpu, frame);
    return Start.MAPPED;
  }
  yield* unlockFolio(machine, cpu, frame);
  yield* putFrame(machine, cpu, frame);
  return Start.GIVEN_UP;
}

/**
 * Maps pages of a locked folio where nothing is, and unlocks it; its reference goes to an entry.
 *
 * @returns whether `page` is one of those that were mapped
 */
function* mapFolio(task: Task, vma: Vma, run: FolioRun, page: number, above: number): Op<boolean> {
  const { machine, cpu, mm } = task;
  const slot = yield* slotBelow(task, mm, run.start, above);
  const isTable = slot !== NONE && (yield* relockPte(task, mm, run.start, slot));
  let count = 0;
  let isMapped = false;
  if (isTable) {
    const isWithin = run.start <= page && page < run.end;
    isMapped = isWithin && isNoneAt(machine, slot + page - run.start);
    count = yield* mapRun(task, vma, run, run.start, slot, pageRights(vma) | ACCESSED);
    yield* unlockPte(task, mm, slot);
  }
  yield* unlockFolio(machine, cpu, run.frame);
  if (count === 0) yield* putFrame(machine, cpu, run.frame);
  return isMapped;
}
