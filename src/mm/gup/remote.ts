/**
 * What a debugger does: it reads and writes memory of a process, whatever the process itself may do
 * there. A word at a time, as ptrace(2) does it, and reads and writes of /proc/PID/mem.
 *
 * @source mm/memory.c __access_remote_vm(); fs/proc/base.c mem_rw() (Linux 6.18)
 * @omits  memory of devices (`vm_ops->access`)
 */
import { EIO } from '../../uapi/errno.ts';
import { headOf, markDirty } from '../page/frame.ts';
import type { Task } from '../task.ts';
import { findForTouch } from '../vma/grow.ts';
import type { Vma } from '../vma/vma.ts';
import {
  mmapReadLock,
  mmapReadUnlock,
  mmapWriteDowngrade,
  mmapWriteLock,
  mmapWriteUnlock,
} from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { reading, readingContent, writing, writingContent } from '../world/point.ts';
import { ungrab } from './grab.ts';
import { getPageLocked } from './gup.ts';
import { FOLL } from './rules.ts';

/**
 * The word of `page`, or EIO. PTRACE_PEEKDATA.
 *
 * @locks the mmap lock (read; for writing, if a stack grows), what the fault takes
 */
export function* peek(task: Task, page: number): Op<number> {
  return yield* accessRemote(task, page, undefined);
}

/** Writes `value` to the word of `page`; 0 or EIO. PTRACE_POKEDATA. @locks as `peek()` */
export function* poke(task: Task, page: number, value: number): Op<number> {
  return yield* accessRemote(task, page, value);
}

function* accessRemote(task: Task, page: number, written: number | undefined): Op<number> {
  const { machine, cpu, mm } = task;
  const vma = yield* lockForTouch(task, page);
  if (vma === undefined) return EIO;
  const flags = FOLL.GET | FOLL.FORCE | (written === undefined ? 0 : FOLL.WRITE);
  const frame = yield* getPageLocked(task, vma, page, flags);
  const result = frame < 0 ? EIO : yield* accessFrame(task, frame, written);
  yield* mmapReadUnlock(machine, cpu, mm.id);
  return result;
}

/** The VMA of `page`, with the mmap lock held for reading; `undefined`, and no lock, if there is none. */
function* lockForTouch(task: Task, page: number): Op<Vma | undefined> {
  const { machine, cpu, mm } = task;
  yield* mmapReadLock(machine, cpu, mm.id);
  yield reading(machine.objects.tree(mm.id));
  const vma = mm.vmas.at(page);
  if (vma !== undefined) return vma;
  yield* mmapReadUnlock(machine, cpu, mm.id);
  yield* mmapWriteLock(machine, cpu, mm.id);
  const grown = yield* findForTouch(task, page);
  yield* (grown === undefined ? mmapWriteUnlock : mmapWriteDowngrade)(machine, cpu, mm.id);
  return grown;
}

/** Drops the reference to the frame. */
function* accessFrame(task: Task, frame: number, written: number | undefined): Op<number> {
  const { machine } = task;
  const { objects, frameData } = machine;
  let result = 0;
  if (written === undefined) {
    yield readingContent(objects.frame(frame));
    result = frameData[frame]!;
  } else {
    yield writingContent(objects.frame(frame));
    frameData[frame] = written;
    const head = headOf(machine, frame);
    yield writing(objects.frame(head));
    markDirty(machine, head);
  }
  yield* ungrab(task, frame, false);
  return result;
}
