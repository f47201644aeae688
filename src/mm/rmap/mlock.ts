/**
 * Whether a folio is kept in memory (PG_mlocked), which is its own matter and not that of the VMAs that
 * map it: it is mlocked where a VMA with VM_LOCKED comes to map it, and for each of these munlocked
 * where that goes, or its lock is taken away. What loses VM_LOCKED otherwise, by MREMAP_DONTUNMAP, leaves
 * its pages mlocked.
 *
 * How often a folio is mlocked is kept in a list, `mlockCounts`, for the few that are not so once.
 *
 * Called with the folio announced, by its first frame.
 *
 * @source mm/mlock.c mlock_folio(), munlock_folio(); mm/internal.h mlock_vma_folio(),
 *         munlock_vma_folio() (Linux 6.18)
 * @omits  that a CPU puts off what it mlocks and munlocks, so that Linux may count too few; that pages of
 *         a large folio which are zapped together munlock it once; SHM_LOCK
 */
import { headOf, orderOf } from '../page/frame.ts';
import { VM, VM_SPECIAL, type Vma } from '../vma/vma.ts';
import type { Op } from '../world/op.ts';
import { writing } from '../world/point.ts';
import { violate } from '../world/property.ts';
import { FrameFlag, type World } from '../world/world.ts';
import type { Mapping } from './walk.ts';

export function isMlocked({ frameFlags }: World, head: number): boolean {
  return (frameFlags[head]! & FrameFlag.MLOCKED) !== 0;
}

/** Mlocks the folio `head` once more. */
export function mlockFolio(world: World, head: number): void {
  if (isMlocked(world, head)) setCount(world, head, countOf(world, head) + 1);
  else world.frameFlags[head]! |= FrameFlag.MLOCKED;
}

/** Mlocks it once less, if it is mlocked at all. */
export function munlockFolio(world: World, head: number): void {
  const count = countOf(world, head) - 1;
  setCount(world, head, Math.max(count, 1));
  if (count <= 0) world.frameFlags[head]! &= ~FrameFlag.MLOCKED;
}

/** `pages` entries of `vma` were made for the folio of `frame`: mlocks it if these map all of it. */
export function mlockMapped(world: World, vma: Vma, frame: number, pages: number): void {
  // While mlock(2) looks at the pages itself, VM_IO keeps others from counting them twice.
  if ((vma.flags & (VM.LOCKED | VM_SPECIAL)) !== VM.LOCKED) return;
  const head = headOf(world, frame);
  if (pages === 2 ** orderOf(world, head)) mlockFolio(world, head);
}

/** `vma` has lost entries for the folio of `frame`. */
export function munlockMapped(world: World, vma: Vma, frame: number): void {
  if ((vma.flags & VM.LOCKED) !== 0) munlockFolio(world, headOf(world, frame));
}

/**
 * A folio comes to a list of unevictable ones anew: by whom it was mlocked is forgotten, and who next
 * munlocks it counts as the last one.
 *
 * @source mm/swap.c lru_add()
 */
export function forgetMlocks(world: World, head: number): void {
  if (isMlocked(world, head)) setCount(world, head, 0);
}

/**
 * Reclaim meets a mapping of a VMA with VM_LOCKED: its small folio is mlocked, if it was not.
 *
 * @source mm/rmap.c try_to_unmap_one()
 */
export function* restoreMlock(world: World, { vma, frame }: Mapping): Op<void> {
  yield writing(world.objects.frame(frame));
  mlockMapped(world, vma, frame, 1);
  forgetMlocks(world, frame);
}

/** Called when no operation is under way. */
export function auditMlocks(world: World): void {
  const { frameFlags, frameReferences, mlockCounts } = world;
  for (let frame = 0; frame < world.size.frames; frame++) {
    if (!isMlocked(world, frame)) continue;
    const isNobodys = (frameFlags[frame]! & (FrameFlag.RESERVED | FrameFlag.TAIL)) !== 0;
    if (isNobodys || frameReferences[frame]! <= 0) violate(world, 'P-COUNT');
  }
  for (const head of mlockCounts.keys()) if (!isMlocked(world, head)) violate(world, 'P-COUNT');
}

const countOf = ({ mlockCounts }: World, head: number): number => mlockCounts.get(head) ?? 1;

function setCount({ mlockCounts }: World, head: number, count: number): void {
  if (count === 1) mlockCounts.delete(head);
  else mlockCounts.set(head, count);
}
