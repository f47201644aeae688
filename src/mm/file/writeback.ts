/**
 * Writing pages of files to their disk.
 *
 * What is written is clean from then on, so nobody may write to it unnoticed: entries lose the right to
 * write and their dirty bit, and TLBs are flushed, before the content is taken.
 *
 * @source mm/page-writeback.c folio_clear_dirty_for_io(); mm/rmap.c folio_mkclean(), page_mkclean_one()
 *         (Linux 6.18)
 * @omits  disks that take their time, errors, large folios
 */
import { DIRTY, W } from '../../arch/index.ts';
import { flushMapped } from '../design/seams.ts';
import type { Machine } from '../machine.ts';
import { unlockFolio } from '../page/folio_lock.ts';
import { putFrame } from '../page/frame.ts';
import { type Mapping, rmapWalkFile } from '../rmap/walk.ts';
import { mappedFlagsAt, setMapped } from '../table/mapped_entry.ts';
import { isPresentAt } from '../table/pgtable.ts';
import type { Op } from '../world/op.ts';
import { clearing, readingContent, writing } from '../world/point.ts';
import { FrameFlag, NONE } from '../world/world.ts';
import { findLockFrame, type Place } from './filemap.ts';
import type { Inode } from './inode.ts';

/**
 * Writes page `index` if it is in memory and dirty.
 *
 * @locks the folio lock, i_mmap_rwsem (read), then the lock of each table
 */
export function* writeBack(place: Place, inode: Inode, index: number): Op<void> {
  const { machine, cpu } = place;
  const frame = yield* findLockFrame(place, inode, index);
  if (frame === NONE) return;
  yield* rmapWalkFile(machine, cpu, frame, cleanEntry);
  yield writing(machine.objects.frame(frame));
  const isDirty = (machine.frameFlags[frame]! & FrameFlag.DIRTY) !== 0;
  machine.frameFlags[frame]! &= ~FrameFlag.DIRTY;
  if (isDirty && machine.size.contents) {
    yield readingContent(machine.objects.frame(frame));
    const word = machine.frameData[frame]!;
    yield writing(machine.objects.pages(inode.id));
    inode.disk.set(index, word);
  }
  yield* unlockFolio(machine, cpu, frame);
  yield* putFrame(machine, cpu, frame);
}

/** Called under the lock of the table. */
function* cleanEntry(machine: Machine, cpu: number, mapping: Mapping): Op<boolean> {
  const { mm, page, slot, frame } = mapping;
  yield clearing(machine.objects.entry(slot));
  const flags = mappedFlagsAt(machine, slot);
  if ((flags & (W | DIRTY)) === 0) return true;
  const wasPresent = isPresentAt(machine, slot);
  setMapped(machine, slot, frame, flags & ~(W | DIRTY));
  if (wasPresent) {
    machine.ledger.openPage(machine.mmCpus[mm.id]!, mm.id, page, frame, (flags & W) !== 0);
    yield* flushMapped(machine, cpu, mm, page);
  }
  yield writing(machine.objects.frame(frame));
  if ((flags & DIRTY) !== 0) machine.frameFlags[frame]! |= FrameFlag.DIRTY;
  return true;
}
