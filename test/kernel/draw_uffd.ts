/** Random calls of userfaultfd: they meet where something was registered, more often than not. */
import {
  type Address,
  type Call,
  FILE,
  MAP,
  PROT,
  UFFD_API,
  UFFD_FEATURE,
  UFFD_FILL,
  UFFD_MODE,
  UFFD_MOVE,
  UFFD_WP,
  UFFDS_FROM,
} from './calls.ts';
import { type Draw, PAGE_BYTES, type Region } from './draw.ts';
import type { Random } from './random.ts';

/** Programs with userfaultfd are drawn apart (`UFFD_WEIGHTS`). */
export const NO_UFFD = {
  userfaultfd: 0,
  uffd_close: 0,
  uffd_api: 0,
  uffd_register: 0,
  uffd_unregister: 0,
  uffd_wake: 0,
  uffd_copy: 0,
  uffd_zeropage: 0,
  uffd_continue: 0,
  uffd_poison: 0,
  uffd_writeprotect: 0,
  uffd_move: 0,
} as const;

/** Descriptors that a program has at most. */
const UFFDS = 3;
/** Nobody would read what waits, or what is told. */
const FEATURES: readonly number[] = [
  0,
  0,
  UFFD_FEATURE.wp_unpopulated,
  UFFD_FEATURE.wp_async,
  UFFD_FEATURE.exact_address + UFFD_FEATURE.thread_id,
  UFFD_FEATURE.pagefault_flag_wp + UFFD_FEATURE.wp_hugetlbfs_shmem + UFFD_FEATURE.wp_unpopulated,
];

interface Range {
  readonly address: Address;
  readonly length: number;
}

export class DrawUffd {
  readonly #random: Random;
  readonly #draw: Draw;
  /** Where something was registered, the youngest last. */
  readonly #watched: Range[] = [];

  constructor(random: Random, draw: Draw) {
    this.#random = random;
    this.#draw = draw;
  }

