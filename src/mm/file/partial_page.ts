/**
 * The page in which a file on a disk ends, or in which a hole does: the rest of it is made zeroes, in
 * memory.
 *
 * Where the disk has nothing of it, there is nothing to clear; but by then the page is in the page
 * cache, without what the disk has of it. Reading ahead and fault-around pass it over.
 *
 * @source fs/ext4/inode.c ext4_block_zero_page_range(), ext4_zero_partial_blocks(),
 *         ext4_block_truncate_page() (Linux 6.18)
 */
import { PAGE_BYTES } from '../../uapi/mman.ts';
import { unlockFolio } from '../page/folio_lock.ts';
import { putFrame } from '../page/frame.ts';
import type { Op } from '../world/op.ts';
import { addFolio, type Place } from './filemap.ts';
import { type Inode, isMemory } from './inode.ts';

/** Called under i_rwsem: has the page of byte `at` in memory, unless that is the first one of it. */
export function* zeroPartialPage(place: Place, inode: Inode, at: number): Op<void> {
  if (isMemory(inode) || at % PAGE_BYTES === 0) return;
  const frame = yield* addFolio(place, inode, Math.floor(at / PAGE_BYTES), 0, 0);
  if (frame < 0) return;
  yield* unlockFolio(place.machine, place.cpu, frame);
  yield* putFrame(place.machine, place.cpu, frame);
}
