/**
 * Which anon_vma a VMA gets with its first private page.
 *
 * @source mm/rmap.c __anon_vma_prepare(), mm/vma.c find_mergeable_anon_vma() (Linux 6.18)
 */
import type { Machine } from '../machine.ts';
import type { Task } from '../task.ts';
import { VM_ACCESS, VM_STICKY, type Vma } from '../vma/vma.ts';
import { lock, Rank, unlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { writing } from '../world/point.ts';
import type { AnonVma } from './anon_vma.ts';
import { adoptAnonVma } from './links.ts';

/**
 * Gives `vma` an anon_vma, unless it has one: a neighbour's, where that lets the two merge one day.
 *
 * Called under the mmap lock.
 *
 * @locks the lock of the anon_vma
 */
export function* anonVmaPrepare(task: Task, vma: Vma): Op<void> {
  const { machine, cpu, mm } = task;
  const { vmas } = mm;
  const next = vmas.next(vma);
  const previous = vmas.previous(vma);
  const anonVma =
    (next && identityAcross(vma, next, next)) ??
    (previous && identityAcross(previous, vma, previous)) ??
    newAnonVma(machine, cpu);
  const guard = machine.objects.anonVmaLock(anonVma.root.id);
  yield* lock(machine, cpu, guard, Rank.ANON_VMA);
  yield writing(machine.objects.anonVmaOf(vma.id));
  // Another fault of the same VMA may have been faster.
  const isFirst = vma.anonVma === undefined;
  if (isFirst) adoptAnonVma(mm, vma, anonVma);
  yield* unlock(machine, cpu, guard, Rank.ANON_VMA);
  if (!isFirst && anonVma.vmas.size === 0) machine.anonVmas.remove(cpu, anonVma.id);
}

type AnonVmaToBe = { -readonly [Key in keyof AnonVma]: AnonVma[Key] };

/** A new anon_vma, a child of `parent`, which has to be told, or the root of a family of its own. */
export function newAnonVma(machine: Machine, cpu: number, parent?: AnonVma): AnonVma {
  return machine.anonVmas.add(cpu, (id) => {
    // A root is its own parent.
    const children = parent === undefined ? 1 : 0;
    const made = { id, children, activeVmas: 0, vmas: new Map() } as AnonVmaToBe;
    made.root = parent?.root ?? made;
    made.parent = parent ?? made;
    return made as AnonVma;
  });
}

/** The anon_vma of `owner`, if the two VMAs could be one but for their rights. */
function identityAcross(lower: Vma, upper: Vma, owner: Vma): AnonVma | undefined {
  const isAlike =
    lower.end === upper.start &&
    lower.file === upper.file &&
    ((lower.flags ^ upper.flags) & ~(VM_ACCESS | VM_STICKY)) === 0 &&
    upper.pgoff === lower.pgoff + (lower.end - lower.start) &&
    owner.chain.length <= 1;
  return isAlike ? owner.anonVma : undefined;
}
