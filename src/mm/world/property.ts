/** What must never be false of the simulated kernel. A violation is data, found by the checker. */
import type { World } from './world.ts';

export const PROPERTIES = [
  /** A freed or reused page is reachable through a TLB, a page table or a lockless access. */
  'P-UAF-PAGE',
  /** A walk goes through a freed or reused page table. */
  'P-UAF-PT',
  /** A write is lost, or a stale value read. */
  'P-DATA',
  /** A reference, map or table count differs from the truth. */
  'P-COUNT',
  /** Locks taken against their order. */
  'P-LOCK',
  /** A translation grants more than its VMA. */
  'P-PERM',
  /** A private page can be written to, or is taken for a process's own, while others have it. */
  'P-COW',
  /** A translation that was taken away may still be used when nobody is about to flush it. */
  'P-TLB',
  /** What is told of an address space, resident pages or tables, is not so. */
  'P-ACCT',
  /** A signal, no end, or a locked page that is gone, where there was no reason. */
  'P-LIVE',
  /** A VMA is used that was freed. */
  'P-UAF-VMA',
] as const;
export type Property = (typeof PROPERTIES)[number];

/** Remembers a violation; the first one counts. */
export function violate(world: World, property: Property): void {
  world.trace?.violation(property, '');
  if (world.violation[0] === 0) world.violation[0] = PROPERTIES.indexOf(property) + 1;
}

/** The first violation since the world was built or restored. */
export function violationOf(world: World): Property | undefined {
  return PROPERTIES[world.violation[0]! - 1];
}
