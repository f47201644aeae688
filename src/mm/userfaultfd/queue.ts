/**
 * The queues of a userfaultfd: faults that wait to be resolved, events that wait to be read.
 *
 * A fault joins the queue under its locks, looks at the entry once more, drops the locks and sleeps.
 * Who resolves it changes the entry first and wakes afterwards, so that one of the two sees the other.
 * A step on a queue is done in one go: it is what the kernel does under the spinlock of the queue.
 *
 * Run alone, without a scheduler, nobody can wake anybody: then the fault stays in the queue as that
 * of a thread that waits, and the access ends with `Fault.WAIT`.
 *
 * @source fs/userfaultfd.c userfaultfd_wake_function(), userfaultfd_ctx_read(),
 *         userfaultfd_event_wait_completion(), wake_userfault() (Linux 6.18)
 */
import { UffdFeature } from '../../uapi/userfaultfd.ts';
import type { Task } from '../task.ts';
import type { Op } from '../world/op.ts';
import { sleeping, writing } from '../world/point.ts';
import { NONE } from '../world/world.ts';
import { hasFeature, type UffdEvent, type Userfaultfd, type WaitingFault } from './context.ts';

type Place = Pick<Task, 'machine' | 'cpu'>;

/** What a read of the descriptor returns: a fault, or an event. */
export type UffdMessage =
  | {
      readonly kind: 'pagefault';
      readonly page: number;
      readonly flags: number;
      readonly thread: number;
    }
  | UffdEvent;

/** Puts a fault of `task` into the queue: from here on it is seen by readers, and can be woken. */
export function* joinQueue(
  { machine, cpu, thread }: Task,
  uffd: Userfaultfd,
  page: number,
  flags: number,
): Op<WaitingFault> {
  const isTold = hasFeature(uffd, UffdFeature.THREAD_ID);
  const fault = { page, flags, thread: isTold ? (thread ?? 0) : 0, cpu, isRead: false };
  yield writing(machine.objects.userfaults(uffd.id));
  uffd.faults.push(fault);
  machine.asleep[cpu] = 1;
  machine.sleepQueue[cpu] = uffd.id;
  return fault;
}

/** Takes a fault out of the queue again that does not have to wait. */
export function* leaveQueue({ machine, cpu }: Place, uffd: Userfaultfd): Op<void> {
  yield writing(machine.objects.userfaults(uffd.id));
  uffd.faults = uffd.faults.filter((fault) => fault.cpu !== cpu);
  machine.asleep[cpu] = 0;
}

/**
 * Waits until the fault that joined a queue last is woken. Called without locks.
 *
 * @returns false if nobody is there to wake it
 */
export function* awaitUserfault({ machine, cpu }: Place): Op<boolean> {
  const queue = machine.sleepQueue[cpu]!;
  yield sleeping(machine.objects.userfaults(queue));
  if (machine.asleep[cpu] === 0) return true;
  machine.asleep[cpu] = 0;
  const uffd = machine.userfaultfds.get(queue);
  for (const fault of uffd.faults) if (fault.cpu === cpu) fault.cpu = NONE;
  for (const event of uffd.events) if (event.cpu === cpu) event.cpu = NONE;
  return false;
}

/** Wakes the faults of `[start, end)`, read or not. */
export function* wakeUserfault(
  { machine }: Pick<Task, 'machine'>,
  uffd: Userfaultfd,
  start: number,
  end: number,
): Op<void> {
  yield writing(machine.objects.userfaults(uffd.id));
  const left: WaitingFault[] = [];
  for (const fault of uffd.faults) {
    if (fault.page < start || fault.page >= end) left.push(fault);
    else if (fault.cpu !== NONE) machine.asleep[fault.cpu] = 0;
  }
  uffd.faults = left;
}

/** Puts an event into the queue, for `awaitUserfault()` to wait until it is read. */
export function* joinEvents(
  { machine, cpu }: Place,
  uffd: Userfaultfd,
  event: UffdEvent,
): Op<void> {
  yield writing(machine.objects.userfaults(uffd.id));
  if (uffd.isReleased) {
    uffd.mmapChanging--;
    machine.asleep[cpu] = 0;
  } else {
    uffd.events.push({ event, cpu });
    machine.asleep[cpu] = 1;
  }
  machine.sleepQueue[cpu] = uffd.id;
}

/**
 * Reads a message: the first fault that was not read yet, or else the first event, whose call goes on.
 *
 * @returns `undefined` if there is none (EAGAIN of a descriptor that does not block)
 */
export function* readUserfaultfd(
  { machine }: Pick<Task, 'machine'>,
  uffd: Userfaultfd,
): Op<UffdMessage | undefined> {
  yield writing(machine.objects.userfaults(uffd.id));
  const fault = uffd.faults.find(({ isRead }) => !isRead);
  if (fault !== undefined) {
    fault.isRead = true;
    const { page, flags, thread } = fault;
    return { kind: 'pagefault', page, flags, thread };
  }
  const waiting = uffd.events.shift();
  if (waiting === undefined) return undefined;
  uffd.mmapChanging--;
  if (waiting.cpu !== NONE) machine.asleep[waiting.cpu] = 0;
  return waiting.event;
}
