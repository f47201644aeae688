/**
 * Mutexes that let one at a time make or remove a certain page of a file: the file and the index say
 * which, and several pages may have the same one.
 *
 * @source mm/hugetlb.c hugetlb_fault_mutex_hash() (Linux 6.18)
 */
import type { Inode } from '../file/inode.ts';
import type { Task } from '../task.ts';
import { lock, Rank, unlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';

/** Where work is done: on behalf of any address space. */
type Place = Pick<Task, 'machine' | 'cpu'>;

function mutexOf({ machine }: Place, inode: Inode, index: number): number {
  return machine.objects.faultMutex((inode.id * 31 + index) % machine.objects.faultMutexes);
}

/** @param index in huge pages */
export function* faultMutexLock(place: Place, inode: Inode, index: number): Op<void> {
  yield* lock(place.machine, place.cpu, mutexOf(place, inode, index), Rank.FAULT_MUTEX);
}

export function* faultMutexUnlock(place: Place, inode: Inode, index: number): Op<void> {
  yield* unlock(place.machine, place.cpu, mutexOf(place, inode, index), Rank.FAULT_MUTEX);
}
