/** Predicates on the bits of an entry, from data. */
import { type Field, type Lanes, maskOf } from './fields.ts';

/** True if any of these fields is not zero, or any of those that count when clear has a zero. */
export interface AnyOf {
  readonly set?: readonly Field[];
  readonly clear?: readonly Field[];
}

/** A predicate on the bits of an entry. */
export class BitTest {
  readonly #mask: Lanes;
  readonly #flip: Lanes;

  constructor({ set = [], clear = [] }: AnyOf) {
    this.#mask = maskOf(...set, ...clear);
    this.#flip = maskOf(...clear);
  }

  of(low: number, high: number): boolean {
    const lowHit = (low ^ this.#flip.low) & this.#mask.low;
    return (lowHit | ((high ^ this.#flip.high) & this.#mask.high)) !== 0;
  }
}
