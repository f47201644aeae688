/** Random arguments: mostly sensible, near to each other, and now and then wrong on purpose. */
import { ADVICE, type Address, FALLOC, FILE, FILES_FROM, MAP, MREMAP, PROT } from './calls.ts';
import { HEAP_START } from './program.ts';
import type { Random } from './random.ts';

export const PAGE_BYTES = 4096;
const HUGE_PAGES = 512;
/** What a program may access at once: longer mappings are out of reach for good. */
const PAGES_MAX = 3 * HUGE_PAGES;
const TASK_SIZE = 0x7ffffffff000;
/** Edges of tables and of the address space. At 512 GiB is the executor. */
const EDGES: readonly number[] = [
  ...[0, 0x10000, 0x20000000, 0x20200000, 0x40000000, 0x80000000, 2 ** 40, 2 ** 41],
  ...[HEAP_START, TASK_SIZE],
];
const WRONG_LENGTHS: readonly number[] = [0, -1, -PAGE_BYTES];

/** Somewhere to aim at: what a step mapped, or tried to. */
export interface Region {
  readonly step: number;
  readonly pages: number;
  /** What may be done there at first, as far as is known. */
  readonly prot: number;
  /** Whether it starts where a huge page can, and is made of such. */
  readonly isHuge: boolean;
}

export class Draw {
  readonly random: Random;

  constructor(random: Random) {
    this.random = random;
  }

  /** Near one of `regions`, or near an edge. */
  address(regions: readonly Region[]): Address {
    return this.range(regions).address;
  }

  /** More often than not inside one of `regions`. */
  range(regions: readonly Region[]): { readonly address: Address; readonly length: number } {
    const byte = this.random.chance(3) ? this.random.below(PAGE_BYTES) : 0;
    if (regions.length === 0 || this.random.chance(6)) {
      const edge = this.random.pick(EDGES) + this.random.between(-8, 8) * PAGE_BYTES;
      return { address: Math.max(0, edge) + byte, length: this.length() };
    }
    const { step, pages } = this.random.pick(regions);
    if (this.random.chance(6)) {
      const shift = this.random.pick([21, 21, 30, 39]);
      const offset = this.random.between(-2, HUGE_PAGES + 1) * PAGE_BYTES + byte;
      return { address: { step, shift, offset }, length: this.length() };
    }
    const page = this.#pageNear(pages);
    const isInside = page >= 0 && page < pages && this.random.chance(75);
    const most = Math.min(pages - page, PAGES_MAX);
    const inside = this.random.chance(35) ? most : this.random.between(1, most);
    return {
      address: { step, shift: 0, offset: page * PAGE_BYTES + byte },
      length: isInside ? inside * PAGE_BYTES : this.length(),
    };
  }

  /** Pages of one of `regions` that let `prot` be done, more often than not. */
  touch(regions: readonly Region[], prot: number): { address: Address; pages: number } {
    const fit = regions.filter((region) => (region.prot & prot) === prot);
    if (fit.length === 0 || this.random.chance(15)) {
      return { address: this.address(regions), pages: this.pages() };
    }
    const region = this.random.pick(fit);
    const page = this.random.below(Math.min(region.pages, PAGES_MAX));
    const most = Math.min(region.pages - page, this.random.chance(12) ? PAGES_MAX : 12);
    const byte = this.random.chance(3) ? this.random.below(PAGE_BYTES) : 0;
    return {
      address: { step: region.step, shift: 0, offset: page * PAGE_BYTES + byte },
      pages: this.random.between(1, most),
    };
  }

  /** A whole one of `regions` in which huge pages can be, or any range. */
  hugeRange(regions: readonly Region[]): { readonly address: Address; readonly length: number } {
    const huge = regions.filter(({ isHuge }) => isHuge);
    if (huge.length === 0 || this.random.chance(40)) return this.range(regions);
    const { step, pages } = this.random.pick(huge);
    return { address: { step, shift: 0, offset: 0 }, length: pages * PAGE_BYTES };
  }

  /** Where a huge page can be. */
  hugeAddress(): number {
    return 0x20000000 + this.random.below(8) * HUGE_PAGES * PAGE_BYTES;
  }

