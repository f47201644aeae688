/** The seams of `design.ts`, as the rest of mm calls them: each design that cares is asked in turn. */
import { type Access, Fault, type FaultLock } from '../fault/result.ts';
import type { Place } from '../file/filemap.ts';
import type { Inode } from '../file/inode.ts';
import type { Machine } from '../machine.ts';
import type { Task } from '../task.ts';
import type { Mm } from '../vma/mm.ts';
import type { Vma } from '../vma/vma.ts';
import type { Op } from '../world/op.ts';
import { flushTlbMmRange } from '../world/tlb.ts';
import { type Change, designOf, vmOpsOf } from './design.ts';

/** @returns DONE to go on, or how the fault ends */
export function* prepareFault(
  task: Task,
  vma: Vma,
  page: number,
  access: Access,
  held: FaultLock,
): Op<Fault> {
  for (const { prepareFault: prepare } of task.machine.designs) {
    if (prepare === undefined) continue;
    const result = yield* prepare(task, vma, page, access, held);
    if (result !== Fault.DONE) return result;
  }
  return Fault.DONE;
}

/** @returns whether the entry, which referred to a shared table, is empty now */
export function* giveUpTable(
  task: Task,
  page: number,
  slot: number,
  level: number,
  isFreeing = false,
): Op<boolean> {
  for (const { giveUp } of task.machine.designs) {
    if (giveUp === undefined) continue;
    const isGone = yield* giveUp(task, page, slot, level, isFreeing);
    if (isGone) return true;
  }
  return false;
}

export function* beforeChange(
  task: Task,
  vma: Vma,
  start: number,
  end: number,
  change: Change,
): Op<void> {
  for (const { beforeChange: prepare } of task.machine.designs) {
    if (prepare !== undefined) yield* prepare(task, vma, start, end, change);
  }
}

export function* afterChange(task: Task, vma: Vma): Op<void> {
  for (const { afterChange: finish } of task.machine.designs) {
    if (finish !== undefined) yield* finish(task, vma);
  }
}

/** @returns whether a table is done with that fork was to copy */
export function* copyTable(
  task: Task,
  child: Mm,
  from: Vma,
  slot: number,
  start: number,
  end: number,
): Op<boolean> {
  for (const { copyTable: copy } of task.machine.designs) {
    if (copy === undefined) continue;
    const isDone = yield* copy(task, child, from, slot, start, end);
    if (isDone) return true;
  }
  return false;
}

/** @returns false if who comes by the reverse map may not change the entry for `page` */
export function* beforeMapped(task: Task, page: number): Op<boolean> {
  for (const { beforeMapped: prepare } of task.machine.designs) {
    if (prepare === undefined) continue;
    const isReady = yield* prepare(task, page);
    if (!isReady) return false;
  }
  return true;
}

/** Flushes `page` of `mm`, whose entry has changed, for who came by the reverse map. */
export function* flushMapped(machine: Machine, cpu: number, mm: Mm, page: number): Op<void> {
  for (const { flushShared } of machine.designs) {
    if (flushShared === undefined) continue;
    const isFlushed = yield* flushShared(machine, cpu, mm, page);
    if (isFlushed) return;
  }
  yield* flushTlbMmRange(machine, cpu, mm.id, page, page + 1);
}

/** @returns whether there is nothing left to copy, or a negative errno */
export function* copyRange(task: Task, child: Mm, to: Vma, from: Vma): Op<boolean | number> {
  for (const { copyRange: copy } of task.machine.designs) {
    if (copy === undefined) continue;
    const result = yield* copy(task, child, to, from);
    if (result !== false) return result;
  }
  return false;
}

/** Whether a table stays linked at `slot`, though all that it spans is free. */
export function* keepsTable(task: Task, slot: number, level: number): Op<boolean> {
  for (const { keepsTable: keeps } of task.machine.designs) {
    if (keeps === undefined) continue;
    const isKept = yield* keeps(task, slot, level);
    if (isKept) return true;
  }
  return false;
}

/** Whether a VMA would have to be divided for `[start, end)` that may not. */
export function refusesSplit({ machine, mm }: Task, start: number, end: number): boolean {
  if (machine.designs.length === 0) return false;
  return [start, end].some((page) => {
    const vma = mm.vmas.at(page);
    return vma !== undefined && vma.start < page && vmOpsOf(machine, vma)?.maySplit === false;
  });
}

/** @returns the result of a call that was made elsewhere, or `undefined` */
export function* passCall(
  task: Task,
  address: number,
  length: number,
  call: (task: Task, address: number) => Op<number>,
): Op<number | undefined> {
  for (const { passCall: pass } of task.machine.designs) {
    if (pass === undefined) continue;
    const result = yield* pass(task, address, length, call);
    if (result !== undefined) return result;
  }
  return undefined;
}

export function evictInode(place: Place, inode: Inode): void {
  designOf(place.machine, inode)?.evictInode?.(place, inode);
}

/** Called without locks, before a call returns that may have dropped the last reference to a file. */
export function* taskWork(place: Place): Op<void> {
  for (const { taskWork: work } of place.machine.designs) {
    if (work !== undefined) yield* work(place);
  }
}

export function* exitTask(task: Task): Op<void> {
  for (const { exitTask: leave } of task.machine.designs) {
    if (leave !== undefined) yield* leave(task);
  }
}

export function execTask(from: Task, to: Task): void {
  for (const { execTask: change } of from.machine.designs) change?.(from, to);
}
