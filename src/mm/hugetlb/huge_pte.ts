/**
 * Entries that map huge pages: one, or on arm64 a run of entries that a TLB may hold as one. All of a
 * run say the same, each of its part of the page.
 *
 * @source arch/arm64/mm/hugetlbpage.c set_huge_pte_at(), huge_pte_clear() (Linux 6.18)
 */
import { CONTIGUOUS, type LeafFlags } from '../../arch/index.ts';
import { isMappedAt, mappedFlagsAt, setMapped } from '../table/mapped_entry.ts';
import { clearEntry, isPresentAt, lockOf } from '../table/pgtable.ts';
import { softFlagsAt } from '../table/soft_entry.ts';
import type { Mm } from '../vma/mm.ts';
import type { World } from '../world/world.ts';

/** Of which level the entries are, and how many. */
export interface Run {
  readonly level: number;
  readonly entries: number;
}

/**
 * The lock of the entry, or of the run: the same for a walk that knows nothing of huge pages, and takes
 * the lock of the table that it is in.
 *
 * @source include/linux/hugetlb.h huge_pte_lockptr() (Linux 6.18)
 */
export function hugePteLock(world: World, mm: Mm, slot: number, { level, entries }: Run): number {
  if (entries > 1 && world.bugs.runsUnderMmLock === true) return world.objects.pageTableLock(mm.id);
  return lockOf(world, mm, slot, level);
}

/** Maps the frames from `frame` on. Called under the lock of the table. */
export function setHugePte(
  world: World,
  slot: number,
  { level, entries }: Run,
  frame: number,
  flags: LeafFlags,
): void {
  if (entries === 1) {
    setMapped(world, slot, frame, flags, level);
    return;
  }
  const span = world.format.entryPages[level]!;
  for (let at = 0; at < entries; at++) {
    setMapped(world, slot + at, frame + at * span, flags | CONTIGUOUS, level);
  }
}

/** Called under the lock of the table. */
export function clearHugePte(world: World, slot: number, { entries }: Run): void {
  for (let at = slot; at < slot + entries; at++) clearEntry(world, at);
}

/** Rights, and whether it was accessed and written to: any of a run says so for all. */
export function hugePteFlags(world: World, slot: number, { entries }: Run): LeafFlags {
  let flags = mappedFlagsAt(world, slot);
  for (let at = slot + 1; at < slot + entries; at++) flags |= mappedFlagsAt(world, at);
  return flags & ~CONTIGUOUS;
}

/** Whether the entry is one of a run that maps a page. */
export function isContiguousAt(world: World, slot: number, level: number): boolean {
  if (!isMappedAt(world, slot, level)) return false;
  const { format, lanes } = world;
  if (!isPresentAt(world, slot)) return (softFlagsAt(world, slot) & CONTIGUOUS) !== 0;
  return format.contiguous(lanes[slot * 2]!, lanes[slot * 2 + 1]!);
}
