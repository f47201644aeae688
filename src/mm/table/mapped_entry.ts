/**
 * Entries that map a page, whether their process may access it or not: those that the kernel calls
 * present. Hardware takes the ones of PROT_NONE for empty.
 *
 * @source arch/x86/include/asm/pgtable.h pte_present() (Linux 6.18)
 */
import { type LeafFlags, R } from '../../arch/index.ts';
import type { World } from '../world/world.ts';
import { flagsAt, frameAt, isPresentAt, setLeaf } from './pgtable.ts';
import { SoftKind, setSoftEntry, softFlagsAt, softKindAt, softValueAt } from './soft_entry.ts';

/** Of an entry of level 0. */
export function isMappedAt(world: World, slot: number): boolean {
  return isPresentAt(world, slot) || softKindAt(world, slot) === SoftKind.PROT_NONE;
}

/** The frame of an entry that is mapped. */
export function mappedFrameAt(world: World, slot: number): number {
  return isPresentAt(world, slot) ? frameAt(world, slot) : softValueAt(world, slot);
}

/** Rights, of which PROT_NONE has none, and whether it was accessed and written to. */
export function mappedFlagsAt(world: World, slot: number): LeafFlags {
  return isPresentAt(world, slot) ? flagsAt(world, slot) : softFlagsAt(world, slot);
}

/** Gives a page that is mapped other flags: without the right to read, it is there for nobody. */
export function setMappedFlags(world: World, slot: number, flags: LeafFlags): void {
  const frame = mappedFrameAt(world, slot);
  if ((flags & R) === 0) setSoftEntry(world, slot, SoftKind.PROT_NONE, frame, flags);
  else setLeaf(world, slot, frame, flags);
}
