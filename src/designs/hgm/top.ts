/**
 * The entries of whole huge pages, where they are what is counted (RFC v1): each that is not empty, also
 * if it refers to a table below which nothing is mapped.
 *
 * @source James Houghton, LKML, 27 June 2022: "If the PUD for a hugepage is not none, a hugepage's mapcount
 *         will be increased"
 */
import { hstateOf } from '../../mm/hugetlb/hstate.ts';
import { countMap } from '../../mm/hugetlb/rmap.ts';
import { freePgtables } from '../../mm/table/free_pgtables.ts';
import { isNoneAt, isPresentAt, isTableAt, walk } from '../../mm/table/pgtable.ts';
import type { Task } from '../../mm/task.ts';
import type { Mm } from '../../mm/vma/mm.ts';
import { pgoffAt, type Vma } from '../../mm/vma/vma.ts';
import type { Op } from '../../mm/world/op.ts';
import { reading, writing } from '../../mm/world/point.ts';
import { NONE } from '../../mm/world/world.ts';

/** Whether the entry is empty. Who changes that has the fault mutex of the page, or all locks. */
export function* isTopEmpty({ machine }: Task, mm: Mm, vma: Vma, page: number): Op<boolean> {
  const { level, pages } = hstateOf(vma);
  const slot = yield* walk(machine, mm, page - (page % pages), level);
  if (slot === NONE) return true;
  yield reading(machine.objects.entry(slot));
  return isNoneAt(machine, slot);
}

/** Counts the entry, which was empty, if it refers to a table now: that of a leaf counts with the leaf. */
export function* countNewTop(task: Task, mm: Mm, vma: Vma, page: number, head: number): Op<void> {
  const { machine } = task;
  const slot = yield* tableEntryOf(task, mm, vma, page);
  if (slot === NONE) return;
  yield writing(machine.objects.frame(head));
  countMap(machine, head, 1);
}

/**
 * Frees the tables below the entry, where nothing is mapped any more, and empties it.
 *
 * @param change of the count of who maps the page
 */
export function* emptyTop(task: Task, vma: Vma, page: number, change: number): Op<void> {
  const { machine, mm } = task;
  const slot = yield* tableEntryOf(task, mm, vma, page);
  if (slot === NONE) return;
  const { pages } = hstateOf(vma);
  yield* freePgtables(task, page, page + pages, { floor: page, ceiling: page + pages });
  if (change === 0) return;
  const { inode } = vma.file!;
  yield reading(machine.objects.pages(inode.id));
  const head = inode.pages.get(pgoffAt(vma, page));
  yield writing(machine.objects.frame(head));
  countMap(machine, head, change);
}

/** The slot of the entry of a huge page, if it refers to a table; else `NONE`. */
function* tableEntryOf({ machine }: Task, mm: Mm, vma: Vma, page: number): Op<number> {
  const { level, pages, entries } = hstateOf(vma);
  if (entries > 1 || level === 0) return NONE;
  const slot = yield* walk(machine, mm, page - (page % pages), level);
  if (slot === NONE) return NONE;
  yield reading(machine.objects.entry(slot));
  const isTable = isPresentAt(machine, slot) && isTableAt(machine, slot, level);
  return isTable ? slot : NONE;
}
