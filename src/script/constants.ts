/** Names that scripts and their results use, by what they mean. */
import * as files from '../uapi/files.ts';
import * as mman from '../uapi/mman.ts';
import { type Names, named } from '../uapi/named.ts';
import * as sched from '../uapi/sched.ts';
import * as shm from '../uapi/shm.ts';
import * as uffd from '../uapi/userfaultfd.ts';

export const PROT = named('PROT_', mman.PROT);
export const MAP = named('MAP_', mman.MAP);
export const MREMAP = named('MREMAP_', mman.MREMAP);
export const ADVICE = named('MADV_', mman.MADV);
export const MS = named('MS_', mman.MS);
export const MCL = named('MCL_', mman.MCL);
export const MLOCK = named('MLOCK_', mman.MLOCK);
export const CLONE = named('CLONE_', { VM: sched.CLONE.VM, FILES: sched.CLONE.FILES });
export const MFD = named('MFD_', files.MFD);
export const FALLOC = named('FALLOC_FL_', files.FALLOC);
export const O = named('O_', files.O);
export const SHM = named('SHM_', shm.SHM);
export const SHMCTL = shm.SHMCTL;
export const UFFD_FEATURE = named('UFFD_FEATURE_', uffd.UffdFeature);
export const UFFDIO_REGISTER_MODE = named('UFFDIO_REGISTER_MODE_', uffd.UffdMode);
export const UFFDIO_FILL_MODE = named('UFFDIO_COPY_MODE_', uffd.UffdFillMode);
export const UFFDIO_WRITEPROTECT_MODE = named('UFFDIO_WRITEPROTECT_MODE_', uffd.UffdWpMode);
export const UFFDIO_MOVE_MODE = named('UFFDIO_MOVE_MODE_', uffd.UffdMoveMode);

/** What lengths are written with. */
const UNITS = {
  K: 2 ** 10,
  M: 2 ** 20,
  G: 2 ** 30,
  T: 2 ** 40,
  PAGE_SIZE: mman.PAGE_BYTES,
} as const;

const CONSTANTS = {
  NULL: 0,
  PROT_NONE: 0,
  MAP_FAILED: -1,
  MAP_ANON: MAP.MAP_ANONYMOUS,
  MAP_SHARED_VALIDATE: mman.MAP_SHARED_VALIDATE,
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
  IPC_PRIVATE: shm.IPC_PRIVATE,
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
