/** Finds the slots in which several address spaces have a PTE table that may be the same. */
import { type Mm, RunKind, type Runs, type Vma } from '../snapshot/records.ts';

/** Half-open intervals of slots, disjoint and ascending: `[start, end, start, end, ...]`. */
export type SlotIntervals = Float64Array;

/** A part of a run, in slots. */
export interface RunPart {
  readonly slot: number;
  readonly count: number;
}

/**
 * The parts of a run that may be private to their process: of a private VMA all, of a shared one
 * only the first and the last table, where something else may have a place too.
 */
export function privateParts(runs: Runs, run: number, vma: Vma, slotPages: number): RunPart[] {
  const slot = runs.slot[run]!;
  const count = runs.count[run]!;
  if (runs.kind[run] !== RunKind.PTE) return [];
  if (!vma.shared) return [{ slot, count }];
  const last = slot + count - 1;
  const isWhole = (at: number): boolean =>
    vma.start <= at * slotPages && (at + 1) * slotPages <= vma.end;
  const ends = last === slot ? [slot] : [slot, last];
  return ends.filter((at) => !isWhole(at)).map((at) => ({ slot: at, count: 1 }));
}

/** The slots that at least two address spaces have such a part in. */
export function contestedSlots(
  mms: readonly Pick<Mm, 'vmas' | 'runs'>[],
  slotPages: number,
): SlotIntervals {
  const starts: number[] = [];
  const ends: number[] = [];
  for (const mm of mms) {
    let end = 0;
    for (let run = 0; run < mm.runs.length; run++) {
      for (const part of privateParts(mm.runs, run, mm.vmas[mm.runs.vma[run]!]!, slotPages)) {
        // Two VMAs of one process in one slot have one table there.
        const from = Math.max(part.slot, end);
        const to = part.slot + part.count;
        if (from >= to) continue;
        starts.push(from);
        ends.push(to);
        end = to;
      }
    }
  }
  return coveredTwice(Float64Array.from(starts).sort(), Float64Array.from(ends).sort());
}

/** What at least two of the intervals cover, given their sorted starts and their sorted ends. */
function coveredTwice(starts: Float64Array, ends: Float64Array): SlotIntervals {
  const covered: number[] = [];
  let opened = 0;
  let closed = 0;
  while (closed < ends.length) {
    if (opened < starts.length && starts[opened]! < ends[closed]!) {
      opened++;
      if (opened - closed === 2) covered.push(starts[opened - 1]!);
    } else {
      closed++;
      if (opened - closed === 1) covered.push(ends[closed - 1]!);
    }
  }
  return Float64Array.from(covered);
}

export function overlaps(intervals: SlotIntervals, part: RunPart): boolean {
  let low = 0;
  let high = intervals.length / 2;
  // The first interval that ends behind the start of the part.
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (intervals[middle * 2 + 1]! <= part.slot) low = middle + 1;
    else high = middle;
  }
  return low * 2 < intervals.length && intervals[low * 2]! < part.slot + part.count;
}
