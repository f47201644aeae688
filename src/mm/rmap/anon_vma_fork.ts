/**
 * What the pages of a forked VMA belong to.
 *
 * Those that it has from its parent go on belonging to the anon_vmas of the parent, so the child joins
 * all their lists. Its own new pages belong to an anon_vma of its own: that way a walk from a page
 * does not meet processes that came to be before the page. One that an ancestor has left behind
 * serves as well, which bounds how many a chain of forks makes.
 *
 * @source mm/rmap.c anon_vma_fork(), anon_vma_clone() (Linux 6.18)
 */
import type { Task } from '../task.ts';
import type { Mm } from '../vma/mm.ts';
import type { Vma } from '../vma/vma.ts';
import { lock, Rank, unlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import type { World } from '../world/world.ts';
import type { AnonVma } from './anon_vma.ts';
import { newAnonVma } from './anon_vma_prepare.ts';

/**
 * Gives `copy`, the VMA of `child` that is made from `vma`, its anon_vmas.
 *
 * @locks the lock of the family, twice if a new anon_vma is needed
 */
export function* anonVmaFork(task: Task, child: Mm, copy: Vma, vma: Vma): Op<void> {
  if (vma.anonVma === undefined) return;
  const { machine, cpu } = task;
  const guard = machine.objects.anonVmaLock(vma.anonVma.root.id);
  yield* lock(machine, cpu, guard, Rank.ANON_VMA);
  joinAll(machine, child, copy, vma);
  yield* unlock(machine, cpu, guard, Rank.ANON_VMA);
  if (copy.anonVma !== undefined) return;
  const own = newAnonVma(machine, cpu, vma.anonVma);
  yield* lock(machine, cpu, guard, Rank.ANON_VMA);
  own.parent.children++;
  own.activeVmas++;
  own.vmas.set(copy, child);
  copy.anonVma = own;
  copy.chain.unshift(own);
  yield* unlock(machine, cpu, guard, Rank.ANON_VMA);
}

/** Enters `copy` into the lists of the parent's anon_vmas, the oldest first, and may take one over. */
function joinAll({ bugs }: World, child: Mm, copy: Vma, vma: Vma): void {
  for (const anonVma of vma.chain.toReversed()) {
    anonVma.vmas.set(copy, child);
    const isNobodys =
      bugs.anonVmaReusedTwice === true ? hasOneOf(anonVma, vma) : isLeftBehind(anonVma);
    if (copy.anonVma === undefined && isNobodys) copy.anonVma = anonVma;
  }
  copy.chain.push(...vma.chain);
  if (copy.anonVma !== undefined) copy.anonVma.activeVmas++;
}

/** Children and VMAs counted as one: what has none of the one has one of the other, it is said. */
const hasOneOf = (anonVma: AnonVma, vma: Vma): boolean =>
  anonVma !== vma.anonVma && anonVma.children + anonVma.activeVmas < 2;

/** Nobody's own, with one child at most. A root has itself for a child, so it needs another. */
const isLeftBehind = ({ children, activeVmas }: AnonVma): boolean =>
  children < 2 && activeVmas === 0;
