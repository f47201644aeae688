/**
 * What marks the folios of hugetlb: flags where the fourth frame, which is no head, would count
 * references.
 *
 * @source include/linux/hugetlb.h enum hugetlb_page_flags (Linux 6.18)
 */
import { ORDER_SHIFT, type World } from '../world/world.ts';

/** The frame of a folio that has the flags. */
const FLAGS = 3;
const ORDER_MIN = 2;

export const HugetlbFlag = {
  HUGETLB: 1,
  /** It took a reservation, which comes back if it is freed before it is used. */
  RESTORE_RESERVE: 2,
  /** It is just being moved. */
  ISOLATED: 4,
} as const;

/** Whether the folio `head` is one of hugetlb, in use or free. */
export function isHugetlbFolio(world: World, head: number): boolean {
  const order = world.frameFlags[head]! >>> ORDER_SHIFT;
  return order >= ORDER_MIN && hugetlbFlags(world, head) !== 0;
}

export function hugetlbFlags({ frameReferences }: World, head: number): number {
  return frameReferences[head + FLAGS]!;
}

/** Called with the folio announced, or known to nobody else. */
export function setHugetlbFlags({ frameReferences }: World, head: number, flags: number): void {
  frameReferences[head + FLAGS] = flags;
}
