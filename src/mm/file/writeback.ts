/**
 * Writing pages of files to their disk.
 *
 * What is written is clean from then on, so nobody may write to it unnoticed: entries lose the right to
 * write and their dirty bit, and TLBs are flushed, before the content is taken.
 *
 * @source mm/page-writeback.c folio_clear_dirty_for_io(); mm/rmap.c folio_mkclean(),
 *         page_vma_mkclean_one(); fs/sync.c vfs_fsync_range() (Linux 6.18)
 * @omits  disks that take their time, errors, files that are written because they are old
 */
import { DIRTY, W } from '../../arch/index.ts';
import { assert } from '../../base/assert.ts';
import { flushMapped } from '../design/seams.ts';
import type { Machine } from '../machine.ts';
import { unlockFolio } from '../page/folio_lock.ts';
import { headOf, orderOf, putFrame } from '../page/frame.ts';
import { type Mapping, rmapWalkFile, Sought } from '../rmap/walk.ts';
import { mappedFlagsAt, setMapped } from '../table/mapped_entry.ts';
import { isPresentAt } from '../table/pgtable.ts';
import type { Op } from '../world/op.ts';
import { clearing, reading, readingContent, writing } from '../world/point.ts';
import { FrameFlag, NONE } from '../world/world.ts';
import { findLockFrame, type Place } from './filemap.ts';
import { hasDisk, type Inode } from './inode.ts';

/** Writes what is dirty of the pages `[start, end)`, with the folios that they are part of. */
export function* fsyncRange(place: Place, inode: Inode, start: number, end: number): Op<void> {
  if (!hasDisk(inode)) return;
  yield reading(place.machine.objects.pages(inode.id));
  for (const index of inode.pages.within(start, end)) yield* writeBack(place, inode, index);
}

/**
 * Writes the folio of page `index` if it is in memory and dirty.
 *
 * @locks the folio lock, i_mmap_rwsem (read), then the lock of each table
 */
export function* writeBack(place: Place, inode: Inode, index: number): Op<void> {
  const { machine, cpu } = place;
  const frame = yield* findLockFrame(place, inode, index);
  if (frame === NONE) return;
  const head = headOf(machine, frame);
  yield reading(machine.objects.frame(head));
  // Entries are dirty only after their folio was: see pageMkwrite().
  if ((machine.frameFlags[head]! & FrameFlag.DIRTY) !== 0) {
    yield* rmapWalkFile(machine, cpu, head, cleanEntry, Sought.CLEANED);
    yield* takeContent(place, inode, head);
  }
  yield* unlockFolio(machine, cpu, frame);
  yield* putFrame(machine, cpu, frame);
}

function* takeContent({ machine }: Place, inode: Inode, head: number): Op<void> {
  yield writing(machine.objects.frame(head));
  machine.frameFlags[head]! &= ~FrameFlag.DIRTY;
  if (!machine.size.contents) return;
  const pages = 2 ** orderOf(machine, head);
  const first = machine.frameIndex[head]!;
  for (let offset = 0; offset < pages; offset++) {
    yield readingContent(machine.objects.frame(head + offset));
    const word = machine.frameData[head + offset]!;
    yield writing(machine.objects.pages(inode.id));
    inode.disk.set(first + offset, word);
  }
}

/** Called under the lock of the table. */
function* cleanEntry(machine: Machine, cpu: number, mapping: Mapping): Op<boolean> {
  const { mm, page, slot, level, frame } = mapping;
  assert(level === 0, 'what may be dirty of a file on a disk is mapped page by page');
  yield clearing(machine.objects.entry(slot));
  const flags = mappedFlagsAt(machine, slot);
  if ((flags & (W | DIRTY)) === 0) return true;
  const wasPresent = isPresentAt(machine, slot);
  setMapped(machine, slot, frame, flags & ~(W | DIRTY));
  if (wasPresent) {
    machine.ledger.openPage(machine.mmCpus[mm.id]!, mm.id, page, frame, (flags & W) !== 0);
    yield* flushMapped(machine, cpu, mm, page);
  }
  return true;
}
