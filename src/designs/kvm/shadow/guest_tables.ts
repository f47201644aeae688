/**
 * Page tables that a guest keeps in its own memory, where it has no second-level table to rely on.
 *
 * Memory has one word for each page, so a table has four entries of a byte each, and a guest 64 virtual
 * pages:
 *
 *     5     4 3     2 1     0         7  6     2   1   0
 *    +-------+-------+-------+       +--+-------+---+---+   an entry of level 0 leads to memory,
 *    | lev 2 | lev 1 | lev 0 |       |  |  gfn  | W | P |   others lead to tables
 *    +-------+-------+-------+       +--+-------+---+---+
 *
 * @source arch/x86/kvm/mmu/paging_tmpl.h struct guest_walker, walk_addr_generic(), gpte_changed()
 *         (Linux 6.18)
 * @omits  rights to execute, and of the supervisor; accessed and dirty bits; huge pages of a guest
 */
import { load, loadNofault } from '../../../mm/fault/access.ts';
import { frameMappedAt } from '../../../mm/notifier/second_level.ts';
import type { Task } from '../../../mm/task.ts';
import type { Op } from '../../../mm/world/op.ts';
import { slotOfGfn, type Vm } from '../vm.ts';

export const GUEST_LEVELS = 3;
export const GUEST_PAGES = 64;
export const GUEST_ENTRIES = 4;
const PRESENT = 1;
const WRITABLE = 2;
const GFN_SHIFT = 2;

export const guestIndex = (page: number, level: number): number =>
  (page >>> (2 * level)) % GUEST_ENTRIES;

/** The byte of an entry that leads to `gfn`. */
export const guestEntry = (gfn: number, isWritable: boolean): number =>
  (gfn << GFN_SHIFT) | (isWritable ? WRITABLE : 0) | PRESENT;

/** The word of a table with these entries, from the first on. */
export const guestTable = (...entries: readonly number[]): number =>
  entries.reduce((word, entry, index) => word | (entry << (8 * index)), 0);

/** What a walk has found, by levels. */
export interface GuestWalk {
  /** The guest pages of the tables. */
  readonly tables: number[];
  /** The entries, as bytes. */
  readonly entries: number[];
  /** Whether all entries above a table allow writes. */
  readonly inherited: boolean[];
  /** What the last entry leads to, and whether all of them allow writes. */
  gfn: number;
  isWritable: boolean;
}

/** @returns `undefined` if an entry is missing, or a table lies where the guest has no memory */
export function* walkGuest(
  task: Task,
  vm: Vm,
  root: number,
  page: number,
): Op<GuestWalk | undefined> {
  const walk: GuestWalk = { tables: [], entries: [], inherited: [], gfn: root, isWritable: true };
  for (let level = GUEST_LEVELS - 1; level >= 0; level--) {
    const hva = hvaOf(vm, walk.gfn);
    const word = hva < 0 ? hva : yield* load(task, hva);
    if (word < 0 || !step(walk, level, byteOf(word, page, level))) return undefined;
  }
  return walk;
}

/** Whether all tables say still what `walk` has found. Faults are off. @source gpte_changed() */
export function* isWalkCurrent(task: Task, vm: Vm, page: number, walk: GuestWalk): Op<boolean> {
  for (const [level, gfn] of walk.tables.entries()) {
    const word = yield* loadNofault(task, hvaOf(vm, gfn));
    if (word === undefined || byteOf(word, page, level) !== walk.entries[level]) return false;
  }
  return true;
}

/** Whether the tables of the guest allow an access, as far as the process has them in memory. */
export function mayAccess(task: Task, vm: Vm, root: number, page: number, write: boolean): boolean {
  const { machine } = task;
  const walk: GuestWalk = { tables: [], entries: [], inherited: [], gfn: root, isWritable: true };
  for (let level = GUEST_LEVELS - 1; level >= 0; level--) {
    const frame = frameMappedAt(machine, vm.mm, hvaOf(vm, walk.gfn), false);
    if (frame < 0) return true;
    if (!step(walk, level, byteOf(machine.frameData[frame]!, page, level))) return false;
  }
  return walk.isWritable || !write;
}

function step(walk: GuestWalk, level: number, entry: number): boolean {
  walk.tables[level] = walk.gfn;
  walk.inherited[level] = walk.isWritable;
  walk.entries[level] = entry;
  walk.gfn = entry >>> GFN_SHIFT;
  walk.isWritable &&= (entry & WRITABLE) !== 0;
  return (entry & PRESENT) !== 0;
}

const byteOf = (word: number, page: number, level: number): number =>
  (word >>> (8 * guestIndex(page, level))) % 256;

/** Where the process has a guest page, or -1. */
export function hvaOf(vm: Vm, gfn: number): number {
  const slot = slotOfGfn(vm, gfn);
  return slot === undefined ? -1 : slot.hva + gfn - slot.gfn;
}
