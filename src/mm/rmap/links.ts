/**
 * How VMAs are found from pages: an inode lists who maps it, an anon_vma whose pages may be its own.
 *
 * Whoever changes the bounds of a VMA holds the locks of both lists meanwhile, so that a walk from a
 * page meets all VMAs that map it, each where it is.
 *
 * @source mm/vma.c vma_prepare(), vma_complete(); mm/rmap.c anon_vma_clone(), unlink_anon_vmas()
 *         (Linux 6.18)
 */
import { assert } from '../../base/assert.ts';
import type { Task } from '../task.ts';
import type { Mm } from '../vma/mm.ts';
import type { Vma } from '../vma/vma.ts';
import { lock, Rank, unlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import type { AnonVma } from './anon_vma.ts';

/** Locks the lists that `vma` is in, or gets into: i_mmap, then those of its anon_vma. */
export function* lockLinks({ machine, cpu }: Task, vma: Pick<Vma, 'file' | 'anonVma'>): Op<void> {
  const { file, anonVma } = vma;
  if (file !== undefined) {
    yield* lock(machine, cpu, machine.objects.iMmapLock(file.inode.id), Rank.I_MMAP);
  }
  if (anonVma !== undefined) {
    yield* lock(machine, cpu, machine.objects.anonVmaLock(anonVma.root.id), Rank.ANON_VMA);
  }
}

export function* unlockLinks({ machine, cpu }: Task, vma: Pick<Vma, 'file' | 'anonVma'>): Op<void> {
  const { file, anonVma } = vma;
  if (anonVma !== undefined) {
    yield* unlock(machine, cpu, machine.objects.anonVmaLock(anonVma.root.id), Rank.ANON_VMA);
  }
  if (file !== undefined) {
    yield* unlock(machine, cpu, machine.objects.iMmapLock(file.inode.id), Rank.I_MMAP);
  }
}

/** Enters a VMA into the list of its file. Called under `lockLinks()`, or before anyone knows it. */
export function linkFile(mm: Mm, vma: Vma): void {
  if (vma.file === undefined) return;
  vma.file.inode.mappings.set(vma, mm);
  vma.file.inode.references++;
}

/** Called under `lockLinks()`. The inode stays, whoever has mapped it last. */
export function unlinkFile(vma: Vma): void {
  if (vma.file === undefined) return;
  const isRemoved = vma.file.inode.mappings.delete(vma);
  assert(isRemoved, 'a VMA that goes was in the list of its file');
  vma.file.inode.references--;
}

/** Makes `anonVma` the own one of a VMA that has none. Called under the lock of its family. */
export function adoptAnonVma(mm: Mm, vma: Vma, anonVma: AnonVma): void {
  assert(vma.anonVma === undefined, 'a VMA adopts an anon_vma once');
  vma.anonVma = anonVma;
  vma.chain.push(anonVma);
  anonVma.activeVmas++;
  anonVma.vmas.set(vma, mm);
}

/** Gives `to` the whole chain of `from`, which is of the same process. Called under `lockLinks()`. */
export function copyChain(mm: Mm, to: Vma, from: Vma): void {
  to.anonVma = from.anonVma;
  if (to.anonVma !== undefined) to.anonVma.activeVmas++;
  for (const anonVma of from.chain) {
    to.chain.push(anonVma);
    anonVma.vmas.set(to, mm);
  }
}

/** Takes a VMA out of all lists of its chain; anon_vmas that nobody needs go. */
export function unlinkAnonVmas({ machine, cpu }: Task, vma: Vma): void {
  if (vma.anonVma !== undefined) vma.anonVma.activeVmas--;
  vma.anonVma = undefined;
  const { chain } = vma;
  vma.chain = [];
  for (const anonVma of chain) {
    anonVma.vmas.delete(vma);
    if (anonVma.vmas.size > 0) continue;
    if (anonVma.parent !== anonVma) anonVma.parent.children--;
    machine.anonVmas.remove(cpu, anonVma.id);
  }
}
