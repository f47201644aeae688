/**
 * Random programs with huge pages, for groups of processes that share tables.
 *
 * Files are mapped by whole GiB at multiples of a GiB, so that their tables are shared, and operations
 * meet in them. Nothing is asked for that the kernel is known to count wrongly for good: a part of a
 * private mapping that has reserved its pages is never moved, and such mappings are not forked.
 */
import {
  ADVICE,
  type Address,
  type Call,
  FALLOC,
  FILE,
  FILES_FROM,
  MAP,
  MFD,
  MREMAP,
  PROT,
  UFFD_API,
  UFFD_FEATURE,
  UFFD_MODE,
  UFFD_WP,
  UFFDS_FROM,
} from './calls.ts';
import { drawScan } from './draw_scan.ts';
import { BYTES, type Program, type Step } from './program.ts';
import { Random } from './random.ts';

const HUGE = 2 ** 21;
const GIB = 2 ** 30;
const PROCESSES = 4;
const FILES = 2;
/** Where the GiBs are that are fought for. */
const PLACES = 4;
/** Huge pages of each that are touched. */
const TOUCHED = 6;

/** How often each call is drawn. */
const WEIGHTS = {
  mapFile: 10,
  mapSmall: 6,
  munmap: 7,
  mprotect: 8,
  mremap: 5,
  dontneed: 8,
  advice: 3,
  fallocate: 6,
  ftruncate: 1,
  fork: 2,
  exit: 1,
  load: 12,
  store: 22,
  peek: 2,
  poke: 4,
  mincore: 2,
  scan: 3,
  mlock: 1,
  observe: 6,
} as const;
/** With userfaultfd, in one program in two. */
const WITH_UFFD = {
  ...WEIGHTS,
  register: 6,
  unregister: 1,
  copy: 7,
  fill: 6,
  writeprotect: 5,
} as const;
type Kind = keyof typeof WITH_UFFD;

/**
 * @param seed any 32-bit number; one in three programs forks nothing, and reserves private memory;
 *              one in two has a userfaultfd
 */
export function hugetlbProgram(seed: number, steps = 400): Program {
  return new Generator(new Random(seed), seed % 3 > 0, seed % 4 > 1).program(steps);
}

const { missing, wp, minor } = UFFD_MODE;
/**
 * Of one program, all with write protection or all without: where it is registered anew without,
 * protected entries stay, and a store to one in a private mapping never returns (hugetlb_wp() leaves
 * it as it is, and nobody is told; Linux 6.18).
 */
const MODES: readonly (readonly number[])[] = [
  [wp, wp, missing + wp],
  [missing, minor, missing + minor],
];
const NO_UFFD = { register: 0, unregister: 0, copy: 0, fill: 0, writeprotect: 0 } as const;
/** Where small pages are that huge ones are copied from. */
const SOURCE = 64 * GIB;

function sourceOf(length: number): Call {
  return {
    name: 'mmap',
    address: SOURCE,
    length,
    prot: PROT.read + PROT.write,
    flags: MAP.private + MAP.anonymous + MAP.fixed,
    file: FILE.none,
    offset: 0,
  };
}

class Generator {
  readonly #random: Random;
  readonly #forks: boolean;
  readonly #hasUffd: boolean;
  readonly #modes: readonly number[];
  readonly #steps: Step[] = [];
  #processes: number[] = [0];

  constructor(random: Random, forks: boolean, hasUffd: boolean) {
    this.#random = random;
    this.#forks = forks;
    this.#hasUffd = hasUffd;
    this.#modes = random.pick(MODES);
  }

  program(steps: number): Program {
    for (let file = FILES_FROM; file < FILES_FROM + FILES; file++) {
      this.#add(0, { name: 'memfd_create', file, flags: MFD.hugetlb, nameLength: 1 });
      this.#add(0, { name: 'ftruncate', file, length: 2 * GIB });
    }
    this.#add(0, this.#mapFile(MAP.shared));
    if (this.#hasUffd) {
      const { sigbus, wp_async, wp_unpopulated } = UFFD_FEATURE;
      const features = sigbus + this.#random.pick([0, wp_async, wp_unpopulated]);
      this.#add(0, { name: 'userfaultfd', uffd: UFFDS_FROM, flags: 0 });
      this.#add(0, { name: 'uffd_api', uffd: UFFDS_FROM, api: UFFD_API, features });
      // Small pages to copy from: the source of a huge page.
      this.#add(0, sourceOf(4 * HUGE));
    }
    while (this.#steps.length < steps) {
      const process = this.#random.pick(this.#processes);
      const call = this.#draw(
        this.#random.pickKey<Kind>(this.#hasUffd ? WITH_UFFD : { ...WITH_UFFD, ...NO_UFFD }),
      );
      if (call !== undefined) this.#add(process, call);
    }
    return { steps: this.#steps };
  }

