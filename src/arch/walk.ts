/**
 * The reference walk: what a hardware walker finds for a page, on every architecture.
 *
 * Physical memory is one `Uint32Array` from address 0: entry `n` is lanes `2n` (low) and `2n + 1`.
 * Reads only; sets no accessed bit. Allocates nothing: the result goes into the caller's cursor.
 */
import { assert } from '../base/assert.ts';
import { EntryState, type PteFormat } from './format.ts';
import { ALL_GRANTS, type Rights, rightsOfGrants } from './rights.ts';
import type { EntryIndex, Vpn } from './units.ts';

/** Where a walk ended, and the entry it ended on. */
export class WalkCursor {
  /** The last entry read, or the first that lies outside of memory. */
  entry = 0 as EntryIndex;
  level = 0;
  /** Lanes of the last entry read. */
  low = 0;
  high = 0;
  /** Of the page, after all levels; 0 unless the walk found a leaf. */
  rights: Rights = 0;
}

/** How a walk can end. */
export type WalkEnd = Exclude<EntryState, typeof EntryState.table>;

/**
 * Descends from `root` towards `page` until it meets a leaf, a hole or a malformed entry.
 *
 * @param memory lanes of physical memory
 * @param root   the table to start at; of the half of `page` where halves have their own roots
 * @param page   canonical in `format`
 * @param at     receives the last entry read
 * @returns malformed also for a table that lies outside of `memory`; `at.entry` tells
 * @throws ModelError if `page` is not canonical
 */
export function walk(
  format: PteFormat,
  memory: Uint32Array,
  root: EntryIndex,
  page: Vpn,
  at: WalkCursor,
): WalkEnd {
  assert(format.isCanonical(page), 'a walk translates a canonical page');
  let level = format.levels - 1;
  let entry = root + format.index(page, level);
  let granted = ALL_GRANTS;
  let low = 0;
  let high = 0;
  let end: WalkEnd = EntryState.malformed;
  while (entry * 2 < memory.length) {
    low = memory[entry * 2]!;
    high = memory[entry * 2 + 1]!;
    if (!format.isOpenTable(low, high, level)) {
      const found = format.state(low, high, level);
      if (found !== EntryState.table) {
        end = found;
        break;
      }
      granted &= format.tableGrants(low, high);
    }
    const table = format.table(low, high, level);
    level--;
    entry = table + format.index(page, level);
  }
  at.entry = entry as EntryIndex;
  at.level = level;
  at.low = low;
  at.high = high;
  at.rights = end === EntryState.leaf ? rightsOfGrants(granted & format.leafGrants(low, high)) : 0;
  return end;
}
