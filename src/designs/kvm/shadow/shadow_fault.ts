/**
 * Faults of a guest where KVM shadows its tables: at a virtual page that hardware finds nothing at, or
 * nothing to be written to.
 *
 * @source arch/x86/kvm/mmu/paging_tmpl.h page_fault(), fetch() (Linux 6.18)
 * @omits  emulating writes to tables: the guest makes them once their shadow pages are gone, but for
 *         one to a table by way of itself
 */
import type { Task } from '../../../mm/task.ts';
import { lock, Rank, unlock } from '../../../mm/world/lock.ts';
import type { Op } from '../../../mm/world/op.ts';
import { reading } from '../../../mm/world/point.ts';
import { violate } from '../../../mm/world/property.ts';
import { NONE } from '../../../mm/world/world.ts';
import { EFAULT } from '../../../uapi/errno.ts';
import { GuestFault, isStale, lookUp, put } from '../fault.ts';
import { slotOfGfn, type Vm, vmOf } from '../vm.ts';
import {
  GUEST_LEVELS,
  type GuestWalk,
  guestIndex,
  isWalkCurrent,
  mayAccess,
  walkGuest,
} from './guest_tables.ts';
import {
  getShadowPage,
  isShadowed,
  leafOf,
  linkShadow,
  type ShadowPage,
  setShadowLeaf,
  unshadow,
} from './shadow_page.ts';

/** What the guest's hardware does: the frame behind a virtual page, or `NONE`. */
export function translateShadow(task: Task, vm: Vm, page: number, write: boolean): number {
  const leaf = leafOf(vm.shadow!, page);
  if (leaf === undefined || (write && !leaf.isWritable)) return NONE;
  // Tables that have shadow pages do not change: what is granted is what they say.
  if (!mayAccess(task, vm, vm.shadow!.root, page, write)) violate(task.machine, 'P-PERM');
  return leaf.frame;
}

/**
 * Lets the guest access its virtual page, if its tables allow that; FAULT is the guest's own page fault,
 * too.
 *
 * @locks  mmap (read) of the process while memory is looked at; mmu_lock (write)
 */
export function* shadowPageFault(
  task: Task,
  id: number,
  page: number,
  isWrite: boolean,
): Op<GuestFault> {
  const { machine, cpu } = task;
  const vm = vmOf(machine, id);
  const walk = yield* walkGuest(task, vm, vm.shadow!.root, page);
  if (walk === undefined || (isWrite && !walk.isWritable)) return GuestFault.FAULT;
  if (isWrite && walk.tables.includes(walk.gfn)) return GuestFault.FAULT;
  const slot = slotOfGfn(vm, walk.gfn);
  if (slot === undefined) return GuestFault.FAULT;
  yield reading(machine.objects.invalidateSequence(id));
  const { sequence } = vm;
  const frame = yield* lookUp(task, slot, walk.gfn, isWrite);
  if (frame === EFAULT) return GuestFault.FAULT;
  if (frame < 0) return GuestFault.RETRY;
  const guard = machine.objects.mmuLock(id);
  yield* lock(machine, cpu, guard, Rank.MMU);
  yield reading(machine.objects.invalidateSequence(id));
  let isDone = !isStale(task, vm, walk.gfn, sequence);
  if (isDone) {
    if (isWrite && isShadowed(vm.shadow!, walk.gfn)) yield* unshadow(task, vm, walk.gfn);
    isDone = yield* fetch(task, vm, page, walk, frame, isWrite);
  }
  yield* put(task, frame, isWrite && isDone);
  yield* unlock(machine, cpu, guard, Rank.MMU);
  return isDone ? GuestFault.FIXED : GuestFault.RETRY;
}

/** @returns false if the tables have changed since the walk */
function* fetch(
  task: Task,
  vm: Vm,
  page: number,
  walk: GuestWalk,
  frame: number,
  isWrite: boolean,
): Op<boolean> {
  const { machine } = task;
  const { kvmInheritsLastRights } = machine.bugs;
  let at: ShadowPage = yield* getShadowPage(
    task,
    vm,
    walk.tables[GUEST_LEVELS - 1]!,
    GUEST_LEVELS - 1,
    true,
  );
  for (let level = GUEST_LEVELS - 2; level >= 0; level--) {
    const rights = walk.inherited[kvmInheritsLastRights === true ? 0 : level]!;
    const linked = at.children[guestIndex(page, at.level)];
    const next = linked ?? (yield* getShadowPage(task, vm, walk.tables[level]!, level, rights));
    if (linked === undefined) yield* linkShadow(task, vm, at, page, next);
    at = next;
  }
  const isCurrent = yield* isWalkCurrent(task, vm, page, walk);
  if (!isCurrent) return false;
  const index = guestIndex(page, 0);
  const old = at.leaves[index];
  const isSame = old?.frame === frame && (old.isWritable || !isWrite);
  const leaf = { gfn: walk.gfn, frame, isWritable: isWrite };
  if (!isSame) yield* setShadowLeaf(machine, vm, at, index, leaf);
  return true;
}
