/** Bytes and pages. Arguments of calls are 64-bit numbers: those above 2^63 come as negative. */
import { assert } from '../../base/assert.ts';
import { PAGE_BYTES } from '../../uapi/mman.ts';

/** All pages of 64 bits: arithmetic of addresses wraps here. */
const PAGES_WRAP = 2 ** 52;

/** The page that holds a byte. */
export function pageOf(bytes: number): number {
  return wrap(Math.floor(bytes / PAGE_BYTES));
}

/** How many pages a length takes; a length of the last page wraps to 0. */
export function pagesOf(bytes: number): number {
  return wrap(Math.ceil(bytes / PAGE_BYTES));
}

/** An argument that the kernel declares as an int: the upper half of the register does not count. */
export function asInt(value: number): number {
  return value | 0;
}

export function isPageAligned(bytes: number): boolean {
  return bytes % PAGE_BYTES === 0;
}

export function wrap(pages: number): number {
  assert(Number.isSafeInteger(pages), 'a page number is a safe integer');
  return ((pages % PAGES_WRAP) + PAGES_WRAP) % PAGES_WRAP;
}
