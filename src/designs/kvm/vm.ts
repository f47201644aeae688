/** Virtual machines: memory of a process that a guest takes for physical memory. */

import type { PteFormat } from '../../arch/index.ts';
import { secondLevelFormat } from '../../arch/index.ts';
import { assert } from '../../base/assert.ts';
import type { Machine } from '../../mm/machine.ts';
import { notifierRegister } from '../../mm/notifier/notifier.ts';
import type { Task } from '../../mm/task.ts';
import type { Op } from '../../mm/world/op.ts';
import { violate } from '../../mm/world/property.ts';
import { newShadow, type Shadow } from './shadow/shadow_page.ts';

/** The name by which subscriptions know the design. */
export const KVM = 'kvm';

/** Guest-physical pages, and where the process has them. @source struct kvm_memory_slot */
export interface Memslot {
  readonly gfn: number;
  readonly pages: number;
  /** The first page in the address space of the process. */
  readonly hva: number;
  /** Whether pages are looked up by their entries, as of device memory (VM_PFNMAP), not by GUP. */
  readonly isFollowed: boolean;
}

/** @source include/linux/kvm_host.h struct kvm (Linux 6.18) */
export interface Vm {
  readonly id: number;
  /** The number by which TLBs know its pages: behind those of all address spaces. */
  readonly space: number;
  /** The address space of the process that has made it. */
  readonly mm: number;
  /** The format of the second-level table. */
  readonly format: string;
  readonly slots: Memslot[];
  /** Guarded by mmu_lock; read without. Object: `invalidateSequence`. */
  sequence: number;
  inProgress: number;
  /** Guest pages that the invalidations under way are about, if there are any. */
  rangeStart: number;
  rangeEnd: number;
  /** The second-level table: as of a world, two lanes for each entry, table after table; the root first. */
  lanes: Uint32Array;
  /** How many tables are in use. None is freed before the end. */
  tables: number;
  /** Tables in place of those of the guest, if it has no second-level table. */
  shadow: Shadow | undefined;
  /** Guest pages whose flush was put off (`kvmFlushAtEnd`). */
  owedStart: number;
  owedEnd: number;
}

interface KvmData {
  readonly vms: Vm[];
}

function dataOf(machine: Machine): KvmData {
  const known = machine.designData.get(KVM);
  if (known !== undefined) return known as KvmData;
  const data: KvmData = { vms: [] };
  machine.designData.set(KVM, data);
  return data;
}

export function vmOf(machine: Machine, id: number): Vm {
  const vm = dataOf(machine).vms[id];
  assert(vm !== undefined, 'a virtual machine that is used was made');
  return vm;
}

export function formatOf({ format: id }: Vm): PteFormat {
  const format = secondLevelFormat(id);
  assert(format !== undefined, 'a second-level table has a format');
  return format;
}

/** An invalidation that never ends would let all faults of a guest be tried again for ever. */
export function auditVms(machine: Machine): void {
  for (const { inProgress } of dataOf(machine).vms) {
    if (inProgress > 0) violate(machine, 'P-LIVE');
  }
}

/** Entries of a table of any second-level format. */
export const TABLE_ENTRIES = 512;

/**
 * A virtual machine of the process of `task`, which follows its address space from now on.
 *
 * @param format of its second-level table, as `ept-4level`
 * @returns its number
 * @locks   those of `notifierRegister()`
 * @source  virt/kvm/kvm_main.c kvm_create_vm() (Linux 6.18)
 */
export function* createVm(task: Task, format: string): Op<number> {
  const { machine, mm } = task;
  const { vms } = dataOf(machine);
  const id = vms.length;
  assert(id < machine.size.guests, 'there is a place for another virtual machine');
  assert(secondLevelFormat(format) !== undefined, 'a second-level table has a format');
  vms.push({
    id,
    space: machine.size.mms + id,
    mm: mm.id,
    format,
    slots: [],
    sequence: 0,
    inProgress: 0,
    rangeStart: 0,
    rangeEnd: 0,
    lanes: new Uint32Array(4 * TABLE_ENTRIES * 2),
    tables: 1,
    shadow: undefined,
    owedStart: Number.POSITIVE_INFINITY,
    owedEnd: 0,
  });
  yield* notifierRegister(task, { design: KVM, id });
  return id;
}

/**
 * Lets a virtual machine have memory of its process. Called before it runs.
 *
 * @source KVM_SET_USER_MEMORY_REGION
 * @omits  changes of slots while a guest runs, dirty logging, read-only slots
 */
export function addMemslot(machine: Machine, id: number, slot: Memslot): void {
  const { slots } = vmOf(machine, id);
  const isFree = slots.every(
    ({ gfn, pages }) => gfn + pages <= slot.gfn || slot.gfn + slot.pages <= gfn,
  );
  assert(isFree, 'slots of guest memory do not overlap');
  slots.push(slot);
}

/** The slot that has a guest page, if one has. */
export const slotOfGfn = ({ slots }: Vm, gfn: number): Memslot | undefined =>
  slots.find((slot) => slot.gfn <= gfn && gfn < slot.gfn + slot.pages);

/** A range of guest pages. */
export interface GfnRange {
  readonly start: number;
  readonly end: number;
}

/** Which guest pages are memory of the pages `[start, end)` of the process. */
export function gfnRanges({ slots }: Vm, start: number, end: number): GfnRange[] {
  const ranges: GfnRange[] = [];
  for (const { gfn, pages, hva } of slots) {
    const from = Math.max(start, hva);
    const to = Math.min(end, hva + pages);
    if (from < to) ranges.push({ start: from - hva + gfn, end: to - hva + gfn });
  }
  return ranges;
}

/**
 * Lets a virtual machine run on page tables of its own, from the guest page `root` on, which are
 * shadowed: it has no second-level table. Called before it runs.
 *
 * @source arch/x86/kvm/x86.c kvm_set_cr3(), without TDP
 */
export function setGuestTables(machine: Machine, id: number, root: number): void {
  vmOf(machine, id).shadow = newShadow(root);
}
