/** The last reference to an address space may be that of an ioctl. @source kernel/fork.c mmput() */
import { exitMm } from '../process/exit.ts';
import type { Task } from '../task.ts';
import type { Op } from '../world/op.ts';
import { writing } from '../world/point.ts';

/** Drops what `mmgetNotZero()` got. Called without locks. */
export function* mmput(task: Task): Op<void> {
  yield writing(task.machine.objects.cpuMask(task.mm.id));
  task.mm.users--;
  if (task.mm.users === 0) yield* exitMm(task);
}
