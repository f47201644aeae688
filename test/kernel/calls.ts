/**
 * The calls a program may contain: what arguments each has, in the order in which they travel, and
 * how an argument is written in a program's text.
 *
 * One table serves the types, the wire, the text and the C program, which is compiled with a
 * constant for each name.
 */

/** A byte address: absolute, or next to what an earlier step returned. */
export type Address = number | Near;

export interface Near {
  /** `id` of the step whose result is meant. If that call failed or is gone, the result is 0. */
  readonly step: number;
  /** The result is first rounded down to a multiple of `2 ** shift`. */
  readonly shift: number;
  /** In bytes. */
  readonly offset: number;
}

/** How values of one kind of argument are written. */
interface Form<Value> {
  format(value: Value): string;
  /** @throws SyntaxError if `text` is no such value */
  parse(text: string): Value;
}

const bytes: Form<number> = {
  format: (value) => (value < 0 ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`),
  parse(text) {
    const [, sign, digits] = /^(-?)(0x[0-9a-f]+|\d+)$/.exec(text) ?? [];
    if (digits === undefined) throw new SyntaxError(`Cannot parse "${text}": not a number`);
    return sign === '-' ? -Number(digits) : Number(digits);
  },
};

const count: Form<number> = { format: String, parse: bytes.parse };

/** `0x1000`; `#3`, `#3-0x1000`; `#3/21+0x1000` counts from the 2 MiB boundary at or below. */
const address: Form<Address> = {
  format(value) {
    if (typeof value === 'number') return bytes.format(value);
    const { step, shift, offset } = value;
    const from = shift === 0 ? `#${step}` : `#${step}/${shift}`;
    return offset === 0 ? from : from + (offset > 0 ? '+' : '') + bytes.format(offset);
  },
  parse(text) {
    const [, step, shift, offset] = /^#(\d+)(?:\/(\d+))?([+-].+)?$/.exec(text) ?? [];
    if (step === undefined) return bytes.parse(text);
    return {
      step: Number(step),
      shift: Number(shift ?? 0),
      offset: bytes.parse(offset?.replace('+', '') ?? '0'),
    };
  },
};

type Names = Readonly<Record<string, number>>;

/** One of `names`, or a number. */
function oneOf(names: Names): Form<number> {
  return {
    format: (value) =>
      Object.keys(names).find((name) => names[name] === value) ?? bytes.format(value),
    parse: (text) => names[text] ?? bytes.parse(text),
  };
}

/** Some of `names` joined by `|`, bits without a name as a number; `none` of them. */
function someOf(names: Names): Form<number> {
  return {
    format(value) {
      if (value === 0) return 'none';
      const words: string[] = [];
      let rest = value;
      for (const [name, bit] of Object.entries(names)) {
        // Not `value & bit`: that would lose what lies above bit 31.
        if (value < 0 || Math.floor(value / bit) % 2 === 0) continue;
        words.push(name);
        rest -= bit;
      }
      return (rest === 0 ? words : [...words, bytes.format(rest)]).join('|');
    },
    parse: (text) =>
      text
        .split('|')
        .map((word) => (word === 'none' ? 0 : (names[word] ?? bytes.parse(word))))
        .reduce((sum, bits) => sum + bits, 0),
  };
}

export const PROT = { read: 1, write: 2, exec: 4 } as const;

/** @source asm-generic/mman.h, linux/mman.h */
export const MAP = {
  shared: 0x1,
  private: 0x2,
  droppable: 0x8,
  fixed: 0x10,
  anonymous: 0x20,
  '32bit': 0x40,
  growsdown: 0x100,
  denywrite: 0x800,
  locked: 0x2000,
  noreserve: 0x4000,
  populate: 0x8000,
  nonblock: 0x10000,
  stack: 0x20000,
  hugetlb: 0x40000,
  sync: 0x80000,
  noreplace: 0x100000,
} as const;

export const MREMAP = { maymove: 1, fixed: 2, dontunmap: 4 } as const;

/** @source asm-generic/mman-common.h of Linux 6.18. HWPOISON and SOFT_OFFLINE destroy memory. */
export const ADVICE = {
  normal: 0,
  random: 1,
  sequential: 2,
  willneed: 3,
  dontneed: 4,
  free: 8,
  remove: 9,
  dontfork: 10,
  dofork: 11,
  mergeable: 12,
  unmergeable: 13,
  hugepage: 14,
  nohugepage: 15,
  dontdump: 16,
  dodump: 17,
  wipeonfork: 18,
  keeponfork: 19,
  cold: 20,
  pageout: 21,
  populate_read: 22,
  populate_write: 23,
  dontneed_locked: 24,
  collapse: 25,
  guard_install: 102,
  guard_remove: 103,
} as const;

export const MS = { async: 1, invalidate: 2, sync: 4 } as const;
export const MCL = { current: 1, future: 2, onfault: 4 } as const;
export const MLOCK = { onfault: 1 } as const;
export const MFD = { cloexec: 1, allow_sealing: 2, hugetlb: 4, noexec_seal: 8, exec: 16 } as const;
export const FALLOC = { keep_size: 1, punch_hole: 2, zero_range: 16 } as const;
export const SHM = { rdonly: 0o10000, rnd: 0o20000, remap: 0o40000, exec: 0o100000 } as const;
export const SHMGET = { hugetlb: 0o4000, noreserve: 0o10000 } as const;
export const SHMCTL = { rmid: 0, lock: 11, unlock: 12 } as const;
export const ACCESS = { readonly: 0, writeonly: 1, readwrite: 2 } as const;
export const PLACE = { ext4: 0, tmpfs: 1 } as const;

/** @source linux/userfaultfd.h of Linux 6.18 */
export const UFFD_API = 0xaa;
export const UFFD_FEATURE = {
  pagefault_flag_wp: 0x1,
  event_fork: 0x2,
  event_remap: 0x4,
  event_remove: 0x8,
  missing_hugetlbfs: 0x10,
  missing_shmem: 0x20,
  event_unmap: 0x40,
  sigbus: 0x80,
  thread_id: 0x100,
  minor_hugetlbfs: 0x200,
  minor_shmem: 0x400,
  exact_address: 0x800,
  wp_hugetlbfs_shmem: 0x1000,
  wp_unpopulated: 0x2000,
  poison: 0x4000,
  wp_async: 0x8000,
  move: 0x10000,
} as const;
export const UFFD_MODE = { missing: 1, wp: 2, minor: 4 } as const;
export const UFFD_FILL = { dontwake: 1, wp: 2 } as const;
export const UFFD_WP = { wp: 1, dontwake: 2 } as const;
export const UFFD_MOVE = { dontwake: 1, allow_src_holes: 2 } as const;
/** A program's userfaultfds are numbered from 0; as descriptors, from here. */
export const UFFDS_FROM = 192;
export const UFFDS_MAX = 8;
/** How what a call has done is told in one number: see `executor/uffd.h`. */
export const UFFD_UNTOUCHED = 1000;
export const UFFD_PARTIAL = 2 ** 44;

/** File arguments that are no file of the program. */
export const FILE = { none: -1, directory: 62, pipe: 63 } as const;
/** A program's files are numbered from 0; as descriptors, from here. */
export const FILES_FROM = 64;
export const FILES_MAX = 64;

/** @source linux/fs.h of Linux 6.18 */
export const SCAN = { wp_matching: 1, check_wpasync: 2 } as const;
export const CATEGORY = {
  wpallowed: 1,
  written: 2,
  file: 4,
  present: 8,
  swapped: 16,
  pfnzero: 32,
  huge: 64,
  soft_dirty: 128,
  guard: 256,
} as const;
export const CATEGORIES = 2 ** 9;

/** Those that are inverted, that all must be, of which one must be, that are told; in one number. */
const categories: Form<number> = {
  format: (value) =>
    [0, 1, 2, 3]
      .map((at) => Math.floor(value / CATEGORIES ** at) % CATEGORIES)
      .map((some) => someOf(CATEGORY).format(some))
      .join('/'),
  parse: (text) =>
    text
      .split('/')
      .map((word) => someOf(CATEGORY).parse(word))
      .reduce((sum, some, at) => sum + some * CATEGORIES ** at, 0),
};

const file: Form<number> = {
  format: (value) =>
    value >= FILES_FROM && value < FILES_FROM + FILES_MAX
      ? `f${value - FILES_FROM}`
      : oneOf(FILE).format(value),
  parse: (text) =>
    /^f\d+$/.test(text) ? FILES_FROM + Number(text.slice(1)) : oneOf(FILE).parse(text),
};

const uffd: Form<number> = {
  format: (value) => `u${value - UFFDS_FROM}`,
  parse: (text) => (/^u\d+$/.test(text) ? UFFDS_FROM + Number(text.slice(1)) : bytes.parse(text)),
};

const range = { address, length: bytes };

export const CALLS = {
  mmap: { ...range, prot: someOf(PROT), flags: someOf(MAP), file, offset: bytes },
  munmap: range,
  mprotect: { ...range, prot: someOf(PROT) },
  /** mprotect(2) of every second page, `count` times or until one fails; the value is how often. */
  stripe: { address, count, prot: someOf(PROT) },
  mremap: {
    address,
    oldLength: bytes,
    newLength: bytes,
    flags: someOf(MREMAP),
    newAddress: address,
  },
  brk: { address },
  madvise: { ...range, advice: oneOf(ADVICE) },
  /** Of two ranges, on a process of the program. */
  process_madvise: {
    target: count,
    ...range,
    address2: address,
    length2: bytes,
    advice: oneOf(ADVICE),
    flags: bytes,
  },
  mincore: range,
  /** PAGEMAP_SCAN with room for `regions`, of at most `pages` or any number. */
  scan: { ...range, flags: someOf(SCAN), categories, regions: count, pages: count },
  mlock: range,
  mlock2: { ...range, flags: someOf(MLOCK) },
  munlock: range,
  mlockall: { flags: someOf(MCL) },
  munlockall: {},
  msync: { ...range, flags: someOf(MS) },
  /** Starts process `child` as a copy of the one that performs it. Descriptors stay shared. */
  fork: { child: count },
  /** Starts process `child` in the address space of the one that performs it (CLONE_VM). */
  thread: { child: count },
  exit: {},
  memfd_create: { file, flags: someOf(MFD), nameLength: count },
  /** A new empty file that has no name, open for reading and writing. */
  open: { file, place: oneOf(PLACE) },
  /** The same file once more, under another number. */
  reopen: { file, from: file, access: oneOf(ACCESS) },
  ftruncate: { file, length: bytes },
  fallocate: { file, mode: someOf(FALLOC), offset: bytes, length: bytes },
  /** Writes `byte` to a part of a file, with one pwrite(2) a page. */
  fill: { file, offset: bytes, length: bytes, byte: bytes },
  shmget: { segment: count, length: bytes, flags: someOf(SHMGET) },
  shmat: { segment: count, address, flags: someOf(SHM) },
  shmdt: { address },
  shmctl: { segment: count, command: oneOf(SHMCTL) },
  userfaultfd: { uffd, flags: bytes },
  uffd_close: { uffd },
  /** UFFDIO_API; the value is the features that are known. */
  uffd_api: { uffd, api: bytes, features: someOf(UFFD_FEATURE) },
  /** The value is the ioctls of the range. */
  uffd_register: { uffd, ...range, mode: someOf(UFFD_MODE) },
  uffd_unregister: { uffd, ...range },
  uffd_wake: { uffd, ...range },
  uffd_copy: { uffd, address, source: address, length: bytes, mode: someOf(UFFD_FILL) },
  uffd_zeropage: { uffd, ...range, mode: someOf(UFFD_FILL) },
  uffd_continue: { uffd, ...range, mode: someOf(UFFD_FILL) },
  uffd_poison: { uffd, ...range, mode: someOf(UFFD_FILL) },
  uffd_writeprotect: { uffd, ...range, mode: someOf(UFFD_WP) },
  uffd_move: { uffd, address, source: address, length: bytes, mode: someOf(UFFD_MOVE) },
  /** Reads a byte in each of `pages` pages; the value is their hash, or the one byte itself. */
  load: { address, pages: count },
  /** Writes a byte in each of `pages` pages, until one faults. */
  store: { address, pages: count, byte: bytes },
  /** The first byte of each of `pages` pages through /proc/self/mem: what a debugger does, by force. */
  peek: { address, pages: count },
  poke: { address, pages: count, byte: bytes },
  /** Executes an instruction: that at the multiple of 16 at or below. */
  fetch: { address },
  /** Reports the address space of the process. */
  observe: {},
} as const satisfies Record<string, Record<string, Form<number> | Form<Address>>>;

type Calls = typeof CALLS;
export type CallName = keyof Calls;
type ValueOf<F> = F extends Form<infer Value> ? Value : never;

/** A call by its name and arguments. */
export type Call<Name extends CallName = CallName> = {
  [N in Name]: { readonly name: N } & { readonly [A in keyof Calls[N]]: ValueOf<Calls[N][A]> };
}[Name];

export const CALL_NAMES = Object.keys(CALLS) as readonly CallName[];

interface Argument {
  readonly name: string;
  readonly form: Form<Address>;
}

/** The arguments of a call, in order. */
export function argumentsOf(name: CallName): readonly Argument[] {
  return Object.entries(CALLS[name]).map(([argument, form]) => ({
    name: argument,
    form: form as Form<Address>,
  }));
}

/** Values of the arguments of `call`, in order. */
export function valuesOf(call: Call): Address[] {
  const values = call as unknown as Readonly<Record<string, Address>>;
  return argumentsOf(call.name).map(({ name }) => values[name]!);
}

/** The inverse of `valuesOf()`. */
export function callOf(name: CallName, values: readonly Address[]): Call {
  const entries = argumentsOf(name).map((argument, index) => [argument.name, values[index]!]);
  return { name, ...Object.fromEntries(entries) } as unknown as Call;
}
