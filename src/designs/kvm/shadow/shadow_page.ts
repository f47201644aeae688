/**
 * Shadow pages: tables that hardware walks in place of those of a guest.
 *
 * A shadow page stands for a table of the guest and for the rights that the entries above have left:
 * entries that lead to tables allow everything, so that the rights of a whole walk are in its last
 * entry. A table that is reached in two ways with different rights has two shadow pages.
 *
 * A guest cannot write to a table that has one: the shadow pages go first.
 *
 * @source arch/x86/kvm/mmu/mmu.c kvm_mmu_get_shadow_page(), account_shadowed(),
 *         kvm_mmu_unprotect_gfn_and_retry(), kvm_unmap_gfn_range() (Linux 6.18)
 * @omits  shadow pages out of sync with their tables; giving up those that nobody uses; ageing
 */
import type { Place } from '../../../mm/file/filemap.ts';
import type { Machine } from '../../../mm/machine.ts';
import { forgetSecondary, noteSecondary } from '../../../mm/notifier/second_level.ts';
import type { Op } from '../../../mm/world/op.ts';
import { linking } from '../../../mm/world/point.ts';
import type { SecondaryEntry } from '../../../mm/world/secondary_views.ts';
import { flushTlbSpace } from '../../../mm/world/tlb.ts';
import type { Vm } from '../vm.ts';
import { GUEST_ENTRIES, GUEST_LEVELS, GUEST_PAGES, guestIndex, hvaOf } from './guest_tables.ts';

/** @source struct kvm_mmu_page, union kvm_mmu_page_role */
export interface ShadowPage {
  readonly id: number;
  readonly gfn: number;
  readonly level: number;
  /** Whether the entries above the table allow writes (role.access). */
  readonly isWritable: boolean;
  /** Above level 0. */
  readonly children: (ShadowPage | undefined)[];
  /** Of level 0. */
  readonly leaves: (Leaf | undefined)[];
}

export interface Leaf {
  readonly gfn: number;
  readonly frame: number;
  readonly isWritable: boolean;
}

/** What a virtual machine without a second-level table has. Guarded by mmu_lock. */
export interface Shadow {
  /** The guest page of the table that the guest runs on (CR3). */
  readonly root: number;
  readonly pages: ShadowPage[];
  /** How many there have been. */
  made: number;
}

export const newShadow = (root: number): Shadow => ({ root, pages: [], made: 0 });

const TOP = GUEST_LEVELS - 1;

export const isShadowed = ({ pages }: Shadow, gfn: number): boolean =>
  pages.some((page) => page.gfn === gfn);

/** What hardware finds. */
export function leafOf({ root, pages }: Shadow, page: number): Leaf | undefined {
  let at = pages.find(({ gfn, level }) => gfn === root && level === TOP);
  for (let level = TOP; level > 0; level--) at = at?.children[guestIndex(page, level)];
  return at?.leaves[guestIndex(page, 0)];
}

/**
 * The shadow page of a table for these rights. Called under mmu_lock, for writing, as are all below.
 *
 * @locks  none, but TLBs of the guest are flushed if it could write to the table
 */
export function* getShadowPage(
  place: Place,
  vm: Vm,
  gfn: number,
  level: number,
  isWritable: boolean,
): Op<ShadowPage> {
  const shadow = vm.shadow!;
  const found = shadow.pages.find(
    (page) => page.gfn === gfn && page.level === level && page.isWritable === isWritable,
  );
  if (found !== undefined) return found;
  const made = { id: shadow.made++, gfn, level, isWritable, children: [], leaves: [] };
  const isProtected = yield* protectGfn(place, vm, gfn);
  if (isProtected) yield* flushShadow(place, vm);
  shadow.pages.push(made);
  return made;
}

/** Lets `child` stand where `page` leads to in `parent`. */
export function* linkShadow(
  { machine }: Place,
  vm: Vm,
  parent: ShadowPage,
  page: number,
  child: ShadowPage,
): Op<void> {
  yield* change(machine, vm, () => {
    parent.children[guestIndex(page, parent.level)] = child;
  });
}

