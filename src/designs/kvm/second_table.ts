/**
 * Second-level tables: entries that are made by faults of guests, and taken away by notifiers.
 *
 * They hold no reference to the pages that they map. That those are there is the work of notifiers.
 *
 * @source arch/x86/kvm/mmu/tdp_mmu.c (Linux 6.18)
 * @omits  freeing tables before the virtual machine ends; tables in place of which a huge page could be
 *         mapped stay
 */
import {
  ACCESSED,
  DIRTY,
  type EntryIndex,
  type Pfn,
  R,
  USER,
  type Vpn,
  W,
  X,
} from '../../arch/index.ts';
import type { Machine } from '../../mm/machine.ts';
import { forgetSecondary, noteSecondary } from '../../mm/notifier/second_level.ts';
import type { Op } from '../../mm/world/op.ts';
import { linking } from '../../mm/world/point.ts';
import { violate } from '../../mm/world/property.ts';
import type { SecondaryEntry } from '../../mm/world/secondary_views.ts';
import { NONE } from '../../mm/world/world.ts';
import { formatOf, TABLE_ENTRIES, type Vm } from './vm.ts';

/** An entry that maps memory. */
interface Found {
  readonly slot: number;
  readonly level: number;
}

const lowAt = ({ lanes }: Vm, slot: number): number => lanes[slot * 2]!;
const highAt = ({ lanes }: Vm, slot: number): number => lanes[slot * 2 + 1]!;

/** The entry that maps `gfn`, or where the walk ends: at an empty one. */
function walkSecond(vm: Vm, gfn: number): Found {
  const format = formatOf(vm);
  let table = 0;
  for (let level = format.levels - 1; ; level--) {
    const slot = table * TABLE_ENTRIES + format.index(gfn as Vpn, level);
    const [low, high] = [lowAt(vm, slot), highAt(vm, slot)];
    if (level === 0 || !format.present(low, high)) return { slot, level };
    if (format.isLeaf(low, high, level)) return { slot, level };
    table = format.table(low, high, level) / TABLE_ENTRIES;
  }
}

const isMappedBy = (vm: Vm, { slot }: Found): boolean =>
  formatOf(vm).present(lowAt(vm, slot), highAt(vm, slot));

const isWritableBy = (vm: Vm, { slot }: Found): boolean =>
  (formatOf(vm).rights(lowAt(vm, slot), highAt(vm, slot)) & W) !== 0;

/** What the guest's hardware does: the frame behind `gfn`, or `NONE`. Notes that it was accessed. */
export function translateSecond(vm: Vm, gfn: number, write: boolean): number {
  const found = walkSecond(vm, gfn);
  if (!isMappedBy(vm, found) || (write && !isWritableBy(vm, found))) return NONE;
  const format = formatOf(vm);
  const { slot, level } = found;
  const frame = format.frame(lowAt(vm, slot), highAt(vm, slot), level);
  const flags = format.flags(lowAt(vm, slot), highAt(vm, slot)) | ACCESSED | (write ? DIRTY : 0);
  format.writeLeaf(vm.lanes, slot, frame, flags, level);
  return frame + (gfn % format.entryPages[level]!);
}

/** Whether an entry of `level` can be made for `gfn`: nothing smaller is there. */
export function mayMapAt(vm: Vm, gfn: number, level: number): boolean {
  const found = walkSecond(vm, gfn);
  return found.level >= level;
}

/** What is to be mapped: an aligned run of frames, of one page or of what a table of level 0 spans. */
export interface SecondMapping {
  readonly gfn: number;
  readonly level: number;
  /** The first page in the address space of the process. */
  readonly hva: number;
  readonly frame: number;
  readonly isWritable: boolean;
}

/** Makes an entry, or lets it be written to. Called under mmu_lock. @source tdp_mmu_map_handle_target_level() */
export function* mapSecond(machine: Machine, vm: Vm, mapping: SecondMapping): Op<void> {
  const { gfn, level, frame, isWritable } = mapping;
  yield linking(machine.objects.secondLevel(vm.id));
  const found = walkSecond(vm, gfn);
  const format = formatOf(vm);
  if (isMappedBy(vm, found)) {
    const there = entryOf(vm, found, gfn, mapping);
    const isSame = there.frame + (gfn - there.page) === frame;
    // The kernel stops here: whatever was mapped has not been taken away.
    if (!isSame) violate(machine, 'P-TLB');
    if (!isSame || there.isWritable || !isWritable) return;
    machine.secondaryViews.remove(vm.space, there.page);
    setSecond(vm, found, there.frame, true);
    noteSecondary(machine, { ...there, isWritable: true });
    return;
  }
  const slot = slotFor(vm, found, gfn, level);
  setSecond(vm, { slot, level }, frame, isWritable);
  const pages = format.entryPages[level]!;
  noteSecondary(machine, {
    space: vm.space,
    page: gfn,
    pages,
    mm: vm.mm,
    start: mapping.hva,
    frame,
    isWritable,
  });
}

