/** Which tables of a host exist more than once, by interval arithmetic over their content ids. */
import type { Mm } from '../snapshot/records.ts';

export class RepeatedTables {
  /** Ids `[starts[i], ends[i])` belong to several tables each, ascending. */
  readonly #starts: Float64Array;
  readonly #ends: Float64Array;
  /** Ids in the intervals before. */
  readonly #before: Float64Array;

  constructor(mms: readonly Mm[]) {
    const { starts, ends } = idsOf(mms);
    const repeated = overlaps(starts.sort(), ends.sort());
    this.#starts = Float64Array.from(repeated, ([start]) => start);
    this.#ends = Float64Array.from(repeated, ([, end]) => end);
    let sum = 0;
    this.#before = Float64Array.from(repeated, ([start, end]) => {
      sum += end - start;
      return sum - (end - start);
    });
  }

  /** How many of the ids `[first, first + count)` belong to several tables. */
  count(first: number, count: number): number {
    return first === 0 ? 0 : this.#below(first + count) - this.#below(first);
  }

  #below(id: number): number {
    let [low, high] = [0, this.#starts.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#starts[middle]! < id) low = middle + 1;
      else high = middle;
    }
    if (low === 0) return 0;
    return this.#before[low - 1]! + Math.min(id, this.#ends[low - 1]!) - this.#starts[low - 1]!;
  }
}

function idsOf(mms: readonly Mm[]) {
  const starts: number[] = [];
  const ends: number[] = [];
  for (const { runs } of mms) {
    for (let run = 0; run < runs.length; run++) {
      const first = runs.content[run]!;
      if (first === 0) continue;
      starts.push(first);
      ends.push(first + runs.count[run]!);
    }
  }
  return { starts: Float64Array.from(starts), ends: Float64Array.from(ends) };
}

/** Where at least two intervals lie, given all their starts and all their ends in order. */
function overlaps(starts: Float64Array, ends: Float64Array): (readonly [number, number])[] {
  const found: (readonly [number, number])[] = [];
  let from = 0;
  let [begun, ended] = [0, 0];
  while (ended < ends.length) {
    const isStart = begun < starts.length && starts[begun]! < ends[ended]!;
    const depth = begun - ended;
    if (isStart) {
      if (depth === 1) from = starts[begun]!;
      begun++;
    } else {
      if (depth === 2 && ends[ended]! > from) found.push([from, ends[ended]!]);
      ended++;
    }
  }
  return found;
}
