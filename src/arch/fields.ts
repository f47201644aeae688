/**
 * Bit fields of a 64-bit entry, declared once as data.
 *
 * An entry is two 32-bit lanes, low then high. Masks are kept as signed 32-bit integers, which is
 * what `&` gives; lanes that leave this layer are unsigned.
 */
import { assert } from '../base/assert.ts';

/** Lowest and highest bit, both included. */
export type Field = readonly [low: number, high: number];
export type Fields = Readonly<Record<string, Field>>;
/** A value for each field that is not zero. */
export type FieldValues<F extends Fields = Fields> = { readonly [Name in keyof F]?: number };

export interface Lanes {
  readonly low: number;
  readonly high: number;
}

/** Checks at load that no two fields share a bit: a typo in a table must not survive start-up. */
export function fields<const F extends Fields>(table: F): F {
  let [low, high] = [0, 0];
  for (const field of Object.values(table)) {
    assert(0 <= field[0], 'a field starts at or above bit 0');
    assert(field[0] <= field[1], 'a field has a bit');
    assert(field[1] < 64, 'a field ends within 64 bits');
    const mask = maskOf(field);
    assert((low & mask.low) === 0, 'fields do not overlap in the low lane');
    assert((high & mask.high) === 0, 'fields do not overlap in the high lane');
    low |= mask.low;
    high |= mask.high;
  }
  return table;
}

/** The bits of all these fields. */
export function maskOf(...parts: readonly Field[]): Lanes {
  let [low, high] = [0, 0];
  for (const field of parts) {
    low |= laneMask(field, 0);
    high |= laneMask(field, 32);
  }
  return { low, high };
}

function laneMask(field: Field, laneStart: number): number {
  let mask = 0;
  for (let bit = 0; bit < 32; bit++) {
    if (field[0] <= laneStart + bit && laneStart + bit <= field[1]) mask |= 1 << bit;
  }
  return mask;
}

/** The entry whose fields have these values. For tables made at load: it is not fast. */
export function pack<F extends Fields>(table: F, values: FieldValues<F>): Lanes {
  let [low, high] = [0, 0];
  for (const [name, value] of Object.entries<number | undefined>(values)) {
    const field = table[name];
    assert(field !== undefined, 'a value is given to a field that exists');
    for (let bit = 0, rest = value ?? 0; rest > 0; bit++, rest = Math.floor(rest / 2)) {
      const place = field[0] + bit;
      assert(place <= field[1], 'a value fits its field');
      if (rest % 2 === 1 && place < 32) low |= 1 << place;
      if (rest % 2 === 1 && place >= 32) high |= 1 << (place - 32);
    }
  }
  return { low, high };
}

/** The value of a field of an entry; fields of up to 52 bits are exact. */
export function unpack(field: Field, low: number, high: number): number {
  let value = 0;
  for (let bit = field[1]; bit >= field[0]; bit--) {
    const lane = bit < 32 ? low >>> bit : high >>> (bit - 32);
    value = value * 2 + (lane & 1);
  }
  return value;
}
