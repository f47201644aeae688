/** process_madvise(2). @source mm/madvise.c process_madvise(), vector_madvise() (Linux 6.18) */
import { EACCES, EBADF, EFAULT, EINVAL, EPERM, ESRCH } from '../../uapi/errno.ts';
import { PAGE_BYTES } from '../../uapi/mman.ts';
import { isRemoteAdvice } from '../madvise/advice.ts';
import type { Task } from '../task.ts';
import type { Mm } from '../vma/mm.ts';
import { asInt, pageOf, pagesOf } from '../vma/pages.ts';
import type { Op } from '../world/op.ts';
import {
  doAdvice,
  madviseFinishTlb,
  madviseInitTlb,
  madviseLock,
  madviseUnlock,
  resultWithoutEffect,
} from './madvise.ts';

/** The process that a descriptor stands for. */
export interface Pidfd {
  /** `undefined` if it has exited. */
  readonly mm: Mm | undefined;
  /** Whether the caller may look into it (PTRACE_MODE_READ); its own process, always. */
  readonly mayRead: boolean;
}

/** A struct iovec. */
export interface Range {
  readonly address: number;
  readonly length: number;
}

export interface ProcessMadviseArguments {
  /** What the descriptor stands for, if it is one of a process. */
  readonly target: Pidfd | undefined;
  readonly ranges: readonly Range[];
  readonly advice: number;
  readonly flags: number;
  /** CAP_SYS_NICE: needed to advise on another process. */
  readonly mayInfluence: boolean;
}

/** UIO_MAXIOV */
const RANGES_MAX = 1024;
/** MAX_RW_COUNT: what a call may be about at most; more is cut off. */
const BYTES_MAX = 2 ** 31 - PAGE_BYTES;

/**
 * As madvise(2) of each range, until one fails.
 *
 * @returns how many bytes of ranges were done with, or a negative errno if none was
 * @locks   as madvise(2), once for all ranges, of the other address space
 */
export function* processMadvise(task: Task, call: ProcessMadviseArguments): Op<number> {
  const { target, mayInfluence } = call;
  const advice = asInt(call.advice);
  if (asInt(call.flags) !== 0) return EINVAL;
  const ranges = importRanges(task, call.ranges);
  if (typeof ranges === 'number') return ranges;
  if (target === undefined) return EBADF;
  if (target.mm === undefined) return ESRCH;
  const isOwn = target.mm === task.mm;
  if (!isOwn && !target.mayRead) return EACCES;
  if (!isOwn && !isRemoteAdvice(advice)) return EINVAL;
  if (!isOwn && !mayInfluence) return EPERM;
  return yield* adviseRanges({ ...task, mm: target.mm }, ranges, advice);
}

/** The ranges as far as they count, or a negative errno. @source lib/iov_iter.c __import_iovec() */
function importRanges({ mm }: Task, ranges: readonly Range[]): Range[] | number {
  if (ranges.length > RANGES_MAX) return EINVAL;
  if (ranges.some(({ length }) => length < 0)) return EINVAL;
  let left = BYTES_MAX;
  const imported: Range[] = [];
  for (const { address, length } of ranges) {
    // A range that is alone is cut off before it is looked at.
    const end = address + (ranges.length === 1 ? Math.min(left, length) : length);
    const isUserSpace = address >= 0 && end <= mm.layout.taskSize * PAGE_BYTES;
    if (!isUserSpace) return EFAULT;
    imported.push({ address, length: Math.min(left, length) });
    left -= Math.min(left, length);
  }
  return imported;
}

function* adviseRanges(task: Task, ranges: readonly Range[], advice: number): Op<number> {
  const total = ranges.reduce((sum, { length }) => sum + length, 0);
  let done = 0;
  let result = 0;
  yield* madviseLock(task, advice);
  yield* madviseInitTlb(task, advice);
  for (const { address, length } of ranges) {
    if (done === total) break;
    const start = pageOf(address);
    const early = resultWithoutEffect(address, length, advice);
    result = early ?? (yield* doAdvice(task, start, start + pagesOf(length), advice));
    if (result < 0) break;
    done += length;
  }
  yield* madviseFinishTlb(task, advice);
  yield* madviseUnlock(task, advice);
  return done === 0 ? result : done;
}
