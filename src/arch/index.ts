/** Bits and their meaning: page-table entries of every architecture, bit-exact. */
export { type Field, type Fields, type Lanes, unpack } from './fields.ts';
export { EntryState, type PteFormat } from './format.ts';
export { FORMATS, formatById } from './formats.ts';
export { imageOf } from './image.ts';
export { radixRoot } from './ppc64_radix.ts';
export {
  ACCESSED,
  CONTIGUOUS,
  DIRTY,
  GLOBAL,
  type LeafFlags,
  R,
  type Rights,
  UFFD_WP,
  USER,
  W,
  X,
} from './rights.ts';
export { SECOND_LEVEL_FORMATS, secondLevelFormat } from './second_level.ts';
export { type EntryIndex, entryIndex, type Pfn, pfn, type Vpn, vpn } from './units.ts';
export { WalkCursor, type WalkEnd, walk } from './walk.ts';
export { x86_64Like } from './x86_64.ts';
