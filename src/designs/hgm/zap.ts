/**
 * Taking huge pages out of an address space, piece by piece. Each entry gives back its reference to the
 * folio, and what it counted. Tables stay, as do those of other pages, until the address space is given
 * back or collapsed, but in RFC v1: where the entry of the huge page is what is counted, it is emptied.
 *
 * @source HGM v2, mm/hugetlb.c __unmap_hugepage_range()
 * @omits  keeping markers of userfaultfd-wp
 */
import { DIRTY, W } from '../../arch/index.ts';
import { hstateOf, nextBlock } from '../../mm/hugetlb/hstate.ts';
import { clearHugePte, hugePteFlags } from '../../mm/hugetlb/huge_pte.ts';
import { headOf } from '../../mm/page/frame.ts';
import { isGatherFull, tlbChange, tlbFlushMmu, tlbRemovePage } from '../../mm/table/mmu_gather.ts';
import { checkTable, isPresentAt } from '../../mm/table/pgtable.ts';
import type { Task } from '../../mm/task.ts';
import type { Vma } from '../../mm/vma/vma.ts';
import { lock, Rank, unlock } from '../../mm/world/lock.ts';
import type { Op } from '../../mm/world/op.ts';
import { clearing, reading, writing } from '../../mm/world/point.ts';
import { FrameFlag } from '../../mm/world/world.ts';
import { countPiece } from './counting.ts';
import {
  firstOf,
  frameOf,
  Held,
  type HugetlbPte,
  heldAt,
  lockOfPiece,
  newHugetlbPte,
} from './hugetlb_pte.ts';
import type { HgmOptions } from './options.ts';
import { emptyTop } from './top.ts';
import { fullWalk } from './walk.ts';

/**
 * Unmaps `[start, end)`, which is whole huge pages. Called under i_mmap_rwsem and the lock of the VMA,
 * both for writing, with a gather begun.
 */
export function* unmapGranular(
  task: Task,
  vma: Vma,
  start: number,
  end: number,
  options: HgmOptions,
): Op<void> {
  yield* unmapPieces(task, vma, start, end, options);
  if (options.counting !== 'top') return;
  const { pages } = hstateOf(vma);
  for (let page = start; page < end; page += pages) yield* emptyTop(task, vma, page, -1);
}

/** Unmaps the pieces that lie in `[start, end)`. What else is needed is the caller's. */
export function* unmapPieces(
  task: Task,
  vma: Vma,
  start: number,
  end: number,
  options: HgmOptions,
): Op<void> {
  const { machine, cpu, mm } = task;
  const at = newHugetlbPte();
  for (let page = start; page < end; ) {
    const isThere = yield* fullWalk(machine, mm, vma, page, at);
    if (!isThere) {
      page = nextBlock(machine, hstateOf(vma), page);
      continue;
    }
    const isDone = yield* zapPiece(task, vma, page, at, options);
    if (isGatherFull(machine, cpu)) yield* tlbFlushMmu(machine, cpu, mm.id);
    if (isDone) page = firstOf(at, page) + at.pages;
  }
}

/** @returns false if the place was divided meanwhile */
function* zapPiece(
  task: Task,
  vma: Vma,
  page: number,
  at: HugetlbPte,
  options: HgmOptions,
): Op<boolean> {
  const { machine, cpu, mm } = task;
  const guard = lockOfPiece(machine, mm, at);
  yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
  yield reading(machine.objects.entry(at.slot));
  const held = checkTable(machine, at.slot) ? heldAt(machine, at) : Held.NONE;
  if (held === Held.LEAF) yield* zapLeaf(task, vma, page, at, options);
  else if (held === Held.MARKER || held === Held.SOFT) {
    yield clearing(machine.objects.entry(at.slot));
    clearHugePte(machine, at.slot, at);
  }
  yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
  return held !== Held.FINER;
}

function* zapLeaf(
  task: Task,
  vma: Vma,
  page: number,
  at: HugetlbPte,
  { counting }: HgmOptions,
): Op<void> {
  const { machine, cpu, mm } = task;
  const first = firstOf(at, page);
  const frame = frameOf(machine, at);
  yield clearing(machine.objects.entry(at.slot));
  const flags = hugePteFlags(machine, at.slot, at);
  const wasPresent = isPresentAt(machine, at.slot);
  clearHugePte(machine, at.slot, at);
  tlbChange(machine, cpu, first, first + at.pages);
  if (wasPresent) {
    const isWritable = (flags & W) !== 0;
    const cpus = machine.mmCpus[mm.id]!;
    machine.ledger.openFolio(cpus, mm.id, first, first + at.pages, frame, isWritable);
  }
  mm.hugetlbPages -= at.pages;
  const head = headOf(machine, frame);
  yield writing(machine.objects.frame(head));
  countPiece(machine, counting, frame, at.pages, -1, at.pages === hstateOf(vma).pages);
  if ((flags & DIRTY) !== 0) machine.frameFlags[head]! |= FrameFlag.DIRTY;
  tlbRemovePage(machine, cpu, first, head);
}

/** Whether a piece of the huge page of `page` is mapped, to the folio `head`. */
export function* mapsFolio(task: Task, vma: Vma, page: number, head: number): Op<boolean> {
  const { machine, mm } = task;
  const at = newHugetlbPte();
  const end = page + hstateOf(vma).pages;
  for (let next = page; next < end; next = firstOf(at, next) + at.pages) {
    const isThere = yield* fullWalk(machine, mm, vma, next, at);
    if (!isThere) return false;
    yield reading(machine.objects.entry(at.slot));
    if (!checkTable(machine, at.slot)) return false;
    if (heldAt(machine, at) !== Held.LEAF) continue;
    return headOf(machine, frameOf(machine, at)) === head;
  }
  return false;
}
