/** Entries of an address space in the order of addresses; what is not there is passed over. */
import {
  isNoneAt,
  leafOps,
  type Machine,
  type Mm,
  type MmWalkOps,
  mmapReadLock,
  mmapReadUnlock,
  type Op,
  run,
  type Vma,
  type WalkForm,
  walkPageRange,
} from '../mm/index.ts';

/**
 * An entry that is not empty: of which VMA, where it lies, of which level it is, and its pages, which
 * are fewer than what it maps at the edges of what was asked for.
 */
export type Visit = (vma: Vma, slot: number, level: number, page: number, end: number) => void;

// biome-ignore lint/correctness/useYield: it only looks at what the walk has locked
const OPS: MmWalkOps<Visit> = leafOps(function* visit(walk, slot, level, page, end) {
  if (!isNoneAt(walk.task.machine, slot)) walk.state(walk.vma!, slot, level, page, end);
});

/** All entries for pages of `[start, end)` that refer to no table. Takes the locks of who reads /proc. */
export function visitEntries(
  machine: Machine,
  mm: Mm,
  start: number,
  end: number,
  visit: Visit,
  form?: WalkForm,
): void {
  if (start < end) run(readEntries(machine, mm, start, end, visit, form));
}

function* readEntries(
  machine: Machine,
  mm: Mm,
  start: number,
  end: number,
  visit: Visit,
  form?: WalkForm,
): Op<void> {
  const cpu = 0;
  yield* mmapReadLock(machine, cpu, mm.id);
  yield* walkPageRange({ machine, cpu, mm }, start, end, OPS, visit, form);
  yield* mmapReadUnlock(machine, cpu, mm.id);
}
