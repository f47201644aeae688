/** Names that scripts and their results use, by what they mean. */

type Names = Readonly<Record<string, number>>;

export const PROT = { PROT_READ: 1, PROT_WRITE: 2, PROT_EXEC: 4 } as const satisfies Names;

/** @source uapi/asm-generic/mman.h, uapi/linux/mman.h, uapi/asm/mman.h of x86 (Linux 6.18) */
export const MAP = {
  MAP_SHARED: 0x1,
  MAP_PRIVATE: 0x2,
  MAP_DROPPABLE: 0x8,
  MAP_FIXED: 0x10,
  MAP_ANONYMOUS: 0x20,
  MAP_32BIT: 0x40,
  MAP_GROWSDOWN: 0x100,
  MAP_DENYWRITE: 0x800,
  MAP_LOCKED: 0x2000,
  MAP_NORESERVE: 0x4000,
  MAP_POPULATE: 0x8000,
  MAP_NONBLOCK: 0x10000,
  MAP_STACK: 0x20000,
  MAP_HUGETLB: 0x40000,
  MAP_SYNC: 0x80000,
  MAP_FIXED_NOREPLACE: 0x100000,
} as const satisfies Names;

export const MREMAP = {
  MREMAP_MAYMOVE: 1,
  MREMAP_FIXED: 2,
  MREMAP_DONTUNMAP: 4,
} as const satisfies Names;

/** @source uapi/asm-generic/mman-common.h (Linux 6.18) */
export const ADVICE = {
  MADV_NORMAL: 0,
  MADV_RANDOM: 1,
  MADV_SEQUENTIAL: 2,
  MADV_WILLNEED: 3,
  MADV_DONTNEED: 4,
  MADV_FREE: 8,
  MADV_REMOVE: 9,
  MADV_DONTFORK: 10,
  MADV_DOFORK: 11,
  MADV_MERGEABLE: 12,
  MADV_UNMERGEABLE: 13,
  MADV_HUGEPAGE: 14,
  MADV_NOHUGEPAGE: 15,
  MADV_DONTDUMP: 16,
  MADV_DODUMP: 17,
  MADV_WIPEONFORK: 18,
  MADV_KEEPONFORK: 19,
  MADV_COLD: 20,
  MADV_PAGEOUT: 21,
  MADV_POPULATE_READ: 22,
  MADV_POPULATE_WRITE: 23,
  MADV_DONTNEED_LOCKED: 24,
  MADV_COLLAPSE: 25,
  MADV_GUARD_INSTALL: 102,
  MADV_GUARD_REMOVE: 103,
} as const satisfies Names;

export const MS = { MS_ASYNC: 1, MS_INVALIDATE: 2, MS_SYNC: 4 } as const satisfies Names;
export const MCL = { MCL_CURRENT: 1, MCL_FUTURE: 2, MCL_ONFAULT: 4 } as const satisfies Names;
export const MLOCK = { MLOCK_ONFAULT: 1 } as const satisfies Names;
export const CLONE = { CLONE_VM: 0x100, CLONE_FILES: 0x400 } as const satisfies Names;

/** @source uapi/linux/memfd.h, uapi/linux/falloc.h, uapi/asm-generic/fcntl.h (Linux 6.18) */
export const MFD = {
  MFD_CLOEXEC: 1,
  MFD_ALLOW_SEALING: 2,
  MFD_HUGETLB: 4,
  MFD_NOEXEC_SEAL: 8,
  MFD_EXEC: 16,
} as const satisfies Names;
export const FALLOC = {
  FALLOC_FL_KEEP_SIZE: 0x1,
  FALLOC_FL_PUNCH_HOLE: 0x2,
  FALLOC_FL_COLLAPSE_RANGE: 0x8,
  FALLOC_FL_ZERO_RANGE: 0x10,
  FALLOC_FL_INSERT_RANGE: 0x20,
  FALLOC_FL_UNSHARE_RANGE: 0x40,
} as const satisfies Names;
export const O = {
  O_RDONLY: 0,
  O_WRONLY: 1,
  O_RDWR: 2,
  O_CREAT: 0o100,
  O_EXCL: 0o200,
  O_TRUNC: 0o1000,
} as const satisfies Names;

/** @source uapi/linux/shm.h, uapi/linux/ipc.h (Linux 6.18) */
export const SHM = {
  SHM_RDONLY: 0o10000,
  SHM_RND: 0o20000,
  SHM_REMAP: 0o40000,
  SHM_EXEC: 0o100000,
} as const satisfies Names;
export const SHMCTL = { IPC_RMID: 0, SHM_LOCK: 11, SHM_UNLOCK: 12 } as const satisfies Names;
export const IPC_PRIVATE = 0;