  #add(process: number, call: Call): void {
    this.#steps.push({ id: this.#steps.length, process, call });
    if (call.name === 'fork') this.#processes.push(call.child);
    if (call.name === 'exit') this.#processes = this.#processes.filter((it) => it !== process);
  }

  #draw(kind: Kind): Call | undefined {
    const random = this.#random;
    const uffd = UFFDS_FROM;
    switch (kind) {
      case 'mapFile':
        return this.#mapFile(random.chance(80) ? MAP.shared : MAP.private);
      case 'mapSmall':
        return this.#mapSmall();
      case 'munmap':
        return { name: 'munmap', ...this.#range() };
      case 'mprotect':
        return { name: 'mprotect', ...this.#range(), prot: this.#prot() };
      case 'mremap':
        return this.#mremap();
      case 'dontneed':
        return { name: 'madvise', ...this.#range(), advice: ADVICE.dontneed };
      case 'advice':
        return { name: 'madvise', ...this.#range(), advice: random.pick(Object.values(ADVICE)) };
      case 'fallocate':
        return this.#fallocate();
      case 'ftruncate': {
        const length = random.pick([2 * GIB, GIB, 3 * HUGE, 0, HUGE + 4096]);
        return { name: 'ftruncate', file: this.#file(), length };
      }
      case 'fork':
        return this.#fork();
      case 'exit':
        return this.#processes.length > 1 ? { name: 'exit' } : undefined;
      case 'load':
        return { name: 'load', ...this.#touch() };
      case 'store':
        return { name: 'store', ...this.#touch(), byte: random.pick(BYTES) };
      case 'peek':
        return { name: 'peek', ...this.#touch() };
      case 'poke':
        return { name: 'poke', ...this.#touch(), byte: random.pick(BYTES) };
      case 'mincore':
        return { name: 'mincore', address: this.#place(), length: random.between(1, 4) * HUGE };
      case 'scan':
        // No scan with write protection: where there is no table, older kernels never return.
        return drawScan(random, this.#range(), false);
      case 'mlock':
        return { name: 'mlock', address: this.#place(), length: random.between(1, 3) * HUGE };
      case 'observe':
        return { name: 'observe' };
      case 'register':
        return { name: 'uffd_register', uffd, ...this.#range(), mode: random.pick(this.#modes) };
      case 'unregister':
        return { name: 'uffd_unregister', uffd, ...this.#range() };
      case 'copy': {
        const { address, length } = this.#few();
        const source = SOURCE + random.pick([0, 0, HUGE]);
        return {
          name: 'uffd_copy',
          uffd,
          address,
          source,
          length,
          mode: random.pick([0, 0, 1, 2]),
        };
      }
      case 'fill':
        return this.#fill();
      case 'writeprotect': {
        const mode = random.pick([UFFD_WP.wp, UFFD_WP.wp, 0, 0, UFFD_WP.dontwake]);
        return { name: 'uffd_writeprotect', uffd, ...this.#range(), mode };
      }
    }
  }

  /** One huge page or two. */
  #few(): { readonly address: Address; readonly length: number } {
    const length = this.#random.pick([HUGE, HUGE, 2 * HUGE, 4096]);
    return { address: this.#place(), length };
  }

  #fill(): Call {
    const random = this.#random;
    const range = { uffd: UFFDS_FROM, ...this.#few() };
    const mode = random.pick([0, 0, 1]);
    if (random.chance(10)) return { name: 'uffd_zeropage', ...range, mode };
    if (random.chance(10)) return { name: 'uffd_poison', ...range, mode };
    return { name: 'uffd_continue', ...range, mode: random.pick([0, 0, 1, 2]) };
  }

  #file(): number {
    return FILES_FROM + this.#random.below(FILES);
  }

  #prot(): number {
    const { read, write } = PROT;
    return this.#random.pick([read | write, read | write, read | write, read, 0]);
  }

  /** All of one or two GiB, without reserving them. */
  #mapFile(type: number): Call {
    const extra = this.#random.chance(15) ? HUGE : 0;
    return {
      name: 'mmap',
      address: (1 + this.#random.below(PLACES)) * GIB + (this.#random.chance(10) ? HUGE : 0),
      length: this.#random.pick([GIB, GIB, GIB, 2 * GIB]) + extra,
      prot: this.#prot(),
      flags: type + MAP.fixed + MAP.noreserve,
      file: this.#file(),
      offset: this.#random.pick([0, 0, 0, GIB, HUGE]),
    };
  }

  /** A few pages, most of them reserved. */
  #mapSmall(): Call {
    const random = this.#random;
    const isAnonymous = random.chance(60);
    const type = random.chance(50) ? MAP.shared : MAP.private;
    const isReserved = type === MAP.shared || !this.#forks;
    const flags =
      type +
      (isAnonymous ? MAP.anonymous + MAP.hugetlb : 0) +
      (random.chance(40) ? MAP.fixed : 0) +
      (isReserved && random.chance(85) ? 0 : MAP.noreserve) +
      (random.chance(15) ? MAP.populate : 0) +
      (random.chance(5) ? MAP.locked : 0);
    const isFixed = Math.floor(flags / MAP.fixed) % 2 === 1;
    return {
      name: 'mmap',
      address: isFixed || random.chance(30) ? this.#place() : 0,
      length: random.between(1, 6) * HUGE - (random.chance(10) ? 4096 : 0),
      prot: this.#prot(),
      flags,
      file: isAnonymous ? FILE.none : this.#file(),
      offset: isAnonymous ? 0 : random.below(TOUCHED) * HUGE + (random.chance(3) ? 4096 : 0),
    };
  }

  /** Mostly on a huge page. */
  #place(): Address {
    const random = this.#random;
    const base = (1 + random.below(PLACES)) * GIB + random.below(TOUCHED) * HUGE;
    const address = base + (random.chance(4) ? random.between(1, 511) * 4096 : 0);
    const made = this.#steps.filter(({ call }) => call.name === 'mmap' && call.address === 0);
    if (made.length === 0 || random.chance(75)) return address;
    return { step: random.pick(made).id, shift: 0, offset: random.below(4) * HUGE };
  }

  #range(): { readonly address: Address; readonly length: number } {
    const random = this.#random;
    if (random.chance(25)) {
      return { address: (1 + random.below(PLACES)) * GIB, length: random.pick([GIB, GIB / 2]) };
    }
    const rest = random.chance(4) ? 4096 : 0;
    return { address: this.#place(), length: random.between(1, 4) * HUGE + rest };
  }

  #touch(): { readonly address: Address; readonly pages: number } {
    return { address: this.#place(), pages: this.#random.pick([1, 1, 1, 513]) };
  }

  /** Of private memory that is reserved, only all of it may be moved: not in programs that have it. */
  #mremap(): Call | undefined {
    if (!this.#forks) return undefined;
    const random = this.#random;
    const pages = random.between(1, 3);
    const { maymove, fixed, dontunmap } = MREMAP;
    return {
      name: 'mremap',
      address: this.#place(),
      oldLength: pages * HUGE,
      newLength: random.pick([pages, pages, pages, 1, 4]) * HUGE,
      flags: random.pick([0, maymove, maymove + fixed, maymove + fixed, maymove + dontunmap]),
      newAddress: this.#place(),
    };
  }

  #fallocate(): Call {
    const random = this.#random;
    const { keep_size, punch_hole } = FALLOC;
    return {
      name: 'fallocate',
      file: this.#file(),
      mode: random.pick([0, keep_size, keep_size + punch_hole, keep_size + punch_hole, 16]),
      offset: random.below(TOUCHED) * HUGE + random.pick([0, 0, 0, 4096, GIB]),
      length: random.between(1, 3) * HUGE - random.pick([0, 0, 0, 4096]),
    };
  }

  #fork(): Call | undefined {
    if (!this.#forks) return undefined;
    const all = Array.from({ length: PROCESSES }, (_, index) => index);
    const child = all.find((index) => !this.#processes.includes(index));
    return child === undefined ? undefined : { name: 'fork', child };
  }
}
