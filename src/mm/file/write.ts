/** Writing to a file, as far as its pages are concerned. @source mm/filemap.c generic_perform_write() */
import { EBADF, EINVAL, ENOMEM } from '../../uapi/errno.ts';
import { PAGE_BYTES } from '../../uapi/mman.ts';
import { unlockFolio } from '../page/folio_lock.ts';
import { headOf, putFrame } from '../page/frame.ts';
import { lock, Rank, unlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { writing, writingContent } from '../world/point.ts';
import { FrameFlag, NONE } from '../world/world.ts';
import { getLockedFrame, type Place } from './filemap.ts';
import type { OpenFile } from './open_file.ts';
import { zeroPartialPage } from './partial_page.ts';

/**
 * pwrite(2) of `length` bytes at `offset`: pages whose first word is among them hold `value`.
 *
 * @returns the number of bytes, or a negative errno
 */
export function* writeFile(
  place: Place,
  file: OpenFile,
  offset: number,
  length: number,
  value: number,
): Op<number> {
  const { machine, cpu } = place;
  const inode = file.mapped?.inode;
  if (inode === undefined || !file.isWritable) return EBADF;
  // Files of hugetlbfs are mapped.
  if (inode.hugetlb !== undefined) return EINVAL;
  yield* lock(machine, cpu, machine.objects.inodeLock(inode.id), Rank.INODE);
  yield writing(machine.objects.pages(inode.id));
  if (offset > inode.bytes) yield* zeroPartialPage(place, inode, inode.bytes);
  const end = offset + length;
  let at = offset;
  while (at < end) {
    const index = Math.floor(at / PAGE_BYTES);
    const frame = yield* getLockedFrame(place, inode, index);
    if (frame === NONE) break;
    const head = headOf(machine, frame);
    yield writing(machine.objects.frame(head));
    machine.frameFlags[head]! |= FrameFlag.DIRTY | FrameFlag.UPTODATE;
    yield writingContent(machine.objects.frame(frame));
    if (machine.size.contents && at === index * PAGE_BYTES) machine.frameData[frame] = value;
    at = Math.min(end, (index + 1) * PAGE_BYTES);
    yield writing(machine.objects.pages(inode.id));
    if (at > inode.bytes) inode.bytes = at;
    yield* unlockFolio(machine, cpu, frame);
    yield* putFrame(machine, cpu, frame);
  }
  yield* unlock(machine, cpu, machine.objects.inodeLock(inode.id), Rank.INODE);
  return at === offset && length > 0 ? ENOMEM : at - offset;
}
