/** Memory that is a file, and the end of inodes. @source mm/shmem.c, fs/inode.c (Linux 6.18) */
import { PAGE_BYTES } from '../../uapi/mman.ts';
import { evictInode, taskWork } from '../design/seams.ts';
import { evictHugetlb } from '../hugetlb/file.ts';
import type { Machine } from '../machine.ts';
import { lockFolio, unlockFolio } from '../page/folio_lock.ts';
import { getFrame, putFrame } from '../page/frame.ts';
import type { Op } from '../world/op.ts';
import { writing } from '../world/point.ts';
import { NONE } from '../world/world.ts';
import { type Place, removeFrame } from './filemap.ts';
import { type Inode, newInode } from './inode.ts';

/** A file of `pages` pages that only VMAs will refer to: shared anonymous memory. */
export function newShmem(machine: Machine, cpu: number, pages: number): Inode {
  return newInode(machine, cpu, { fileSystem: 'shmem', bytes: pages * PAGE_BYTES, references: 0 });
}

/** Another reference to an inode. */
export function* getInode({ machine }: Place, inode: Inode): Op<void> {
  yield writing(machine.objects.pages(inode.id));
  inode.references++;
}

/** Drops a reference; nameless files go with the last one. Called without locks. */
export function* closeInode(place: Place, inode: Inode): Op<void> {
  yield writing(place.machine.objects.pages(inode.id));
  inode.references--;
  yield* putInode(place, inode);
  if (inode.design !== undefined) yield* taskWork(place);
}

/** Frees an inode that nobody refers to any more, with its pages. */
export function* putInode(place: Place, inode: Inode): Op<void> {
  const { machine, cpu } = place;
  yield writing(machine.objects.pages(inode.id));
  if (inode.references > 0) return;
  if (inode.design !== undefined) {
    evictInode(place, inode);
    return;
  }
  if (inode.hugetlb !== undefined) yield* evictHugetlb(place, inode);
  for (const index of inode.pages.within(0, Number.POSITIVE_INFINITY)) {
    const frame = inode.pages.get(index);
    // The rest of a folio has gone with its first page.
    if (frame === NONE) continue;
    yield* getFrame(machine, frame);
    yield* lockFolio(machine, cpu, frame);
    yield* removeFrame(place, inode, frame);
    yield* unlockFolio(machine, cpu, frame);
    yield* putFrame(machine, cpu, frame);
  }
  machine.inodes.remove(cpu, inode.id);
}
