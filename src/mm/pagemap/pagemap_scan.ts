/**
 * PAGEMAP_SCAN of /proc/PID/pagemap: what pages are, and write protection of those that are told of.
 *
 * @source fs/proc/task_mmu.c do_pagemap_scan(), pagemap_scan_get_args() (Linux 6.18);
 *         Documentation/admin-guide/mm/pagemap.rst
 */
import { EFAULT, EINVAL, ENOSPC } from '../../uapi/errno.ts';
import { PAGE_BYTES } from '../../uapi/mman.ts';
import { PageIs, PmScan } from '../../uapi/pagemap.ts';
import { invalidateRangeEnd, invalidateRangeStart } from '../notifier/notifier.ts';
import { Notify } from '../notifier/subscription.ts';
import type { Task } from '../task.ts';
import { isPageAligned, pageOf, pagesOf } from '../vma/pages.ts';
import { WalkForm } from '../walk/mm_walk.ts';
import { walkPageRange } from '../walk/page_walk.ts';
import { mmapReadLock, mmapReadUnlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { type PageRegion, type PmScanArg, PmScanState } from './scan_state.ts';
import { SCAN_OPS } from './scan_walk.ts';

const FLAGS = PmScan.WP_MATCHING | PmScan.CHECK_WPASYNC;
const CATEGORIES = Object.values(PageIs).reduce((all, one) => all | one, 0);

export interface PmScanResult {
  /** How many regions there are, or a negative errno. */
  readonly result: number;
  /**
   * In bytes: where another scan is to go on. Not beyond 512 regions: if the buffer was emptied on the
   * way, the kernel says where that was, though it went on to the end.
   */
  readonly walkEnd: number;
  readonly regions: readonly PageRegion[];
}

/**
 * Scans pages of `task.mm`, under whatever form of the walk.
 *
 * @locks mmap (read), as long as the buffer is not full; what `SCAN_OPS` takes
 */
export function* pagemapScan(
  task: Task,
  arg: PmScanArg,
  form: WalkForm = WalkForm.LEGACY,
): Op<PmScanResult> {
  const error = checkArg(task, arg);
  if (error < 0) return { result: error, walkEnd: 0, regions: [] };
  const { machine, cpu, mm } = task;
  const end = pageOf(arg.start) + pagesOf(arg.end - arg.start);
  const state = new PmScanState(arg);
  let result = 0;
  for (let start = pageOf(arg.start); start < end; start = state.walkEnd) {
    yield* mmapReadLock(machine, cpu, mm.id);
    const { isProtecting } = state;
    const event = Notify.PROTECTION_VMA;
    if (isProtecting) yield* invalidateRangeStart(task, mm, start, end, event);
    result = yield* walkPageRange(task, start, end, SCAN_OPS, state, form);
    if (isProtecting) yield* invalidateRangeEnd(task, mm, start, end, event);
    yield* mmapReadUnlock(machine, cpu, mm.id);
    state.empty();
    if (result !== ENOSPC || state.isFull) break;
  }
  const isStopped = result === 0 || result === ENOSPC;
  return {
    result: isStopped ? state.regions.length : result,
    walkEnd: (state.walkEnd === 0 ? end : state.walkEnd) * PAGE_BYTES,
    regions: state.regions,
  };
}

/** @returns 0, EINVAL or EFAULT */
function checkArg({ mm }: Task, arg: PmScanArg): number {
  const { flags, start, end, categoryInverted, categoryMask, categoryAnyofMask, returnMask } = arg;
  if ((flags & ~FLAGS) !== 0) return EINVAL;
  const categories = categoryInverted | categoryMask | categoryAnyofMask | returnMask;
  if ((categories & ~CATEGORIES) !== 0) return EINVAL;
  if (!isPageAligned(start)) return EINVAL;
  const isUserSpace = start >= 0 && end >= start && end <= mm.layout.taskSize * PAGE_BYTES;
  return isUserSpace ? 0 : EFAULT;
}
