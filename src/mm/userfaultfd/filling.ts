/**
 * What the calls that fill pages have under way: with what, how far they are, and what was copied.
 *
 * @source mm/userfaultfd.c mfill_atomic(), the retry (Linux 6.18)
 */
import { load, tryLoad } from '../fault/access.ts';
import { putFrame } from '../page/frame.ts';
import type { Task } from '../task.ts';
import type { Op } from '../world/op.ts';
import { NONE } from '../world/world.ts';
import type { PageRange } from './range.ts';

/** What pages are filled with. */
export interface Fill {
  readonly kind: 'copy' | 'zeropage' | 'continue' | 'poison';
  /** Whether what is mapped is write-protected at once. */
  readonly isWp: boolean;
  /** Of a copy: the task that asks for it, from which of its pages on, and whether from within that. */
  readonly from?: { readonly task: Task; readonly page: number; readonly isWithin: boolean };
}

/** A page of the source is not there: it is to be faulted in without locks. No errno. */
export const SOURCE_MISSING = 1;

/** What is under way. */
export interface Filling {
  readonly fill: Fill;
  readonly range: PageRange;
  /** Pages that are done. */
  done: number;
  /** What was copied without locks, by page of the source. */
  readonly copied: Map<number, number>;
  /** Pages that are filled at once. */
  step: number;
  /** Of hugetlb, the page of the pool that it was copied to, or `NONE`. */
  temporary: number;
}

export function newFilling(fill: Fill, range: PageRange): Filling {
  return { fill, range, done: 0, copied: new Map(), step: 1, temporary: NONE };
}

export function* dropTemporary({ machine, cpu }: Task, filling: Filling): Op<void> {
  const { temporary } = filling;
  filling.temporary = NONE;
  if (temporary !== NONE) yield* putFrame(machine, cpu, temporary);
}

/**
 * The word of the page that is `index` pages behind the first; `undefined` if it is not there. Of a
 * page that is copied from two, it is that of the first.
 */
export function* contentOf(
  { from }: Fill,
  index: number,
  copied: ReadonlyMap<number, number>,
): Op<number | undefined> {
  if (from === undefined) return 0;
  const page = from.page + index;
  const word = copied.get(page) ?? (yield* tryLoad(from.task, page));
  if (!from.isWithin || copied.has(page + 1)) return word;
  const rest = yield* tryLoad(from.task, page + 1);
  return rest === undefined ? undefined : word;
}

/**
 * Copies without locks what is filled next, of hugetlb all of a huge page, and so faults it in.
 *
 * @returns whether the program may read it
 */
export function* copySource({ fill, range, done, copied, step }: Filling): Op<boolean> {
  const { task, page, isWithin } = fill.from!;
  const pages = range.end - range.start + (isWithin ? 1 : 0);
  let left = step;
  for (let index = done; index < pages && left > 0; index++) {
    if (copied.has(page + index)) continue;
    const present = yield* tryLoad(task, page + index);
    if (present !== undefined && step === 1) continue;
    const word = present ?? (yield* load(task, page + index));
    if (word < 0) return false;
    copied.set(page + index, word);
    left--;
  }
  return true;
}
