/** The system calls that are recorded with faults, by their numbers on x86-64. */
import { MAP } from '../../uapi/mman.ts';

export const CALLS: Readonly<Record<number, readonly [name: string, args: number]>> = {
  9: ['mmap', 6],
  10: ['mprotect', 3],
  11: ['munmap', 2],
  12: ['brk', 1],
  25: ['mremap', 5],
  26: ['msync', 3],
  28: ['madvise', 3],
  29: ['shmget', 3],
  30: ['shmat', 3],
  31: ['shmctl', 2],
  56: ['clone', 0],
  57: ['fork', 0],
  58: ['vfork', 0],
  59: ['execve', 0],
  67: ['shmdt', 1],
  149: ['mlock', 2],
  150: ['munlock', 2],
  151: ['mlockall', 1],
  152: ['munlockall', 0],
  325: ['mlock2', 3],
  329: ['mprotect', 3],
  435: ['clone3', 0],
};

export const NUMBERS: readonly number[] = Object.keys(CALLS).map(Number);
export const CLONES: readonly number[] = [56, 57, 58, 435];
export const EXECVE = 59;
export const MMAP = 9;
const CLONE = 56;
const CLONE3 = 435;
const MAP_ANONYMOUS = BigInt(MAP.ANONYMOUS);

/** What is known of a call when it begins. */
export interface Begun {
  readonly number: number;
  /** Name and arguments without the closing bracket, as strace writes them. */
  readonly text: string;
}

/**
 * @param pathOf what a descriptor stands for
 * @param wordAt a word of the caller's memory
 */
export function describeCall(
  number: number,
  args: readonly bigint[],
  pathOf: (descriptor: number) => string,
  wordAt: (address: bigint) => bigint,
): Begun {
  const [name, count] = CALLS[number]!;
  const shown = args.slice(0, count).map((value) => `0x${value.toString(16)}`);
  if (number === MMAP) {
    const fd = Number(BigInt.asIntN(32, args[4]!));
    const isFile = (args[3]! & MAP_ANONYMOUS) === 0n && fd >= 0;
    shown[4] = isFile ? `${fd}<${pathOf(fd)}>` : String(fd);
  }
  if (number === CLONE) shown.push(`flags=0x${(args[0]! & 0xffffffffn).toString(16)}`);
  if (number === CLONE3) shown.push(`{flags=0x${(wordAt(args[0]!) & 0xffffffffn).toString(16)}}`);
  return { number, text: `${name}(${shown.join(', ')}` };
}

/** As strace writes results. */
export function describeResult(value: bigint): string {
  if (value >= 0n) return `0x${value.toString(16)}`;
  return value > -4096n
    ? `-1 ${ERRNOS[Number(-value)] ?? 'EUNKNOWN'}`
    : `0x${BigInt.asUintN(64, value).toString(16)}`;
}

/** @source uapi/asm-generic/errno-base.h, errno.h */
const ERRNOS: Readonly<Record<number, string>> = {
  ...{ 1: 'EPERM', 2: 'ENOENT', 3: 'ESRCH', 4: 'EINTR', 7: 'E2BIG', 8: 'ENOEXEC', 9: 'EBADF' },
  ...{ 10: 'ECHILD', 11: 'EAGAIN', 12: 'ENOMEM', 13: 'EACCES', 14: 'EFAULT', 16: 'EBUSY' },
  ...{ 17: 'EEXIST', 19: 'ENODEV', 20: 'ENOTDIR', 21: 'EISDIR', 22: 'EINVAL', 26: 'ETXTBSY' },
  ...{ 38: 'ENOSYS', 75: 'EOVERFLOW', 95: 'EOPNOTSUPP' },
};
