/**
 * The few system calls that Node has no function for, through koffi.
 *
 * koffi is an optional dependency: everything here may be missing, and a capture does without.
 */
import { closeSync, fstatSync } from 'node:fs';
import { createRequire } from 'node:module';
import { deviceName } from '../proc/mountinfo.ts';
import { MFD, MFD_HUGE_SHIFT } from '../uapi/files.ts';

export interface Native {
  /** @returns what the call returned, or a negative errno */
  ioctl(fd: number, request: number, argument: Uint32Array): number;
  /** The address of memory that the kernel will write to: keep `array` referenced meanwhile. */
  addressOf(array: Uint32Array): bigint;
  /**
   * Compares the address spaces of two processes.
   *
   * @returns 0 if they are one; 1 or 2, which order all address spaces, if not; a negative errno
   */
  kcmpVm(pid: number, otherPid: number): number;
  /**
   * The device of the kernel's own mount that unnamed shared memory lives on.
   *
   * @param hugePageBytes for the hugetlbfs mount of that page size; 0 for the tmpfs mount
   * @returns `major:minor` as maps prints it; undefined if the kernel has no such mount
   */
  internalDevice(hugePageBytes: number): string | undefined;
}

/** @source linux include/uapi/linux/{kcmp,memfd}.h */
const KCMP_VM = 1;
/** The generic system call table numbers kcmp 272; x86-64 has its own. */
const KCMP_NUMBER = process.arch === 'x64' ? 312 : 272;

/** @returns undefined if koffi is not installed or has no binary for this machine */
export function loadNative(): Native | undefined {
  try {
    return bind(createRequire(import.meta.url)('koffi') as typeof import('koffi'));
  } catch {
    return undefined;
  }
}

function bind(koffi: typeof import('koffi')): Native {
  const libc = koffi.load(null);
  const ioctl: (fd: number, request: number, argument: Uint32Array) => number = libc.func(
    'int ioctl(int fd, unsigned long request, void *argument)',
  );
  const kcmp: (...numbers: number[]) => number = libc.func(
    'long syscall(long number, int pid, int otherPid, int type, long index, long otherIndex)',
  );
  const memfdCreate: (name: string, flags: number) => number = libc.func(
    'int memfd_create(const char *name, unsigned int flags)',
  );
  const orErrno = (result: number): number => (result < 0 ? -koffi.errno() : result);
  return {
    ioctl: (fd, request, argument) => orErrno(ioctl(fd, request, argument)),
    addressOf: (array) => koffi.address(array),
    kcmpVm: (pid, otherPid) => orErrno(kcmp(KCMP_NUMBER, pid, otherPid, KCMP_VM, 0, 0)),
    internalDevice(hugePageBytes) {
      const flags =
        hugePageBytes === 0
          ? 0
          : (MFD.HUGETLB | (Math.log2(hugePageBytes) << MFD_HUGE_SHIFT)) >>> 0;
      // An empty file: no page is taken from a pool.
      const fd = memfdCreate('ptshare', flags);
      if (fd < 0) return undefined;
      try {
        return nameOfDevice(fstatSync(fd).dev);
      } finally {
        closeSync(fd);
      }
    },
  };
}

/** Splits a device number of stat(2). @source linux include/linux/kdev_t.h new_encode_dev() */
function nameOfDevice(device: number): string {
  return deviceName((device >>> 8) & 0xfff, (device & 0xff) | ((device >>> 12) & 0xfff00));
}
