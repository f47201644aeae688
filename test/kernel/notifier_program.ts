/** Programs of calls that change an address space, for the kernel and for the engine. */
import { Random } from './random.ts';

export const PAGE_BYTES = 4096;
/** Where programs have their memory, far from what a process has anyway. */
export const AREA = 0x7_0000_0000;
/** A huge page, in pages; the area has two. */
export const HUGE = 512;
export const AREA_PAGES = 2 * HUGE;
/** The descriptor of the file that there is, and how long it is at first. */
export const FILE = 10;
export const FILE_PAGES = HUGE;

export const PROT = { NONE: 0, READ: 1, WRITE: 3 } as const;
export const MAP = { PRIVATE: 0x32, SHARED: 0x11, PRIVATE_FILE: 0x12 } as const;
export const MADV = {
  DONTNEED: 4,
  FREE: 8,
  REMOVE: 9,
  HUGEPAGE: 14,
  NOHUGEPAGE: 15,
  COLD: 20,
  COLLAPSE: 25,
  GUARD_INSTALL: 102,
  GUARD_REMOVE: 103,
} as const;

/** Pages are counted from the start of the area. */
export type Step =
  | { readonly call: 'load' | 'store'; readonly page: number }
  | { readonly call: 'fork' }
  | { readonly call: 'munmap'; readonly page: number; readonly pages: number }
  | {
      readonly call: 'mmap';
      readonly page: number;
      readonly pages: number;
      readonly prot: number;
      readonly flags: number;
    }
  | {
      readonly call: 'mprotect' | 'madvise';
      readonly page: number;
      readonly pages: number;
      /** Rights, or the advice. */
      readonly value: number;
    }
  | {
      readonly call: 'mremap';
      readonly page: number;
      readonly pages: number;
      readonly newPages: number;
      readonly target: number;
    }
  | { readonly call: 'ftruncate'; readonly pages: number }
  | { readonly call: 'punch'; readonly page: number; readonly pages: number };

/** Pages `[start, end)`, as far as the area goes. */
export type Range = readonly [start: number, end: number];

const STEPS = 60;
/** Pages that random programs fight for: on both sides of where two tables meet. */
const FIRST = HUGE - 12;
const PAGES = 24;

export function randomSteps(seed: number): readonly Step[] {
  const random = new Random(seed);
  return Array.from({ length: STEPS }, () => randomStep(random));
}

function randomStep(random: Random): Step {
  const page = FIRST + random.below(PAGES);
  const pages = 1 + random.below(FIRST + PAGES - page);
  const one = <T>(values: readonly T[]): T => values[random.below(values.length)]!;
  switch (random.below(16)) {
    case 0:
    case 1:
      return { call: 'mmap', page, pages, prot: PROT.WRITE, flags: one(Object.values(MAP)) };
    case 2:
      return { call: 'munmap', page, pages };
    case 3:
    case 4:
      return { call: 'mprotect', page, pages, value: one(Object.values(PROT)) };
    case 5:
    case 6:
      return { call: 'madvise', page, pages, value: one(ADVICE) };
    case 7: {
      const newPages = 1 + random.below(8);
      return { call: 'mremap', page, pages, newPages, target: random.below(FIRST) };
    }
    case 8:
      return { call: 'fork' };
    case 9:
      return { call: 'punch', page: random.below(PAGES), pages: 1 + random.below(4) };
    case 10:
      return { call: 'ftruncate', pages: random.below(2 * PAGES) };
    case 11:
      return { call: 'load', page };
    default:
      return { call: 'store', page };
  }
}

const ADVICE = [
  MADV.DONTNEED,
  MADV.FREE,
  MADV.REMOVE,
  MADV.COLD,
  MADV.GUARD_INSTALL,
  MADV.GUARD_REMOVE,
];
