/** What second-level formats have in common: the shape of x86-64's tables, for all guest-physical addresses. */
import type { FormatSpec } from './format.ts';

type Shape = Pick<
  FormatSpec,
  | 'pageShift'
  | 'indexBits'
  | 'targetOffset'
  | 'byteOrder'
  | 'lowerEnd'
  | 'upperStart'
  | 'upperEnd'
  | 'upperHasOwnRoot'
  | 'global'
  | 'contiguous'
  | 'uffdWp'
  | 'contiguousEntries'
>;

export function secondLevelShape(levels: 4 | 5): Shape {
  return {
    pageShift: 12,
    indexBits: Array<number>(levels).fill(9),
    targetOffset: 0,
    byteOrder: 'little',
    lowerEnd: 2 ** (9 * levels),
    // There is one half only: guests have no kernel addresses here.
    upperStart: 2 ** 52,
    upperEnd: 2 ** 52,
    upperHasOwnRoot: false,
    global: {},
    contiguous: {},
    uffdWp: {},
    contiguousEntries: () => 1,
  };
}
