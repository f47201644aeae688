/**
 * Entries that are not present to hardware, and mean something to the kernel.
 *
 * They look the same in every format: bit 0 of the low lane and bit 31 of the high lane are clear,
 * one of which is the present bit everywhere. The kind is never 0, so none of them is an empty entry.
 *
 *    low lane   bits 1-3 kind, bits 8-19 flags          high lane   bits 0-30 value
 */
import { assert } from '../../base/assert.ts';
import type { World } from '../world/world.ts';
import { setEntry } from './pgtable.ts';

export const SoftKind = {
  /** A page that its process may not access (PROT_NONE): value is the frame, flags its leaf flags. */
  PROT_NONE: 1,
  /** The page is in a slot of the swap device. */
  SWAP: 2,
  /** The page is being moved: value is the old frame. */
  MIGRATION: 3,
  /** Value is one of `Marker`. */
  MARKER: 4,
} as const;
export type SoftKind = (typeof SoftKind)[keyof typeof SoftKind];

/** Bits that a marker may have. */
export const Marker = { UFFD_WP: 1, POISONED: 2, GUARD: 4 } as const;

/** Flags of swap and migration entries. */
export const SoftFlag = { WRITABLE: 1, EXCLUSIVE: 2, YOUNG: 4, DIRTY: 8, UFFD_WP: 16 } as const;

const KIND_SHIFT = 1;
const KIND_MASK = 7;
const FLAGS_SHIFT = 8;
const FLAGS_MASK = 0xfff;

/** 0 if the entry is empty or present. */
export function softKindAt(world: World, slot: number): SoftKind | 0 {
  const low = world.lanes[slot * 2]!;
  const high = world.lanes[slot * 2 + 1]!;
  if (world.format.present(low, high)) return 0;
  return ((low >>> KIND_SHIFT) & KIND_MASK) as SoftKind | 0;
}

/** Whether an entry is nothing but the note that userfaultfd write-protects its page. */
export function isWpMarkerAt(world: World, slot: number): boolean {
  if (softKindAt(world, slot) !== SoftKind.MARKER) return false;
  return (softValueAt(world, slot) & Marker.UFFD_WP) !== 0;
}

/** Whether an entry stands for no page: nothing is there, or a marker (pte_none_mostly). */
export function isNoneMostlyAt(world: World, slot: number): boolean {
  const kind = softKindAt(world, slot);
  if (kind === SoftKind.MARKER) return true;
  return kind === 0 && (world.lanes[slot * 2]! | world.lanes[slot * 2 + 1]!) === 0;
}

export function softValueAt(world: World, slot: number): number {
  return world.lanes[slot * 2 + 1]!;
}

export function softFlagsAt(world: World, slot: number): number {
  return (world.lanes[slot * 2]! >>> FLAGS_SHIFT) & FLAGS_MASK;
}

/** Called under the lock of the table. */
export function setSoftEntry(
  world: World,
  slot: number,
  kind: SoftKind,
  value: number,
  flags = 0,
): void {
  assert(value >= 0 && value < 2 ** 31, 'what a soft entry stands for has 31 bits');
  assert(flags <= FLAGS_MASK, 'the flags of a soft entry have 12 bits');
  setEntry(world, slot, (kind << KIND_SHIFT) | (flags << FLAGS_SHIFT), value);
}
