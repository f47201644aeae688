/** What has to be done to shared tables before their pages change, are moved, or go. */
import { Change } from '../../mm/design/design.ts';
import type { Task } from '../../mm/task.ts';
import type { Vma } from '../../mm/vma/vma.ts';
import type { Op } from '../../mm/world/op.ts';
import type { Mistakes, Options } from './options.ts';
import { spanOf } from './share.ts';
import { isShareable, type Span } from './shareable.ts';
import { beginTransition, endTransition } from './transition.ts';
import { leaveTables } from './unshare.ts';

/** Called under the mmap lock or the VMA lock. @locks i_mmap_rwsem (write), page-table locks */
export function* beforeChange(
  task: Task,
  vma: Vma,
  span: Span,
  change: Change,
  options: Options,
): Op<void> {
  if (!isOfFile(vma)) return;
  const { mistakes } = options;
  const isOpen = isInTheOpen(change, mistakes);
  yield* beginTransition(task, vma, isOpen ? NOTHING : span);
  if (isLeaving(task, vma, span, change, options)) yield* leaveTables(task, span, options);
}

export function* afterChange(task: Task, vma: Vma): Op<void> {
  if (isOfFile(vma)) yield* endTransition(task);
}

const NOTHING: Span = { start: 0, end: 0 };

const isOfFile = ({ file }: Vma): boolean => file !== undefined && file.design === undefined;

/** Whether sharers may find what is changing. */
function isInTheOpen(change: Change, mistakes: Mistakes): boolean {
  switch (change) {
    case Change.RIGHTS:
      return mistakes.protectsInTheOpen === true;
    case Change.FLAGS:
      return mistakes.protectsInTheOpen === true || mistakes.ignoresSplit === true;
    case Change.MOVE_TO:
      return mistakes.movesInTheOpen === true;
    case Change.UNMAP:
    case Change.ADVICE:
      return mistakes.unmapsInTheOpen === true;
    default:
      return false;
  }
}

/** Whether tables are left now; those of pages that are unmapped may be met shared then, too. */
function isLeaving(
  { machine }: Task,
  vma: Vma,
  { start }: Span,
  change: Change,
  options: Options,
): boolean {
  const { mistakes } = options;
  if (change === Change.MOVE_TO) return mistakes.movesInTheOpen !== true;
  if (change === Change.UNMAP || change === Change.ADVICE) {
    return mistakes.unmapsInTheOpen !== true;
  }
  if (mistakes.ignoresSplit !== true) return true;
  return change !== Change.FLAGS && isShareable(vma, spanOf(machine, start, 0), options);
}
