/** Random calls of PAGEMAP_SCAN: what most programs ask for, and now and then anything. */
import { CATEGORIES, CATEGORY, type Call, SCAN } from './calls.ts';
import type { Random } from './random.ts';

const { written, file, present, swapped, pfnzero, huge, guard, wpallowed } = CATEGORY;
const MASKS: readonly number[] = [
  ...[0, 0, 0, written, present, file, huge, wpallowed, present + file, written + wpallowed],
  ...[swapped, guard, pfnzero],
];
const ANY = CATEGORIES - 1;

type Range = Pick<Call<'scan'>, 'address' | 'length'>;

/** @param mayProtect whether pages that are found may be write-protected */
export function drawScan(random: Random, range: Range, mayProtect: boolean): Call<'scan'> {
  const masks = {
    inverted: random.chance(75) ? 0 : random.pick(MASKS),
    mask: random.pick(MASKS),
    anyof: random.chance(70) ? 0 : random.pick(MASKS) + random.pick([0, guard]),
    told: random.pick([ANY, ANY, written, present + swapped + file, 0]),
  };
  const categories =
    masks.inverted +
    (masks.mask + ((masks.anyof % CATEGORIES) + masks.told * CATEGORIES) * CATEGORIES) * CATEGORIES;
  const flags = random.pick([0, 0, SCAN.check_wpasync, 4]);
  const isProtecting = mayProtect && random.chance(60);
  return {
    name: 'scan',
    ...range,
    flags: isProtecting ? SCAN.wp_matching + (random.chance(20) ? SCAN.check_wpasync : 0) : flags,
    categories,
    regions: random.pick([1000, 1000, 1000, 600, 3, 1, 0]),
    pages: random.pick([0, 0, 0, 1, 5, 100, 700]),
  };
}