/** Sets a last entry, or takes it away. */
export function* setShadowLeaf(
  machine: Machine,
  vm: Vm,
  page: ShadowPage,
  index: number,
  leaf: Leaf | undefined,
): Op<void> {
  yield* change(machine, vm, () => {
    const old = page.leaves[index];
    page.leaves[index] = leaf;
    const entry = old && entryOf(vm, page, index, old);
    if (entry !== undefined) {
      if (isGranted(leaf, old)) machine.secondaryViews.remove(entry.space, entry.page);
      else forgetSecondary(machine, entry);
    }
    if (leaf !== undefined) noteSecondary(machine, entryOf(vm, page, index, leaf));
  });
}

/** @returns whether anything was allowed to write to `gfn` */
function* protectGfn({ machine }: Place, vm: Vm, gfn: number): Op<boolean> {
  let isAny = false;
  for (const { page, index, leaf } of leavesOf(vm, gfn, gfn + 1)) {
    if (!leaf.isWritable) continue;
    yield* setShadowLeaf(machine, vm, page, index, { ...leaf, isWritable: false });
    isAny = true;
  }
  return isAny;
}

/** Takes away what maps the guest pages `[start, end)`. @returns whether anything did */
export function* zapShadowLeaves(
  machine: Machine,
  vm: Vm,
  start: number,
  end: number,
): Op<boolean> {
  const leaves = leavesOf(vm, start, end);
  for (const { page, index } of leaves) yield* setShadowLeaf(machine, vm, page, index, undefined);
  return leaves.length > 0;
}

/** Gives up the shadow pages of a table, which the guest is about to write to. */
export function* unshadow(place: Place, vm: Vm, gfn: number): Op<void> {
  const { machine } = place;
  const { pages } = vm.shadow!;
  for (const gone of pages.filter((page) => page.gfn === gfn)) {
    for (const [index, leaf] of gone.leaves.entries()) {
      if (leaf !== undefined) yield* setShadowLeaf(machine, vm, gone, index, undefined);
    }
    yield* change(machine, vm, () => {
      pages.splice(pages.indexOf(gone), 1);
      for (const { children } of pages) {
        for (const [index, child] of children.entries()) {
          if (child === gone) children[index] = undefined;
        }
      }
    });
  }
  yield* flushShadow(place, vm);
}

export function* flushShadow({ machine, cpu }: Place, { space }: Vm): Op<void> {
  yield* flushTlbSpace(machine, cpu, space, 0, Number.POSITIVE_INFINITY);
}

/** What hardware found before `apply` and does not find behind it may still be in TLBs. */
function* change(machine: Machine, vm: Vm, apply: () => void): Op<void> {
  yield linking(machine.objects.secondLevel(vm.id));
  const { space, shadow } = vm;
  const all = Array.from({ length: GUEST_PAGES }, (_, page) => leafOf(shadow!, page));
  apply();
  for (const [page, leaf] of all.entries()) {
    if (leaf === undefined || isGranted(leafOf(shadow!, page), leaf)) continue;
    const cpus = machine.mmCpus[space]!;
    machine.ledger.openFolio(cpus, space, page, page + 1, leaf.frame, leaf.isWritable);
  }
}

/** Whether what was there is still so, if with more rights. */
const isGranted = (now: Leaf | undefined, before: Leaf | undefined): boolean =>
  now !== undefined && now.frame === before?.frame && (now.isWritable || !before.isWritable);

function leavesOf(vm: Vm, start: number, end: number) {
  return vm.shadow!.pages.flatMap((page) =>
    page.leaves.flatMap((leaf, index) =>
      leaf !== undefined && start <= leaf.gfn && leaf.gfn < end ? [{ page, index, leaf }] : [],
    ),
  );
}

/** The record of an entry, by a number of its own: several virtual pages may lead to it. */
function entryOf(vm: Vm, { id }: ShadowPage, index: number, leaf: Leaf): SecondaryEntry {
  const page = GUEST_PAGES + id * GUEST_ENTRIES + index;
  const { gfn, frame, isWritable } = leaf;
  return { space: vm.space, page, pages: 1, mm: vm.mm, start: hvaOf(vm, gfn), frame, isWritable };
}