  #pageNear(pages: number): number {
    const where = { start: 35, inside: 40, end: 15, before: 5, behind: 5 };
    switch (this.random.pickKey(where)) {
      case 'start':
        return 0;
      case 'inside':
        return this.random.below(pages);
      case 'end':
        return pages - this.random.between(0, 1);
      case 'before':
        return -this.random.between(1, 16);
      case 'behind':
        return pages + this.random.between(1, 16);
    }
  }

  /** In bytes. */
  length(): number {
    if (this.random.chance(2)) return this.random.pick(WRONG_LENGTHS);
    const rest = this.random.chance(5) ? this.random.below(PAGE_BYTES) : 0;
    return this.pages() * PAGE_BYTES - rest;
  }

  pages(): number {
    const kinds = { few: 50, some: 28, many: 8, table: 10, tables: 4 };
    switch (this.random.pickKey(kinds)) {
      case 'few':
        return this.random.between(1, 4);
      case 'some':
        return this.random.between(5, 16);
      case 'many':
        return this.random.between(17, 128);
      case 'table':
        return HUGE_PAGES + this.random.between(-2, 2);
      case 'tables':
        return this.random.between(HUGE_PAGES, PAGES_MAX);
    }
  }

  prot(): number {
    const { read, write, exec } = PROT;
    if (this.random.chance(1)) return 0x10;
    const all = [read | write, read | write, read | write, read, read, 0, write];
    return this.random.pick([...all, read | exec, read | write | exec]);
  }

  /** Flags of an mmap(2) of a file or of anonymous memory, to be placed at `address`. */
  mapFlags(isFile: boolean, isNull: boolean): number {
    const own = !isFile && this.random.chance(4) ? MAP.droppable : MAP.private;
    const kind = this.random.chance(isFile ? 50 : 18) ? MAP.shared : own;
    const flags = [this.random.chance(1) ? this.random.pick([0, 3]) : kind];
    if (!isFile) flags.push(MAP.anonymous);
    if (!isNull && this.random.chance(50)) flags.push(MAP.fixed);
    const extras: readonly (readonly [number, number])[] = [
      [MAP.noreplace, 4],
      [MAP['32bit'], 4],
      [MAP.growsdown, 4],
      [MAP.noreserve, 6],
      [MAP.stack, 4],
      [MAP.populate, 5],
      [MAP.locked, 2],
      [MAP.nonblock, 1],
    ];
    for (const [flag, percent] of extras) if (this.random.chance(percent)) flags.push(flag);
    return flags.reduce((sum, flag) => sum + flag, 0);
  }

  moveFlags(): number {
    const { maymove, fixed, dontunmap } = MREMAP;
    if (this.random.chance(8)) return this.random.pick([fixed, dontunmap, 8]);
    const usual = [0, maymove, maymove, maymove + fixed, maymove + fixed, maymove + fixed];
    return this.random.pick([...usual, maymove + dontunmap, maymove + fixed + dontunmap]);
  }

  advice(): number {
    const { dontneed, hugepage, guard_install, guard_remove, free } = ADVICE;
    const frequent = [dontneed, hugepage, guard_install, guard_remove, free];
    if (this.random.chance(2)) return 42;
    return this.random.pick(this.random.chance(35) ? frequent : Object.values(ADVICE));
  }

  allocation(): number {
    const { keep_size, punch_hole, zero_range } = FALLOC;
    const punch = keep_size + punch_hole;
    return this.random.pick([0, keep_size, punch, punch, zero_range + keep_size, punch_hole]);
  }

  /** One of `files`, or none that can be mapped. */
  file(files: readonly number[]): number {
    const wrong = [FILE.none, FILE.directory, FILE.pipe, FILES_FROM + 60];
    return this.random.pick(this.random.chance(2) ? wrong : files);
  }

  /** In a file, in bytes. */
  offset(): number {
    const page = this.random.chance(60) ? 0 : this.random.below(HUGE_PAGES + 16);
    return page * PAGE_BYTES + (this.random.chance(2) ? 100 : 0);
  }
}
