/**
 * The end of a region: when its last name, open file and guest VMA have gone.
 *
 * The last reference may be dropped under the mmap lock of a guest. Like the kernel, which puts files
 * off to the end of the call (task_work), the host then goes when no lock is held.
 *
 * @source v3 04/22 mshare_evict_inode(), msharefs_delmm()
 */
import type { Place } from '../../mm/file/filemap.ts';
import type { Inode } from '../../mm/file/inode.ts';
import { exitMm } from '../../mm/process/exit.ts';
import { unmapPages } from '../../mm/syscall/munmap.ts';
import { freePgtables } from '../../mm/table/free_pgtables.ts';
import { tlbFinishMmu, tlbGatherMmu } from '../../mm/table/mmu_gather.ts';
import type { Task } from '../../mm/task.ts';
import { mmapWriteLock, mmapWriteUnlock } from '../../mm/world/lock.ts';
import type { Op } from '../../mm/world/op.ts';
import { alignment, dataOf, hostOf, pagesOfRegion, type Region, regionOfInode } from './region.ts';
import type { MshareVariant } from './variant.ts';

/** Called under any locks. */
export function putOff({ machine, cpu }: Place, inode: Inode): void {
  dataOf(machine).dead[cpu]!.push(regionOfInode(machine, inode)!);
}

/** Called without locks. */
export function* evictRegions(variant: MshareVariant, place: Place): Op<void> {
  const dead = dataOf(place.machine).dead[place.cpu]!;
  for (let region = dead.pop(); region !== undefined; region = dead.pop()) {
    yield* evict(variant, place, region);
  }
}

/**
 * exit_mmap() frees the tables of VMAs. A table that was kept for guests when the last VMA of its
 * 512 GiB went belongs to none: v3 loses it.
 */
function* evict(variant: MshareVariant, { machine, cpu }: Place, region: Region): Op<void> {
  const mm = hostOf(machine, region);
  const task = { machine, cpu, mm };
  if (variant.freesKept) yield* freeAll(task, pagesOfRegion(region));
  yield* exitMm(task);
  const { regions, hosts } = dataOf(machine);
  regions.delete(region.inode);
  hosts.delete(region.host);
  machine.inodes.remove(cpu, region.inode);
}

/** Takes everything out of a host, with the tables that nothing is mapped by. */
function* freeAll(task: Task, pages: number): Op<void> {
  const { machine, cpu, mm } = task;
  const start = alignment(machine.format);
  yield* mmapWriteLock(machine, cpu, mm.id);
  if (pages > 0) yield* unmapPages(task, start, pages);
  yield* tlbGatherMmu(machine, cpu, mm.id);
  yield* freePgtables(task, start, start + pages, { floor: 0, ceiling: Number.POSITIVE_INFINITY });
  yield* tlbFinishMmu(machine, cpu, mm.id);
  yield* mmapWriteUnlock(machine, cpu, mm.id);
}
