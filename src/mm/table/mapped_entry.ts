/**
 * Entries that map a page, whether their process may access it or not: those that the kernel calls
 * present. Hardware takes the ones of PROT_NONE for empty.
 *
 * @source arch/x86/include/asm/pgtable.h pte_present() (Linux 6.18)
 */
import { type LeafFlags, R } from '../../arch/index.ts';
import type { World } from '../world/world.ts';
import { flagsAt, frameAt, isLeafAt, isPresentAt, setLeaf } from './pgtable.ts';
import { SoftKind, setSoftEntry, softFlagsAt, softKindAt, softValueAt } from './soft_entry.ts';

/** Whether an entry of `level` maps a page, or a huge one. */
export function isMappedAt(world: World, slot: number, level = 0): boolean {
  if (isPresentAt(world, slot)) return isLeafAt(world, slot, level);
  return softKindAt(world, slot) === SoftKind.PROT_NONE;
}

/** The frame of an entry that is mapped. */
export function mappedFrameAt(world: World, slot: number, level = 0): number {
  return isPresentAt(world, slot) ? frameAt(world, slot, level) : softValueAt(world, slot);
}

/** Rights, of which PROT_NONE has none, and whether it was accessed and written to. */
export function mappedFlagsAt(world: World, slot: number): LeafFlags {
  return isPresentAt(world, slot) ? flagsAt(world, slot) : softFlagsAt(world, slot);
}

/** Gives a page that is mapped other flags: without the right to read, it is there for nobody. */
export function setMappedFlags(world: World, slot: number, flags: LeafFlags): void {
  setMapped(world, slot, mappedFrameAt(world, slot), flags);
}

/** Maps `frame` by an entry of `level`. Called under the lock of the table. */
export function setMapped(
  world: World,
  slot: number,
  frame: number,
  flags: LeafFlags,
  level = 0,
): void {
  if ((flags & R) === 0) setSoftEntry(world, slot, SoftKind.PROT_NONE, frame, flags);
  else setLeaf(world, slot, frame, flags, level);
}