/** @source uapi/linux/userfaultfd.h (Linux 6.18) */
export const UFFD_FEATURE = {
  UFFD_FEATURE_PAGEFAULT_FLAG_WP: 0x1,
  UFFD_FEATURE_EVENT_FORK: 0x2,
  UFFD_FEATURE_EVENT_REMAP: 0x4,
  UFFD_FEATURE_EVENT_REMOVE: 0x8,
  UFFD_FEATURE_MISSING_HUGETLBFS: 0x10,
  UFFD_FEATURE_MISSING_SHMEM: 0x20,
  UFFD_FEATURE_EVENT_UNMAP: 0x40,
  UFFD_FEATURE_SIGBUS: 0x80,
  UFFD_FEATURE_THREAD_ID: 0x100,
  UFFD_FEATURE_MINOR_HUGETLBFS: 0x200,
  UFFD_FEATURE_MINOR_SHMEM: 0x400,
  UFFD_FEATURE_EXACT_ADDRESS: 0x800,
  UFFD_FEATURE_WP_HUGETLBFS_SHMEM: 0x1000,
  UFFD_FEATURE_WP_UNPOPULATED: 0x2000,
  UFFD_FEATURE_POISON: 0x4000,
  UFFD_FEATURE_WP_ASYNC: 0x8000,
  UFFD_FEATURE_MOVE: 0x10000,
} as const satisfies Names;
export const UFFDIO_REGISTER_MODE = {
  UFFDIO_REGISTER_MODE_MISSING: 1,
  UFFDIO_REGISTER_MODE_WP: 2,
  UFFDIO_REGISTER_MODE_MINOR: 4,
} as const satisfies Names;
/** Of COPY; those of ZEROPAGE, CONTINUE and POISON have the same values. */
export const UFFDIO_FILL_MODE = {
  UFFDIO_COPY_MODE_DONTWAKE: 1,
  UFFDIO_COPY_MODE_WP: 2,
} as const satisfies Names;
export const UFFDIO_WRITEPROTECT_MODE = {
  UFFDIO_WRITEPROTECT_MODE_WP: 1,
  UFFDIO_WRITEPROTECT_MODE_DONTWAKE: 2,
} as const satisfies Names;
export const UFFDIO_MOVE_MODE = {
  UFFDIO_MOVE_MODE_DONTWAKE: 1,
  UFFDIO_MOVE_MODE_ALLOW_SRC_HOLES: 2,
} as const satisfies Names;

/** What lengths are written with. */
const UNITS = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40, PAGE_SIZE: 4096 } as const;

const CONSTANTS = {
  NULL: 0,
  PROT_NONE: 0,
  MAP_FAILED: -1,
  MAP_ANON: MAP.MAP_ANONYMOUS,
  MAP_SHARED_VALIDATE: 3,
  ...UNITS,
  ...PROT,
  ...MAP,
  ...MREMAP,
  ...ADVICE,
  ...MS,
  ...MCL,
  ...MLOCK,
  ...CLONE,
  ...MFD,
  ...FALLOC,
  ...O,
  ...SHM,
  ...SHMCTL,
  ...UFFD_FEATURE,
  ...UFFDIO_REGISTER_MODE,
  ...UFFDIO_FILL_MODE,
  ...UFFDIO_WRITEPROTECT_MODE,
  ...UFFDIO_MOVE_MODE,
  IPC_PRIVATE,
} as const satisfies Names;
export type ConstantName = keyof typeof CONSTANTS;

const VALUES: ReadonlyMap<string, bigint> = new Map(
  Object.entries(CONSTANTS).map(([name, value]) => [name, BigInt(value)]),
);

export const constantOf = (name: string): bigint | undefined => VALUES.get(name);

export function constantNames(): string[] {
  return [...VALUES.keys()];
}

/** How a value of a kind of argument is written. */
export type Form = (value: bigint) => string;

const hex = (value: bigint): string => `0x${BigInt.asUintN(64, value).toString(16)}`;

export const asAddress: Form = (value) => (value === 0n ? 'NULL' : hex(value));
export const asNumber: Form = (value) => String(value);

const LENGTH_UNITS = ['T', 'G', 'M', 'K'] as const;

/** `4M`, `64K`, `4097`: in the largest unit that divides it. */
export const asLength: Form = (value) => {
  if (value <= 0n) return String(value);
  const unit = LENGTH_UNITS.find((name) => value % BigInt(UNITS[name]) === 0n);
  return unit === undefined ? String(value) : `${value / BigInt(UNITS[unit])}${unit}`;
};

/** One of `names`, or a number. */
export const oneOf =
  (names: Names): Form =>
  (value) =>
    Object.keys(names).find((name) => BigInt(names[name]!) === value) ?? asNumber(value);

/** Some of `names` joined by `|`; bits without a name in hexadecimal, `none` where nothing is set. */
export const someOf =
  (names: Names, none = '0'): Form =>
  (value) => {
    if (value === 0n) return none;
    const set = Object.keys(names).filter((name) => (value & BigInt(names[name]!)) !== 0n);
    const rest = set.reduce((bits, name) => bits & ~BigInt(names[name]!), value);
    return (rest === 0n ? set : [...set, hex(rest)]).join('|');
  };

/** A value that nothing is known about: addresses are the large ones. */
export function formatValue(value: bigint | string): string {
  if (typeof value === 'string') return JSON.stringify(value);
  return value >= ADDRESS_MIN ? hex(value) : String(value);
}

const ADDRESS_MIN = 2n ** 32n;
