/**
 * MADV_COLD and MADV_PAGEOUT: pages that are not needed soon.
 *
 * @source mm/madvise.c madvise_cold(), madvise_pageout(), madvise_cold_or_pageout_pte_range()
 *         (Linux 6.18)
 * @omits  files that the process may not write to, large folios: they stay as they are; LRU lists
 */
import { ACCESSED } from '../../arch/index.ts';
import { EINVAL } from '../../uapi/errno.ts';
import { getFrame, headOf, orderOf, ZERO_FRAME } from '../page/frame.ts';
import { forgetMlocks, isMlocked } from '../rmap/mlock.ts';
import { flushTlbBatchedPending } from '../swap/unmap_flush.ts';
import { isMappedAt, mappedFlagsAt, mappedFrameAt, setMappedFlags } from '../table/mapped_entry.ts';
import { tlbChange, tlbFinishMmu, tlbGatherMmu } from '../table/mmu_gather.ts';
import { isPresentAt } from '../table/pgtable.ts';
import type { Task } from '../task.ts';
import { VM, type Vma } from '../vma/vma.ts';
import type { Op } from '../world/op.ts';
import { clearing, reading, writing } from '../world/point.ts';
import { reclaimPages } from './reclaim.ts';
import { forEachTable } from './tables.ts';

const FORBIDDEN = VM.LOCKED | VM.PFNMAP | VM.HUGETLB;

/** Called under the mmap lock, for reading. @returns 0 or a negative errno */
export function* adviseCold(task: Task, vma: Vma, start: number, end: number): Op<number> {
  const { machine, cpu, mm } = task;
  if ((vma.flags & FORBIDDEN) !== 0) return EINVAL;
  yield* tlbGatherMmu(machine, cpu, mm.id);
  yield* forEachTable(task, start, end, coolTable, false);
  yield* tlbFinishMmu(machine, cpu, mm.id);
  return 0;
}

/** Called under the lock of the table. */
function* coolTable(task: Task, first: number, start: number, end: number): Op<void> {
  const { machine, cpu } = task;
  yield* flushTlbBatchedPending(machine, cpu, task.mm);
  for (let page = start; page < end; page++) {
    const slot = first + page - start;
    const isOwn = yield* isMappedHereOnly(task, slot);
    if (!isOwn) continue;
    yield clearing(machine.objects.entry(slot));
    const flags = mappedFlagsAt(machine, slot);
    if ((flags & ACCESSED) === 0) continue;
    setMappedFlags(machine, slot, flags & ~ACCESSED);
    if (isPresentAt(machine, slot)) tlbChange(machine, cpu, page, page + 1);
  }
}

/** Called under the mmap lock, for reading. @returns 0 or a negative errno */
export function* advisePageout(task: Task, vma: Vma, start: number, end: number): Op<number> {
  if ((vma.flags & FORBIDDEN) !== 0) return EINVAL;
  const isolated: number[] = [];
  yield* forEachTable(
    task,
    start,
    end,
    function* isolate(_task: Task, first: number, from: number, to: number): Op<void> {
      yield* isolatePages(task, first, first + to - from, isolated);
    },
    false,
  );
  yield* reclaimPages(task, isolated);
  return 0;
}

/** Called under the lock of the table: the pages of its entries get a reference each. */
function* isolatePages(task: Task, first: number, end: number, isolated: number[]): Op<void> {
  const { machine, cpu, mm } = task;
  yield* flushTlbBatchedPending(machine, cpu, mm);
  for (let slot = first; slot < end; slot++) {
    const isOwn = yield* isMappedHereOnly(task, slot);
    if (!isOwn) continue;
    const frame = mappedFrameAt(machine, slot);
    yield writing(machine.objects.frame(frame));
    if (isMlocked(machine, frame)) {
      forgetMlocks(machine, frame);
      continue;
    }
    yield* getFrame(machine, frame);
    isolated.push(frame);
  }
}

/** Whether an entry is the only one for its page, so that nobody else loses anything. */
function* isMappedHereOnly({ machine }: Task, slot: number): Op<boolean> {
  yield reading(machine.objects.entry(slot));
  if (!isMappedAt(machine, slot)) return false;
  const frame = mappedFrameAt(machine, slot);
  if (frame === ZERO_FRAME) return false;
  const head = headOf(machine, frame);
  yield reading(machine.objects.frame(head));
  return orderOf(machine, head) === 0 && machine.frameMapcount[frame] === 1;
}
