/**
 * A change of rights as a walk: what mprotect(2) would be if it used `mm_walk_ops`, in either form.
 *
 * Legacy, tables that are shared are given up where the first of their huge pages is met. Unified, at
 * the entry that refers to the table: behind it the walk finds nothing.
 *
 * Both need the locks of hugetlb for writing, for all of the VMA: who takes them table by table lets
 * others share, in between, tables whose entries still say what the VMA no longer does.
 */
import { changeHugePage } from '../huge/huge_protect.ts';
import { hugePages, hugeStart } from '../huge/huge_start.ts';
import { splitHugeEntry } from '../huge/split.ts';
import { granularOf } from '../hugetlb/granular.ts';
import { hstateOf, isHugetlb } from '../hugetlb/hstate.ts';
import { changeHugetlbEntry, hugetlbChangeProtection } from '../hugetlb/protect.ts';
import { blockOf } from '../hugetlb/share.ts';
import { flushUnshared, nothingUnshared, notifiedRange, unshareBlock } from '../hugetlb/unshare.ts';
import { invalidateRangeEnd, invalidateRangeStart } from '../notifier/notifier.ts';
import { Notify } from '../notifier/subscription.ts';
import { flushTlbBatchedPending } from '../swap/unmap_flush.ts';
import { changePte } from '../table/change_protection.ts';
import { isMappedAt } from '../table/mapped_entry.ts';
import { tlbChange } from '../table/mmu_gather.ts';
import { isTableAt } from '../table/pgtable.ts';
import type { Task } from '../task.ts';
import { WpChange } from '../userfaultfd/wp_change.ts';
import type { Vma } from '../vma/vma.ts';
import type { Op } from '../world/op.ts';
import { reading } from '../world/point.ts';
import { type MmWalk, type MmWalkOps, WalkAction, type WalkForm, WalkLock } from './mm_walk.ts';
import { walkPageRange } from './page_walk.ts';

type Walk = MmWalk<undefined>;

/**
 * Gives the pages of `[start, end)`, which lies in `vma`, its rights. Called as `changeProtection()`.
 *
 * @locks of a VMA of hugetlb: its lock and i_mmap_rwsem, both for writing; page-table locks
 */
export function* protectByWalk(
  task: Task,
  vma: Vma,
  start: number,
  end: number,
  form: WalkForm,
): Op<void> {
  const { machine, mm } = task;
  if (granularOf(machine, vma) !== undefined) {
    yield* hugetlbChangeProtection(task, vma, start, end);
    return;
  }
  const [from, to] = isHugetlb(vma) ? notifiedRange(task, vma, start, end) : [start, end];
  yield* invalidateRangeStart(task, mm, from, to, Notify.PROTECTION_VMA);
  yield* walkPageRange(task, start, end, OPS, undefined, form);
  yield* invalidateRangeEnd(task, mm, from, to, Notify.PROTECTION_VMA);
}

const OPS: MmWalkOps<undefined> = {
  walkLock: WalkLock.WRLOCK_VERIFY,
  unshares: true,
  pudEntry: protectPud,
  pmdEntry: protectPmd,
  *pteEntry(walk, slot, page) {
    const { machine, cpu, mm } = walk.task;
    if (isHugetlb(walk.vma!)) return yield* protectHugetlb(walk, slot, page);
    yield* flushTlbBatchedPending(machine, cpu, mm);
    yield* changePte(walk.task, walk.vma!, slot, page, WpChange.NONE);
    return 0;
  },
  hugetlbEntry: protectHugetlb,
};

function* protectPud(walk: Walk, slot: number, page: number): Op<number> {
  const { task, vma } = walk;
  yield reading(task.machine.objects.entry(slot));
  if (!isHugetlb(vma!)) return 0;
  if (isTableAt(task.machine, slot, 2)) {
    const { level } = hstateOf(vma!);
    if (level === 1) yield* unshareBlock(task, vma!, blockOf(task, page)[0]);
    return 0;
  }
  walk.action = WalkAction.CONTINUE;
  return yield* protectHugetlb(walk, slot, page);
}

/** A transparent huge page stays one if all of it changes. */
function* protectPmd(walk: Walk, slot: number, page: number, end: number): Op<number> {
  const { task, vma } = walk;
  const { machine, mm } = task;
  yield reading(machine.objects.entry(slot));
  if (isTableAt(machine, slot, 1)) return 0;
  walk.action = WalkAction.CONTINUE;
  if (isHugetlb(vma!)) return yield* protectHugetlb(walk, slot, page);
  if (!isMappedAt(machine, slot, 1)) return 0;
  if (end - page === hugePages(machine)) {
    yield* changeHugePage(task, vma!, page, slot);
    return 0;
  }
  yield* splitHugeEntry(task, mm, hugeStart(machine, page), slot);
  walk.action = WalkAction.AGAIN;
  return 0;
}

/** Of a run of entries, the first one stands for all. */
function* protectHugetlb(walk: Walk, slot: number, page: number): Op<number> {
  const { task, vma } = walk;
  const { machine, cpu } = task;
  const { pages } = hstateOf(vma!);
  if (page % pages > 0) return 0;
  const unshared = nothingUnshared();
  yield* changeHugetlbEntry(task, vma!, page, slot, WpChange.NONE, unshared);
  yield* flushUnshared(task, unshared);
  tlbChange(machine, cpu, page, page + pages);
  return 0;
}