function setSecond(vm: Vm, { slot, level }: Found, frame: number, isWritable: boolean): void {
  const flags = R | X | USER | ACCESSED | (isWritable ? W | DIRTY : 0);
  formatOf(vm).writeLeaf(vm.lanes, slot, frame as Pfn, flags, level);
}

/** Links the tables that are missing below `found`. */
function slotFor(vm: Vm, found: Found, gfn: number, to: number): number {
  const format = formatOf(vm);
  let { slot } = found;
  for (let { level } = found; level > to; level--) {
    const table = addTable(vm);
    const place = (table * TABLE_ENTRIES) as EntryIndex;
    vm.lanes[slot * 2] = format.tableLow(place, level);
    vm.lanes[slot * 2 + 1] = format.tableHigh(place, level);
    slot = table * TABLE_ENTRIES + format.index(gfn as Vpn, level - 1);
  }
  return slot;
}

function addTable(vm: Vm): number {
  const size = TABLE_ENTRIES * 2;
  if ((vm.tables + 1) * size > vm.lanes.length) {
    const grown = new Uint32Array(2 * vm.lanes.length);
    grown.set(vm.lanes);
    vm.lanes = grown;
  }
  return vm.tables++;
}

/** What the record says of an entry that maps `gfn` of `mapping`. */
function entryOf(
  vm: Vm,
  { slot, level }: Found,
  gfn: number,
  { hva }: { readonly hva: number },
): SecondaryEntry {
  const format = formatOf(vm);
  const pages = format.entryPages[level]!;
  const page = Math.floor(gfn / pages) * pages;
  return {
    space: vm.space,
    page,
    pages,
    mm: vm.mm,
    start: hva - (gfn - page),
    frame: format.frame(lowAt(vm, slot), highAt(vm, slot), level),
    isWritable: isWritableBy(vm, { slot, level }),
  };
}

/**
 * Takes the entries for the guest pages `[start, end)` away. Called under mmu_lock, for writing.
 *
 * @returns whether there were any: TLBs of the guest are to be flushed
 * @source  kvm_tdp_mmu_unmap_gfn_range()
 */
export function* zapSecond(machine: Machine, vm: Vm, start: number, end: number): Op<boolean> {
  let isAny = false;
  for (let gfn = start; gfn < end; ) {
    const found = walkSecond(vm, gfn);
    const pages = formatOf(vm).entryPages[found.level]!;
    if (isMappedBy(vm, found)) {
      yield linking(machine.objects.secondLevel(vm.id));
      const entry = entryOf(vm, found, gfn, { hva: 0 });
      vm.lanes.fill(0, found.slot * 2, found.slot * 2 + 2);
      forgetSecondary(machine, entry);
      isAny = true;
    }
    gfn = (Math.floor(gfn / pages) + 1) * pages;
  }
  return isAny;
}

/** Whether any of the guest pages `[start, end)` was accessed; forgets it if `isClearing`. */
export function ageSecond(vm: Vm, start: number, end: number, isClearing: boolean): boolean {
  const format = formatOf(vm);
  let isYoung = false;
  for (let gfn = start; gfn < end; ) {
    const found = walkSecond(vm, gfn);
    const { slot, level } = found;
    const [low, high] = [lowAt(vm, slot), highAt(vm, slot)];
    if (isMappedBy(vm, found) && format.accessed(low, high)) {
      isYoung = true;
      const flags = format.flags(low, high) & ~ACCESSED;
      const frame = format.frame(low, high, level);
      if (isClearing) format.writeLeaf(vm.lanes, slot, frame, flags, level);
    }
    gfn = (Math.floor(gfn / format.entryPages[level]!) + 1) * format.entryPages[level]!;
  }
  return isYoung;
}
