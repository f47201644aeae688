/**
 * fork(2), and clone(2) as far as address spaces go.
 *
 * The parent is locked against everybody: the mmap lock keeps out calls, and each VMA is write-locked,
 * or a fault under a VMA lock alone would change pages while they are being copied. Pages of the
 * parent lose the right to be written to; the flush that makes this true on all CPUs is complete
 * before the lock is dropped.
 *
 * @source kernel/fork.c dup_mm(), copy_mm(); mm/mmap.c dup_mmap() (Linux 6.18)
 * @omits  NUMA policies, KSM, signals that end a fork half way
 */
import { ENOMEM } from '../../uapi/errno.ts';
import { isHugetlb } from '../hugetlb/hstate.ts';
import { placeBehind } from '../hugetlb/i_mmap.ts';
import { openHugetlb } from '../hugetlb/reserve.ts';
import { anonVmaFork } from '../rmap/anon_vma_fork.ts';
import { linkFile, lockLinks, unlockLinks } from '../rmap/links.ts';
import { type Task, taskOn } from '../task.ts';
import { completeEvents, dupUserfaultfd } from '../userfaultfd/events.ts';
import { Mm } from '../vma/mm.ts';
import { newVma, VM, type Vma } from '../vma/vma.ts';
import { attachVma, vmaStartWrite } from '../vma/vma_lock.ts';
import {
  mmapWriteLock,
  mmapWriteLockNested,
  mmapWriteUnlock,
  mmapWriteUnlockNested,
} from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { writing } from '../world/point.ts';
import { allocTable } from '../world/table_page.ts';
import { flushTlbMmRange } from '../world/tlb.ts';
import { NONE } from '../world/world.ts';
import { copyPageRange } from './copy_page_range.ts';
import { exitMm } from './exit.ts';

/**
 * A child process with a copy of the address space, its first task on `cpu`.
 *
 * @returns the task of the child, or ENOMEM
 * @locks   mmap (write) of the parent, then of the child; each VMA (write); i_mmap_rwsem; the lock of
 *          the anon_vma; the lock of a table of the child, then of the parent
 */
export function* fork(task: Task, cpu: number): Op<Task | typeof ENOMEM> {
  const { machine, mm } = task;
  const child = yield* newMm(task);
  if (child === undefined) return ENOMEM;
  yield* mmapWriteLock(machine, task.cpu, mm.id);
  yield* mmapWriteLockNested(machine, task.cpu, child.id);
  const error = yield* dupMmap(task, child);
  yield* mmapWriteUnlockNested(machine, task.cpu, child.id);
  const { forkWithoutFlush } = machine.bugs;
  if (forkWithoutFlush !== true) {
    yield* flushTlbMmRange(machine, task.cpu, mm.id, 0, Number.MAX_SAFE_INTEGER);
  }
  yield* mmapWriteUnlock(machine, task.cpu, mm.id);
  yield* completeEvents(task);
  if (error < 0) {
    yield* exitMm({ machine, cpu: task.cpu, mm: child });
    return ENOMEM;
  }
  yield writing(machine.objects.cpuMask(child.id));
  return taskOn(machine, cpu, child.id);
}

/** A thread, or the child of vfork(2): a task on `cpu` in the same address space (CLONE_VM). */
export function* cloneVm({ machine, mm }: Task, cpu: number): Op<Task> {
  yield writing(machine.objects.cpuMask(mm.id));
  mm.users++;
  return { ...taskOn(machine, cpu, mm.id), thread: mm.threads++ };
}

/** An address space like that of `task`, with nothing in it; `undefined` if memory is exhausted. */
function* newMm({ machine, cpu, mm }: Task): Op<Mm | undefined> {
  if (machine.mms.isFull) return undefined;
  const root = yield* allocTable(machine, cpu);
  if (root === NONE) return undefined;
  const child = machine.mms.add(cpu, (id) => new Mm(id, root, mm.layout));
  machine.tableMm[root] = child.id;
  machine.trace?.tableLink(child.id, root, NONE, 0, machine.format.levels - 1, 0);
  child.brkBytes = mm.brkBytes;
  return child;
}

/** Called under both mmap locks. @returns 0 or ENOMEM, with what was copied until then */
function* dupMmap(task: Task, child: Mm): Op<number> {
  const { machine, mm } = task;
  for (const vma of mm.vmas.all()) {
    if (machine.bugs.forkWithoutVmaLocks !== true) yield* vmaStartWrite(machine, mm, vma);
    if ((vma.flags & VM.DONTCOPY) !== 0) continue;
    const isPromised = (vma.flags & VM.ACCOUNT) === 0 || mm.canCommit(vma.end - vma.start);
    if (!isPromised || machine.vmas.isFull) return ENOMEM;
    const isWiped = (vma.flags & VM.WIPEONFORK) !== 0;
    const copy = yield* dupVma(task, child, vma, isWiped);
    if (isWiped) continue;
    const error = yield* copyPageRange(task, child, copy, vma);
    if (error < 0) return error;
  }
  return 0;
}

/** The VMA of `child` that is made from `vma`, in all lists. What is wiped forgets its pages. */
function* dupVma(task: Task, child: Mm, vma: Vma, isWiped: boolean): Op<Vma> {
  const { machine, cpu } = task;
  const flags = vma.flags & ~(VM.LOCKED | VM.LOCKONFAULT);
  const copy = newVma({ ...vma, flags });
  yield* dupUserfaultfd(task, child, copy);
  if (isHugetlb(vma)) openHugetlb(task, copy, vma, true);
  if (!isWiped) yield* anonVmaFork(task, child, copy, vma);
  yield* attachVma(machine, cpu, child, copy);
  const { file } = copy;
  yield* lockLinks(task, { file, anonVma: undefined });
  linkFile(child, copy);
  if (isHugetlb(vma)) placeBehind(vma.file!.inode, copy, vma);
  yield* unlockLinks(task, { file, anonVma: undefined });
  return copy;
}
