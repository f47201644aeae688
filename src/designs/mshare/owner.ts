/**
 * Whose a region is: the thread's that made it, and it ends with that.
 *
 * The list of regions of a thread is what the regions say. It is not inherited by fork, and stays with
 * the thread through execve.
 *
 * @source v3 17/22 exit_mshare()
 */
import { closeInode, getInode } from '../../mm/file/shmem.ts';
import { unmapPages } from '../../mm/syscall/munmap.ts';
import type { Task } from '../../mm/task.ts';
import { mmapWriteLock, mmapWriteUnlock } from '../../mm/world/lock.ts';
import type { Op } from '../../mm/world/op.ts';
import { writing } from '../../mm/world/point.ts';
import {
  alignment,
  dataOf,
  inHost,
  type Owner,
  ownerOf,
  pagesOfRegion,
  type Region,
} from './region.ts';
import type { MshareVariant } from './variant.ts';

const isSame = (one: Owner | undefined, other: Owner): boolean =>
  one?.mm === other.mm && one.thread === other.thread;

/** The thread has ended: what its regions have goes, and nobody can attach them any more. */
export function* exitMshare(variant: MshareVariant, task: Task): Op<void> {
  if (!variant.hasOwner) return;
  const self = ownerOf(task);
  const { regions } = dataOf(task.machine);
  for (const region of [...regions.values()]) {
    if (regions.get(region.inode) !== region || !isSame(region.owner, self)) continue;
    // What nobody refers to any more goes anyway, with the next work.
    const isDead = task.machine.inodes.get(region.inode).references === 0;
    if (!isDead) yield* abandon(task, region);
  }
}

/**
 * @locks mmap (write) of the host, and what unmapping needs
 * @omits a failure to unmap, which v3 only logs
 */
function* abandon(task: Task, region: Region): Op<void> {
  const { machine, cpu } = task;
  const inode = machine.inodes.get(region.inode);
  yield* getInode(task, inode);
  yield writing(machine.objects.pages(inode.id));
  region.owner = undefined;
  yield* mmapWriteLock(machine, cpu, region.host);
  if (region.bytes > 0) {
    yield* unmapPages(inHost(task, region), alignment(machine.format), pagesOfRegion(region));
  }
  yield* mmapWriteUnlock(machine, cpu, region.host);
  yield* closeInode(task, inode);
}

/** A thread goes on in another address space, with its regions. */
export function keepOwner(from: Task, to: Task): void {
  const self = ownerOf(from);
  for (const region of dataOf(from.machine).regions.values()) {
    if (isSame(region.owner, self)) region.owner = ownerOf(to);
  }
}
