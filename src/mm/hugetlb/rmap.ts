/**
 * Counting who maps a folio of hugetlb: one for each entry, of whatever level, also if several
 * processes see it in a table that they share. Called under the lock of that table.
 *
 * @source include/linux/rmap.h hugetlb_add_file_rmap(), hugetlb_remove_rmap(); mm/rmap.c
 *         hugetlb_add_new_anon_rmap() (Linux 6.18)
 */
import { assert } from '../../base/assert.ts';
import type { AnonVma } from '../rmap/anon_vma.ts';
import { FrameFlag, type World } from '../world/world.ts';
import { HugetlbFlag, setHugetlbFlags } from './folio.ts';

/** Adds `change` to the count. Called with the folio announced. */
export function countMap({ frameReferences }: World, head: number, change: number): void {
  frameReferences[head + 1]! += change;
  assert(frameReferences[head + 1]! >= 0, 'a folio that is unmapped was mapped');
}

/** How many entries map the folio. */
export function hugetlbMapcount({ frameReferences }: World, head: number): number {
  return frameReferences[head + 1]!;
}

/** Makes a new folio a private one, page `index` of what `anonVma` stands for, mapped once. */
export function mapNewAnonymousFolio(
  world: World,
  head: number,
  anonVma: AnonVma,
  index: number,
): void {
  world.frameMapping[head] = -1 - anonVma.id;
  world.frameIndex[head] = index;
  world.frameFlags[head]! |= FrameFlag.EXCLUSIVE | FrameFlag.UPTODATE;
  countMap(world, head, 1);
  // It is used: nothing is to be restored any more.
  setHugetlbFlags(world, head, HugetlbFlag.HUGETLB);
}
