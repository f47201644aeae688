/** mprotect(2). @source mm/mprotect.c do_mprotect_pkey(), mprotect_fixup() (Linux 6.18) */
import { EACCES, EINVAL, ENOMEM } from '../../uapi/errno.ts';
import { PROT } from '../../uapi/mman.ts';
import { Change, vmOpsOf } from '../design/design.ts';
import { afterChange, beforeChange, passCall } from '../design/seams.ts';
import { populateVma } from '../fault/populate.ts';
import { Fault } from '../fault/result.ts';
import { isHugetlb } from '../hugetlb/hstate.ts';
import { hugetlbChangeProtection } from '../hugetlb/protect.ts';
import { changeProtection } from '../table/change_protection.ts';
import { tlbFinishMmu, tlbGatherMmu } from '../table/mmu_gather.ts';
import type { Task } from '../task.ts';
import { leaveQueue } from '../userfaultfd/queue.ts';
import { mayBecome } from '../vma/limits.ts';
import type { Mm } from '../vma/mm.ts';
import { isPageAligned, pageOf, pagesOf, wrap } from '../vma/pages.ts';
import { isAnonymous, VM, VM_ACCESS, type Vma } from '../vma/vma.ts';
import { modifyFlags } from '../vma/vma_merge.ts';
import type { WalkForm } from '../walk/mm_walk.ts';
import { protectByWalk } from '../walk/protect_walk.ts';
import { mmapWriteLock, mmapWriteUnlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';

/**
 * What comes before a refusal stays done. The flush comes last, before the mmap lock is dropped.
 *
 * @param   form how tables are walked, if it is to be by `mm_walk_ops`: Linux 6.18 has loops of its own
 * @returns 0 or a negative errno
 * @locks   mmap (write), each VMA (write), then the page-table locks
 * @omits   protection keys
 */
export function* mprotect(
  task: Task,
  address: number,
  length: number,
  prot: number,
  form?: WalkForm,
): Op<number> {
  const { machine, cpu, mm } = task;
  if (machine.designs.length > 0) {
    const again = (other: Task, at: number) => mprotect(other, at, length, prot, form);
    const passed = yield* passCall(task, address, length, again);
    if (passed !== undefined) return passed;
  }
  yield* mmapWriteLock(machine, cpu, mm.id);
  yield* tlbGatherMmu(machine, cpu, mm.id);
  const result = yield* doMprotect(task, address, length, prot, form);
  yield* tlbFinishMmu(machine, cpu, mm.id);
  yield* mmapWriteUnlock(machine, cpu, mm.id);
  return result;
}

/** Called under the mmap write lock. @returns 0 or a negative errno */
function* doMprotect(
  task: Task,
  address: number,
  length: number,
  prot: number,
  form: WalkForm | undefined,
): Op<number> {
  const grows = prot & (PROT.GROWSDOWN | PROT.GROWSUP);
  if (grows === (PROT.GROWSDOWN | PROT.GROWSUP)) return EINVAL;
  if (!isPageAligned(address)) return EINVAL;
  if (length === 0) return 0;
  const start = pageOf(address);
  const end = wrap(start + pagesOf(length));
  if (end <= start) return ENOMEM;
  // An unsigned long: bits above the 32nd count.
  if (prot !== (prot & (VM_ACCESS | PROT.SEM | grows))) return EINVAL;
  const first = task.mm.vmas.find(start);
  if (first === undefined) return ENOMEM;
  if (grows === PROT.GROWSDOWN) {
    if (first.start >= end) return ENOMEM;
    if ((first.flags & VM.GROWSDOWN) === 0) return EINVAL;
    return yield* protectRange(task, first.start, end, prot & VM_ACCESS, form);
  }
  if (first.start > start) return ENOMEM;
  if (grows === PROT.GROWSUP) return EINVAL;
  return yield* protectRange(task, start, end, prot & VM_ACCESS, form);
}

function* protectRange(
  task: Task,
  start: number,
  end: number,
  access: number,
  form: WalkForm | undefined,
): Op<number> {
  for (let at = start; at < end; ) {
    const vma = task.mm.vmas.at(at);
    if (vma === undefined) return ENOMEM;
    const partEnd = Math.min(end, vma.end);
    const error = yield* protectPart(task, vma, at, partEnd, access, form);
    if (error < 0) return error;
    at = partEnd;
  }
  return 0;
}

function* protectPart(
  task: Task,
  vma: Vma,
  start: number,
  end: number,
  access: number,
  form: WalkForm | undefined,
): Op<number> {
  const old = vma.flags;
  const wanted = (old & ~VM_ACCESS) | access;
  // Each right needs the one four bits above it, which says that it may be had.
  if (access & ~(old >> 4) & VM_ACCESS) return EACCES;
  if (vmOpsOf(task.machine, vma)?.mayProtect === false) return EINVAL;
  if (wanted === old) return 0;
  const flags = accounted(task.mm, vma, wanted, end - start);
  if (flags === undefined) return ENOMEM;
  if (task.machine.designs.length > 0) yield* beforeChange(task, vma, start, end, Change.RIGHTS);
  const changed = yield* modifyFlags(task, vma, start, end, flags);
  if (typeof changed !== 'number') yield* changeRights(task, changed, start, end, form);
  if (task.machine.designs.length > 0) yield* afterChange(task, vma);
  if (typeof changed === 'number') return changed;
  const wasLockedUnwritten = (old & (VM.WRITE | VM.SHARED | VM.LOCKED)) === VM.LOCKED;
  if (wasLockedUnwritten && flags & VM.WRITE) yield* populateLocked(task, changed, start, end);
  return 0;
}

function* changeRights(
  task: Task,
  vma: Vma,
  start: number,
  end: number,
  form: WalkForm | undefined,
): Op<void> {
  if (form !== undefined) yield* protectByWalk(task, vma, start, end, form);
  else if (isHugetlb(vma)) yield* hugetlbChangeProtection(task, vma, start, end);
  else yield* changeProtection(task, vma, start, end);
}

/** Under the mmap write lock userfaultfd is not waited for. */
function* populateLocked(task: Task, vma: Vma, start: number, end: number): Op<void> {
  const result = yield* populateVma(task, vma, start, end);
  if (result === Fault.WAIT) yield* leaveQueue(task, vma.userfaultfd!);
}

/** @returns `wanted` with what is promised for it, or nothing if there is no room */
function accounted(mm: Mm, vma: Vma, wanted: number, pages: number): number | undefined {
  const { flags } = vma;
  if (!mayBecome(mm, flags, wanted, pages)) return undefined;
  if ((wanted & VM.WRITE) === 0) {
    const isUnused = isAnonymous(vma) && vma.anonVma === undefined;
    return isUnused ? wanted & ~VM.ACCOUNT : wanted;
  }
  // A promise is made once: for what becomes writable, and kept for what was.
  const kept = VM.ACCOUNT | VM.WRITE | VM.HUGETLB | VM.SHARED | VM.NORESERVE;
  if ((flags & kept) !== 0) return wanted;
  return mm.canCommit(pages) ? wanted | VM.ACCOUNT : undefined;
}
