/**
 * The walk of page tables that most of the kernel uses which looks at more than one page.
 *
 * @source mm/pagewalk.c walk_page_range(), walk_page_test(), process_mm_walk_lock() (Linux 6.18)
 * @omits  walks of the kernel's own tables, install_pte
 */
import { assert } from '../../base/assert.ts';
import { EINVAL } from '../../uapi/errno.ts';
import { isHugetlb } from '../hugetlb/hstate.ts';
import type { Task } from '../task.ts';
import { VM, type Vma } from '../vma/vma.ts';
import { isReadLocked, vmaStartWrite } from '../vma/vma_lock.ts';
import type { Op } from '../world/op.ts';
import { reading } from '../world/point.ts';
import {
  LEVEL_UNKNOWN,
  type MmWalk,
  type MmWalkOps,
  WalkAction,
  WalkForm,
  WalkLock,
} from './mm_walk.ts';
import { vmaPgtableWalkBegin, vmaPgtableWalkEnd } from './vma_pgtable_walk.ts';
import { walkHugetlbRange } from './walk_hugetlb.ts';
import { walkTables } from './walk_tables.ts';

/**
 * Calls `ops` for all that lies in the pages `[start, end)`, VMA by VMA, with what is between them.
 *
 * @param state what the entries have in common
 * @locks  as `ops.walkLock` says; in VMAs of hugetlb their lock, for reading; page-table locks
 * @returns 0, what an entry returned that was not 0, or EINVAL
 */
export function* walkPageRange<State>(
  task: Task,
  start: number,
  end: number,
  ops: MmWalkOps<State>,
  state: State,
  form: WalkForm = WalkForm.LEGACY,
): Op<number> {
  const { machine, mm } = task;
  if (start >= end) return EINVAL;
  assert(isMmLocked(task, ops.walkLock), 'who walks holds what keeps the tables in place');
  const walk = newWalk(task, ops, state, form);
  for (let at = start; at < end; ) {
    yield reading(machine.objects.tree(mm.id));
    const vma = mm.vmas.find(at);
    const isInside = vma !== undefined && vma.start <= at;
    const next = vma === undefined ? end : Math.min(end, isInside ? vma.end : vma.start);
    walk.vma = isInside ? vma : undefined;
    const result = isInside ? yield* walkVma(walk, vma, at, next) : yield* walkHole(walk, at, next);
    if (result !== 0) return result;
    at = next;
  }
  return 0;
}

/** As `walkPageRange()`, of a part of a VMA that the caller has found. @source walk_page_range_vma() */
export function* walkPageRangeVma<State>(
  task: Task,
  vma: Vma,
  start: number,
  end: number,
  ops: MmWalkOps<State>,
  state: State,
  form: WalkForm = WalkForm.LEGACY,
): Op<number> {
  assert(isMmLocked(task, ops.walkLock), 'who walks holds what keeps the tables in place');
  const walk = newWalk(task, ops, state, form);
  walk.vma = vma;
  return yield* walkVma(walk, vma, start, end);
}

function newWalk<State>(
  task: Task,
  ops: MmWalkOps<State>,
  state: State,
  form: WalkForm,
): MmWalk<State> {
  return { task, ops, form, state, vma: undefined, action: WalkAction.SUBTREE };
}

function isMmLocked({ machine, cpu, mm }: Task, walkLock: WalkLock): boolean {
  if (walkLock === WalkLock.VMA_RDLOCK_VERIFY) return true;
  const held = machine.objects.mmapLock(mm.id);
  if (machine.lockHolder[held] === cpu) return true;
  return walkLock === WalkLock.RDLOCK && machine.lockReaders[held]! > 0;
}

/** Of a walk that takes no VMA locks, the caller must. @source process_vma_walk_lock() */
function* lockVma({ machine, mm }: Task, vma: Vma, walkLock: WalkLock): Op<void> {
  if (walkLock === WalkLock.RDLOCK) return;
  if (walkLock === WalkLock.WRLOCK) {
    yield* vmaStartWrite(machine, mm, vma);
    return;
  }
  const isWritten = machine.vmaSequence[vma.id] === machine.mmSequence[mm.id];
  const isRead = walkLock === WalkLock.VMA_RDLOCK_VERIFY && isReadLocked(machine, vma);
  assert(isWritten || isRead, 'the VMA that is walked is locked');
}

function* walkVma<State>(walk: MmWalk<State>, vma: Vma, start: number, end: number): Op<number> {
  const { task, ops } = walk;
  yield* lockVma(task, vma, ops.walkLock);
  const skipped = yield* testVma(walk, vma, start, end);
  if (skipped !== 0) return Math.min(skipped, 0);
  const refused = ops.preVma === undefined ? 0 : yield* ops.preVma(walk, start, end);
  if (refused !== 0) return refused;
  // One entry for each huge page is all that `hugetlb_entry` knows.
  const isWhole = isHugetlb(vma) && vma.hugetlb?.isGranular !== true;
  const isLegacyHugetlb = isWhole && walk.form === WalkForm.LEGACY;
  yield* vmaPgtableWalkBegin(task, vma, ops.unshares);
  const result = isLegacyHugetlb
    ? yield* walkHugetlbRange(walk, vma, start, end)
    : yield* walkTables(walk, start, end);
  yield* vmaPgtableWalkEnd(task, vma, ops.unshares);
  if (ops.postVma !== undefined) yield* ops.postVma(walk);
  return result;
}

/** @returns more than 0 to pass over the VMA */
function* testVma<State>(walk: MmWalk<State>, vma: Vma, start: number, end: number): Op<number> {
  const { testWalk } = walk.ops;
  if (testWalk !== undefined) return yield* testWalk(walk, start, end);
  if ((vma.flags & VM.PFNMAP) === 0) return 0;
  const result = yield* walkHole(walk, start, end);
  return result === 0 ? 1 : result;
}

function* walkHole<State>(walk: MmWalk<State>, start: number, end: number): Op<number> {
  const { pteHole } = walk.ops;
  return pteHole === undefined ? 0 : yield* pteHole(walk, start, end, LEVEL_UNKNOWN);
}
