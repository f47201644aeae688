/**
 * Guard regions: entries that end every access, without a VMA of their own.
 *
 * @source mm/madvise.c madvise_guard_install(), madvise_guard_remove() (Linux 6.18)
 * @omits  starting the call again after three rounds against faults that are faster
 */
import { EINVAL, ENOMEM } from '../../uapi/errno.ts';
import { anonVmaPrepare } from '../rmap/anon_vma_prepare.ts';
import { tlbFinishMmu, tlbGatherMmu } from '../table/mmu_gather.ts';
import { clearEntry, findMapped, isNoneAt, walkAllocating } from '../table/pgtable.ts';
import { lockPte, tableEnd, unlockPte } from '../table/pte_table.ts';
import { Marker, SoftKind, setSoftEntry, softKindAt, softValueAt } from '../table/soft_entry.ts';
import { zapVmaRange } from '../table/zap.ts';
import type { Task } from '../task.ts';
import { isAnonymous, VM, VM_SPECIAL, type Vma } from '../vma/vma.ts';
import type { Op } from '../world/op.ts';
import { clearing, reading, setting, writing } from '../world/point.ts';
import { NONE, type World } from '../world/world.ts';
import { forEachTable } from './tables.ts';

/**
 * What is there goes; the VMA is to be copied by fork from now on.
 *
 * Called under the mmap lock, for reading.
 *
 * @returns 0 or a negative errno
 */
export function* adviseGuardInstall(task: Task, vma: Vma, start: number, end: number): Op<number> {
  const { machine, cpu, mm } = task;
  if ((vma.flags & (VM_SPECIAL | VM.HUGETLB | VM.LOCKED)) !== 0) return EINVAL;
  yield writing(machine.objects.anonVmaOf(vma.id));
  vma.flags |= VM.MAYBE_GUARD;
  if (isAnonymous(vma) && vma.anonVma === undefined) yield* anonVmaPrepare(task, vma);
  for (;;) {
    const stopped = yield* installGuards(task, start, end);
    if (stopped < 0) return ENOMEM;
    if (stopped === end) return 0;
    yield* tlbGatherMmu(machine, cpu, mm.id);
    yield* zapVmaRange(task, vma, start, end, 0);
    yield* tlbFinishMmu(machine, cpu, mm.id);
  }
}

/** @returns `end`, the page where something else is, or a negative errno */
function* installGuards(task: Task, start: number, end: number): Op<number> {
  const { machine, mm } = task;
  for (let at = start; at < end; ) {
    const next = tableEnd(machine, at, end);
    const table = yield* walkAllocating(task, mm, at);
    const slot = yield* lockPte(task, mm, at);
    if (slot === NONE) {
      // A huge page goes like what small entries map; a table may have gone again.
      const mapped = yield* findMapped(machine, mm, at, at + 1);
      return table !== NONE || mapped === at ? at : ENOMEM;
    }
    const stopped = yield* fillWithGuards(machine, slot, at, next);
    yield* unlockPte(task, mm, slot);
    if (stopped < next) return stopped;
    at = next;
  }
  return end;
}

/** Called under the lock of the table. @returns `end`, or the page where something else is */
function* fillWithGuards(world: World, first: number, start: number, end: number): Op<number> {
  for (let page = start; page < end; page++) {
    const slot = first + page - start;
    yield setting(world.objects.entry(slot));
    if (isNoneAt(world, slot)) setSoftEntry(world, slot, SoftKind.MARKER, Marker.GUARD);
    else if (!isGuardAt(world, slot)) return page;
  }
  return end;
}

function isGuardAt(world: World, slot: number): boolean {
  if (softKindAt(world, slot) !== SoftKind.MARKER) return false;
  return (softValueAt(world, slot) & Marker.GUARD) !== 0;
}

/**
 * Called under the mmap lock, for reading. Tables that held guards only stay.
 *
 * @returns 0 or a negative errno
 */
export function* adviseGuardRemove(task: Task, vma: Vma, start: number, end: number): Op<number> {
  if ((vma.flags & (VM_SPECIAL | VM.HUGETLB)) !== 0) return EINVAL;
  yield* forEachTable(task, start, end, removeGuards, false);
  return 0;
}

/** Called under the lock of the table. */
function* removeGuards({ machine }: Task, first: number, start: number, end: number): Op<void> {
  for (let page = start; page < end; page++) {
    const slot = first + page - start;
    yield reading(machine.objects.entry(slot));
    if (!isGuardAt(machine, slot)) continue;
    yield clearing(machine.objects.entry(slot));
    clearEntry(machine, slot);
  }
}