  uffd(): number {
    return UFFDS_FROM + (this.#random.chance(70) ? 0 : this.#random.below(UFFDS));
  }

  /** Two calls that make a descriptor ready. */
  ready(uffd: number): readonly Call[] {
    const features = this.#random.pick(FEATURES);
    return [
      { name: 'userfaultfd', uffd, flags: 0 },
      { name: 'uffd_api', uffd, api: UFFD_API, features: UFFD_FEATURE.sigbus + features },
    ];
  }

  readonly drawers = {
    userfaultfd: (): Call<'userfaultfd'> => ({
      name: 'userfaultfd',
      uffd: this.uffd(),
      flags: this.#random.pick([0, 0, 1, 0o2000000, 2]),
    }),
    uffd_api: (): Call<'uffd_api'> => ({
      name: 'uffd_api',
      uffd: this.uffd(),
      api: this.#random.chance(90) ? UFFD_API : 0,
      features:
        UFFD_FEATURE.sigbus + (this.#random.chance(10) ? 2 ** 17 : this.#random.pick(FEATURES)),
    }),
    uffd_close: (): Call<'uffd_close'> => ({ name: 'uffd_close', uffd: this.uffd() }),
    uffd_register: ({
      regions,
    }: {
      readonly regions: readonly Region[];
    }): Call<'uffd_register'> => {
      const range = this.#aligned(this.#draw.range(regions));
      this.#watched.push(range);
      if (this.#watched.length > 8) this.#watched.shift();
      return { name: 'uffd_register', uffd: this.uffd(), ...range, mode: this.#mode() };
    },
    uffd_unregister: (process: Where): Call<'uffd_unregister'> => ({
      name: 'uffd_unregister',
      uffd: this.uffd(),
      ...this.#range(process),
    }),
    uffd_wake: (process: Where): Call<'uffd_wake'> => ({
      name: 'uffd_wake',
      uffd: this.uffd(),
      ...this.#range(process),
    }),
    uffd_copy: (process: Where): Call<'uffd_copy'> => {
      const { address, length } = this.#range(process);
      const source = this.#aligned(this.#draw.range(process.regions)).address;
      const mode = this.#random.pick([0, 0, 0, UFFD_FILL.dontwake, UFFD_FILL.wp, UFFD_FILL.wp, 4]);
      return { name: 'uffd_copy', uffd: this.uffd(), address, source, length, mode };
    },
    uffd_zeropage: (process: Where): Call<'uffd_zeropage'> => ({
      name: 'uffd_zeropage',
      uffd: this.uffd(),
      ...this.#range(process),
      mode: this.#random.pick([0, 0, 0, UFFD_FILL.dontwake, UFFD_FILL.wp]),
    }),
    uffd_continue: (process: Where): Call<'uffd_continue'> => ({
      name: 'uffd_continue',
      uffd: this.uffd(),
      ...this.#range(process),
      mode: this.#random.pick([0, 0, 0, UFFD_FILL.dontwake, UFFD_FILL.wp, 4]),
    }),
    uffd_poison: (process: Where): Call<'uffd_poison'> => ({
      name: 'uffd_poison',
      uffd: this.uffd(),
      ...this.#range(process),
      mode: this.#random.pick([0, 0, 0, UFFD_FILL.dontwake, UFFD_FILL.wp]),
    }),
    uffd_writeprotect: (process: Where): Call<'uffd_writeprotect'> => ({
      name: 'uffd_writeprotect',
      uffd: this.uffd(),
      ...this.#range(process),
      mode: this.#random.pick([0, UFFD_WP.wp, UFFD_WP.wp, UFFD_WP.wp, UFFD_WP.dontwake, 3, 4]),
    }),
    uffd_move: (process: Where): Call<'uffd_move'> => {
      const { address, length } = this.#range(process);
      const source = this.#aligned(this.#draw.range(process.regions)).address;
      const mode = this.#random.pick([0, UFFD_MOVE.allow_src_holes, UFFD_MOVE.allow_src_holes, 4]);
      return { name: 'uffd_move', uffd: this.uffd(), address, source, length, mode };
    },
  };

  /** Private memory that can be read and written, to be registered. */
  mapping(): Call<'mmap'> {
    const isShared = this.#random.chance(40);
    return {
      name: 'mmap',
      address: 0,
      length: this.#random.between(2, 40) * PAGE_BYTES,
      prot: PROT.read + PROT.write,
      flags: MAP.anonymous + (isShared ? MAP.shared : MAP.private),
      file: FILE.none,
      offset: 0,
    };
  }

  #mode(): number {
    const { missing, wp, minor } = UFFD_MODE;
    if (this.#random.chance(3)) return this.#random.pick([0, 8]);
    return this.#random.pick([missing, missing, wp, wp, minor, missing + wp, missing + minor, 7]);
  }

  #range({ regions }: Where): Range {
    if (this.#watched.length === 0 || this.#random.chance(25)) {
      return this.#aligned(this.#draw.range(regions));
    }
    const { address, length } = this.#random.pick(this.#watched);
    const pages = Math.max(1, Math.floor(length / PAGE_BYTES));
    const page = this.#random.chance(40) ? 0 : this.#random.below(Math.min(pages, 24));
    const most = Math.min(Math.max(1, pages - page), 24);
    const count = this.#random.chance(30) ? most : this.#random.between(1, Math.min(most, 4));
    return { address: behind(address, page * PAGE_BYTES), length: count * PAGE_BYTES };
  }

  /** Few of the calls are refused for what no call takes. */
  #aligned({ address, length }: Range): Range {
    if (this.#random.chance(3)) return { address, length };
    const whole = Math.max(PAGE_BYTES, Math.ceil(length / PAGE_BYTES) * PAGE_BYTES);
    if (typeof address === 'number') {
      return { address: address - (address % PAGE_BYTES), length: whole };
    }
    const offset = Math.floor(address.offset / PAGE_BYTES) * PAGE_BYTES;
    return { address: { ...address, offset }, length: whole };
  }
}

interface Where {
  readonly regions: readonly Region[];
}

function behind(address: Address, bytes: number): Address {
  if (typeof address === 'number') return address + bytes;
  return { ...address, offset: address.offset + bytes };
}
