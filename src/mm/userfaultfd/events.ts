/**
 * Changes of an address space that userfaultfd is told of.
 *
 * A call that changes it notes the event under its locks: from then on nobody may fill pages, whose
 * places may be wrong. When the locks are dropped, the call waits until the event was read.
 *
 * @source fs/userfaultfd.c dup_userfaultfd(), mremap_userfaultfd_prep(), userfaultfd_remove(),
 *         userfaultfd_unmap_prep(), userfaultfd_event_wait_completion() (Linux 6.18)
 */
import { UffdFeature } from '../../uapi/userfaultfd.ts';
import type { Task } from '../task.ts';
import type { Mm } from '../vma/mm.ts';
import { VM_UFFD, type Vma } from '../vma/vma.ts';
import { lock, mmapReadLock, mmapReadUnlock, Rank, unlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { hasFeature, newUserfaultfd, type UffdEvent, type Userfaultfd } from './context.ts';
import { awaitUserfault, joinEvents } from './queue.ts';

/** An event that is told when the locks are dropped. */
export interface PendingEvent {
  readonly uffd: Userfaultfd;
  readonly event: UffdEvent;
}

/** Own data of a CPU: what the call under way will tell. */
function* note({ machine, cpu }: Task, uffd: Userfaultfd, event: UffdEvent): Op<void> {
  const guard = machine.objects.mapChangingLock(uffd.id);
  yield* lock(machine, cpu, guard, Rank.MAP_CHANGING);
  uffd.mmapChanging++;
  yield* unlock(machine, cpu, guard, Rank.MAP_CHANGING);
  machine.pendingEvents[cpu]!.push({ uffd, event });
}

/** Tells what was noted, and waits until it was read. Called without locks. */
export function* completeEvents(task: Task): Op<void> {
  const { machine, cpu } = task;
  const pending = machine.pendingEvents[cpu]!;
  while (pending.length > 0) {
    const { uffd, event } = pending.shift()!;
    yield* joinEvents(task, uffd, event);
    yield* awaitUserfault(task);
  }
}

/** What attaching and detaching segments unmaps is not told. */
export function forgetEvents({ machine, cpu }: Task): void {
  for (const { uffd } of machine.pendingEvents[cpu]!.splice(0)) uffd.mmapChanging--;
}

/** Lets nobody be told of faults of `vma`. Called under its write lock. */
export function resetUserfaultfd(vma: Vma): void {
  vma.userfaultfd = undefined;
  vma.flags &= ~VM_UFFD;
}

/**
 * The VMA `copy`, of `child`, is like one of the parent: a userfaultfd that wants to know gets another
 * one, for the child.
 */
export function* dupUserfaultfd(task: Task, child: Mm, copy: Vma): Op<void> {
  const { machine, cpu } = task;
  const uffd = copy.userfaultfd;
  if (uffd === undefined) return;
  if (!hasFeature(uffd, UffdFeature.EVENT_FORK) || machine.userfaultfds.isFull) {
    resetUserfaultfd(copy);
    return;
  }
  for (const { uffd: told, event } of machine.pendingEvents[cpu]!) {
    if (told !== uffd || event.kind !== 'fork') continue;
    copy.userfaultfd = event.child;
    return;
  }
  copy.userfaultfd = newUserfaultfd(task, child, uffd.features);
  yield* note(task, uffd, { kind: 'fork', child: copy.userfaultfd });
}

/** The moved pages are still watched if the move is told. Called under the VMA's write lock. */
export function* mremapUserfaultfd(
  task: Task,
  to: Vma,
  from: number,
  target: number,
  pages: number,
): Op<void> {
  const uffd = to.userfaultfd;
  if (uffd === undefined) return;
  if (!hasFeature(uffd, UffdFeature.EVENT_REMAP)) resetUserfaultfd(to);
  else yield* note(task, uffd, { kind: 'remap', from, to: target, pages });
}

/** Whether what is moved loses its write protection. @source vma_has_uffd_without_event_remap() */
export function losesWpByMove({ userfaultfd }: Vma): boolean {
  return userfaultfd !== undefined && !hasFeature(userfaultfd, UffdFeature.EVENT_REMAP);
}

/** VMAs of `[start, end)` are about to go. Called under the mmap write lock. */
export function* unmapUserfaultfd(
  task: Task,
  vmas: readonly Vma[],
  start: number,
  end: number,
): Op<void> {
  const told = new Set<Userfaultfd>();
  for (const { userfaultfd: uffd } of vmas) {
    if (uffd === undefined || told.has(uffd)) continue;
    if (!hasFeature(uffd, UffdFeature.EVENT_UNMAP)) continue;
    told.add(uffd);
    yield* note(task, uffd, { kind: 'unmap', start, end });
  }
}

/**
 * Pages are about to be freed. Called under the mmap lock, for reading, which is dropped and taken
 * again if that is told.
 *
 * @returns whether it was: then the VMA has to be looked up anew
 */
export function* removeUserfaultfd(
  task: Task,
  { userfaultfd: uffd }: Vma,
  start: number,
  end: number,
): Op<boolean> {
  if (uffd === undefined || !hasFeature(uffd, UffdFeature.EVENT_REMOVE)) return false;
  const { machine, cpu, mm } = task;
  yield* note(task, uffd, { kind: 'remove', start, end });
  yield* mmapReadUnlock(machine, cpu, mm.id);
  yield* completeEvents(task);
  yield* mmapReadLock(machine, cpu, mm.id);
  return true;
}
