/** Stacks that grow down. @source mm/vma.c expand_downwards() (Linux 6.18) */
import { anonVmaPrepare } from '../rmap/anon_vma_prepare.ts';
import type { Task } from '../task.ts';
import type { Op } from '../world/op.ts';
import { isAccessible, STACK_GUARD_PAGES, VM, type Vma } from './vma.ts';
import { moveBounds } from './vma_merge.ts';

/**
 * The VMA that a touch of `page` meets: one that is there, or a stack above it, grown down to it.
 *
 * Called under the mmap write lock.
 *
 * @returns `undefined` if there is none
 */
export function* findForTouch(task: Task, page: number): Op<Vma | undefined> {
  const { mm } = task;
  const vma = mm.vmas.find(page);
  if (vma === undefined || vma.start <= page) return vma;
  if ((vma.flags & VM.GROWSDOWN) === 0) return undefined;
  const { minAddress, stackLimit } = mm.layout;
  if (page < minAddress) return undefined;
  const below = mm.vmas.previous(vma);
  const isNear = below !== undefined && page - below.end < STACK_GUARD_PAGES;
  if (isNear && (below.flags & VM.GROWSDOWN) === 0 && isAccessible(below)) return undefined;
  if (vma.anonVma === undefined) yield* anonVmaPrepare(task, vma);
  if (vma.end - page > stackLimit || vma.pgoff < vma.start - page) return undefined;
  if ((vma.flags & VM.LOCKED) !== 0) mm.lockedPages += vma.start - page;
  yield* moveBounds(task, vma, page, vma.end, vma);
  return vma;
}
