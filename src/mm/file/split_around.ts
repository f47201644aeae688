/**
 * Splitting the large folios of which only a part is to go.
 *
 * @source mm/shmem.c shmem_undo_range(), mm/truncate.c truncate_inode_partial_folio() (Linux 6.18)
 */
import { PAGE_BYTES } from '../../uapi/mman.ts';
import { splitFolio } from '../huge/split_folio.ts';
import { unlockFolio } from '../page/folio_lock.ts';
import { headOf, orderOf, putFrame } from '../page/frame.ts';
import type { Op } from '../world/op.ts';
import { writing } from '../world/point.ts';
import { FrameFlag, NONE } from '../world/world.ts';
import { findLockFrame, type Place } from './filemap.ts';
import { type Inode, isMemory } from './inode.ts';

/** A range of bytes, and the whole pages of it. */
interface Range {
  readonly first: number;
  readonly start: number;
  readonly end: number;
}

/**
 * Splits folios that go beyond the bytes `[start, end)` where these start and end. What was allocated
 * for later is given up before: no part stays for its sake. Called under i_rwsem.
 */
export function* splitAround(place: Place, inode: Inode, start: number, end: number): Op<void> {
  const range = {
    first: Math.floor(start / PAGE_BYTES),
    start: Math.ceil(start / PAGE_BYTES),
    end: Math.floor(end / PAGE_BYTES),
  };
  const isGivenUp = range.start < inode.allocatedEnd && inode.allocatedEnd <= range.end;
  if (isGivenUp) inode.allocatedEnd = range.start;
  yield* splitPartial(place, inode, range.first, range);
  const last = Math.ceil(end / PAGE_BYTES) - 1;
  if (last > range.first) yield* splitPartial(place, inode, last, range);
}

/** Splits the folio with page `index` if only a part of it is in the range. */
function* splitPartial(place: Place, inode: Inode, index: number, range: Range): Op<void> {
  const isSplit = yield* splitAt(place, inode, index, range, range.first);
  if (isSplit) yield* splitAt(place, inode, range.end, range, range.end);
}

/** Splits the folio with page `index` before page `at`, or before its first one. */
function* splitAt(
  place: Place,
  inode: Inode,
  index: number,
  { start, end }: Range,
  at: number,
): Op<boolean> {
  const { machine, cpu } = place;
  const frame = yield* findLockFrame(place, inode, index);
  if (frame === NONE) return false;
  const head = headOf(machine, frame);
  const first = index + head - frame;
  const pages = 2 ** orderOf(machine, head);
  const isInside = first >= start && first + pages <= end;
  if (!isInside && isMemory(inode)) {
    yield writing(machine.objects.frame(head));
    machine.frameFlags[head]! |= FrameFlag.DIRTY;
  }
  const isSplit =
    !isInside && pages > 1 && (yield* splitFolio(place, inode, head, Math.max(0, at - first)));
  yield* unlockFolio(machine, cpu, head);
  yield* putFrame(machine, cpu, head);
  return isSplit;
}
