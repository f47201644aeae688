/**
 * Fault-around: a read fault maps what is in memory around the page, too.
 *
 * @source mm/memory.c do_fault_around(), mm/filemap.c filemap_map_pages(), next_uptodate_folio()
 *         (Linux 6.18)
 * @omits  large folios, hardware poison
 */
import { ACCESSED } from '../../arch/index.ts';
import { tryLockFolio, unlockFolio } from '../page/folio_lock.ts';
import { putFrame } from '../page/frame.ts';
import { addRmap } from '../rmap/map_count.ts';
import { isNoneAt, setLeaf, slotBelow } from '../table/pgtable.ts';
import { relockPte, unlockPte } from '../table/pte_table.ts';
import type { Task } from '../task.ts';
import { pageRights } from '../vma/page_rights.ts';
import { pgoffAt, type Vma } from '../vma/vma.ts';
import type { Op } from '../world/op.ts';
import { reading, setting, writing } from '../world/point.ts';
import { FrameFlag, NONE } from '../world/world.ts';
import { isBehindEnd, isPageOf } from './filemap.ts';

/** How many pages a fault maps at most. @source mm/memory.c fault_around_pages */
const WINDOW = 16;

/**
 * Maps the pages around `page` that are in memory and not mapped yet, below the entry at `above`.
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
  let isMapped = false;
  for (let at = from; at < end; at++) {
    const frame = yield* nextUptodate(task, vma, at);
    if (frame === NONE) continue;
    const isMappedNow = yield* mapOne(task, vma, at, above, frame);
    if (at === page) isMapped = isMappedNow;
  }
  return isMapped;
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
  yield writing(machine.objects.frame(frame));
  const flags = machine.frameFlags[frame]!;
  const isReady = (flags & (FrameFlag.UPTODATE | FrameFlag.READAHEAD)) === FrameFlag.UPTODATE;
  if (machine.frameReferences[frame] === 0 || !isReady) return NONE;
  machine.frameReferences[frame]!++;
  const isLocked = yield* tryLockFolio(machine, cpu, frame);
  if (isLocked) {
    yield reading(machine.objects.frame(frame));
    const isRight =
      isPageOf(machine, frame, inode) && machine.frameIndex[frame] === index % 2 ** 32;
    const isBehindNow = yield* isBehindEnd(task, inode, index);
    if (isRight && !isBehindNow) return frame;
    yield* unlockFolio(machine, cpu, frame);
  }
  yield* putFrame(machine, cpu, frame);
  return NONE;
}

/** Maps a locked folio unless something is there, and unlocks it: its reference goes to the entry. */
function* mapOne(task: Task, vma: Vma, page: number, above: number, frame: number): Op<boolean> {
  const { machine, cpu, mm } = task;
  const slot = yield* slotBelow(task, mm, page, above);
  const isTable = slot !== NONE && (yield* relockPte(task, mm, page, slot));
  let isMapped = false;
  if (isTable) {
    yield setting(machine.objects.entry(slot));
    isMapped = isNoneAt(machine, slot);
    if (isMapped) {
      setLeaf(machine, slot, frame, pageRights(vma) | ACCESSED);
      yield* addRmap(machine, mm, frame);
    }
    yield* unlockPte(task, mm, slot);
  }
  yield* unlockFolio(machine, cpu, frame);
  if (!isMapped) yield* putFrame(machine, cpu, frame);
  return isMapped;
}
