/** Numbers that look alike and must not be mixed. A brand is made by its constructor only. */
import { assert } from '../base/assert.ts';

declare const unit: unique symbol;
type Unit<Name extends string> = number & { readonly [unit]: Name };

/** A virtual page number: all 64 bits of an address but its offset, so at most 2^52. */
export type Vpn = Unit<'vpn'>;
/** A physical frame number, in base pages. */
export type Pfn = Unit<'pfn'>;
/** A place in physical memory, in 8-byte entries: an address over 8, so it reaches 56 address bits. */
export type EntryIndex = Unit<'entry index'>;

export const vpn = (page: number): Vpn => natural(page) as Vpn;
export const pfn = (frame: number): Pfn => natural(frame) as Pfn;
export const entryIndex = (index: number): EntryIndex => natural(index) as EntryIndex;

function natural(value: number): number {
  assert(Number.isSafeInteger(value), 'a page, frame or entry number is a safe integer');
  assert(value >= 0, 'a page, frame or entry number is not negative');
  return value;
}
