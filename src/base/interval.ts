/** Arithmetic on half-open intervals of non-negative integers, the currency of the twin. */
import { assert } from './assert.ts';

/** A growing list of half-open intervals `[start, end)`, kept flat so that millions stay cheap. */
export class IntervalList {
  #bounds = new Float64Array(8);
  #length = 0;

  /** How many intervals were added. */
  get length(): number {
    return this.#length;
  }

  add(start: number, end: number): void {
    assert(start >= 0, 'an interval starts at or above zero');
    assert(start < end, 'an interval is not empty');
    const last = this.#length * 2 - 1;
    // Sharers of one object often add exactly the same interval, in a row.
    if (last > 0 && this.#bounds[last] === end && this.#bounds[last - 1] === start) return;
    if (this.#length * 2 === this.#bounds.length) {
      const grown = new Float64Array(this.#bounds.length * 2);
      grown.set(this.#bounds);
      this.#bounds = grown;
    }
    this.#bounds[this.#length * 2] = start;
    this.#bounds[this.#length * 2 + 1] = end;
    this.#length++;
  }

  /** The union as sorted, disjoint, non-touching intervals `[start, end, start, end, ...]`. */
  union(): Float64Array {
    const order = new Uint32Array(this.#length);
    for (let i = 0; i < this.#length; i++) order[i] = i;
    const bounds = this.#bounds;
    order.sort((a, b) => bounds[a * 2]! - bounds[b * 2]!);
    const merged = new Float64Array(this.#length * 2);
    let count = 0;
    for (const index of order) {
      const start = bounds[index * 2]!;
      const end = bounds[index * 2 + 1]!;
      if (count > 0 && start <= merged[count - 1]!) {
        if (end > merged[count - 1]!) merged[count - 1] = end;
      } else {
        merged[count++] = start;
        merged[count++] = end;
      }
    }
    return merged.slice(0, count);
  }

  /** How many integers at least one interval covers. */
  unionLength(): number {
    const merged = this.union();
    let length = 0;
    for (let i = 0; i < merged.length; i += 2) length += merged[i + 1]! - merged[i]!;
    return length;
  }
}
