/**
 * bpf(2) and mmap(2) through the C library: one array map that this process shares with the kernel,
 * and one program that works on it.
 *
 * @source man 2 bpf; include/uapi/linux/bpf.h union bpf_attr
 */
import { closeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { MAP, PROT_RW } from '../../uapi/mman.ts';
import { ExactModeUnavailable } from './unavailable.ts';

const SYS_BPF = 321;
const ATTRIBUTE_BYTES = 128;
const BPF_MAP_CREATE = 0;
const BPF_PROG_LOAD = 5;
const BPF_PROG_TEST_RUN = 10;
const BPF_MAP_TYPE_ARRAY = 2;
const BPF_F_MMAPABLE = 1 << 10;
const BPF_PROG_TYPE_SYSCALL = 31;
const BPF_F_SLEEPABLE = 1 << 4;
/** bpf_probe_read_kernel() is only given to programs whose licence is compatible with the GPL. */
const LICENCE = Buffer.from('Dual MIT/GPL\0');

interface Libc {
  syscall(number: number, command: number, attributes: Buffer, bytes: number): number;
  mmap(hint: null, bytes: number, prot: number, flags: number, fd: number, offset: number): bigint;
  munmap(address: bigint, bytes: number): number;
  errno(): number;
  address(memory: Buffer): bigint;
  view(address: bigint, bytes: number): ArrayBuffer;
}

export interface BpfProgram {
  /** The map's value, shared with the kernel. Must not be touched after `close()`. */
  readonly value: ArrayBuffer;
  readonly address: bigint;
  run(): void;
  close(): void;
}

/**
 * Loads the program that `assemble` makes for a map with one value of `valueBytes`.
 *
 * @param assemble gets the file descriptor of the map, returns instructions
 * @throws ExactModeUnavailable if the host or the rights of this process do not allow it
 */
export function loadProgram(valueBytes: number, assemble: (mapFd: number) => Buffer): BpfProgram {
  const libc = loadLibc();
  const fds: number[] = [];
  const closeAll = () => {
    for (const fd of fds) closeSync(fd);
  };
  try {
    const mapFd = createMap(libc, valueBytes);
    fds.push(mapFd);
    const programFd = createProgram(libc, assemble(mapFd));
    fds.push(programFd);
    const address = libc.mmap(null, valueBytes, PROT_RW, MAP.SHARED, mapFd, 0);
    if (address === 0xffff_ffff_ffff_ffffn) throw refused('mmap of a BPF map', libc.errno());
    return {
      value: libc.view(address, valueBytes),
      address,
      run: () => runProgram(libc, programFd),
      close: () => {
        libc.munmap(address, valueBytes);
        closeAll();
      },
    };
  } catch (error) {
    closeAll();
    throw error;
  }
}

function loadLibc(): Libc {
  try {
    const koffi: typeof import('koffi') = createRequire(import.meta.url)('koffi');
    const library = koffi.load(null);
    return {
      syscall: library.func('long syscall(long number, int command, void *attributes, uint size)'),
      mmap: library.func('void *mmap(void *at, size_t n, int prot, int flags, int fd, long from)'),
      munmap: library.func('int munmap(void *address, size_t bytes)'),
      errno: koffi.errno,
      address: koffi.address,
      view: koffi.view,
    };
  } catch (error) {
    throw new ExactModeUnavailable(
      `the library that calls bpf(2) does not load: ${(error as Error).message}`,
      'install the optional dependency: npm install koffi',
    );
  }
}

function createMap(libc: Libc, valueBytes: number): number {
  const attributes = Buffer.alloc(ATTRIBUTE_BYTES);
  attributes.writeUInt32LE(BPF_MAP_TYPE_ARRAY, 0);
  attributes.writeUInt32LE(4, 4); // key_size
  attributes.writeUInt32LE(valueBytes, 8);
  attributes.writeUInt32LE(1, 12); // max_entries
  attributes.writeUInt32LE(BPF_F_MMAPABLE, 16);
  attributes.write('ptshare', 28);
  return bpf(libc, 'BPF_MAP_CREATE', BPF_MAP_CREATE, attributes);
}

function createProgram(libc: Libc, instructions: Buffer): number {
  const attributes = Buffer.alloc(ATTRIBUTE_BYTES);
  // Behind the attributes, so that one reference keeps all of it alive during the call.
  const request = Buffer.concat([attributes, instructions, LICENCE]);
  const address = libc.address(request) + BigInt(ATTRIBUTE_BYTES);
  request.writeUInt32LE(BPF_PROG_TYPE_SYSCALL, 0);
  request.writeUInt32LE(instructions.length / 8, 4);
  request.writeBigUInt64LE(address, 8);
  request.writeBigUInt64LE(address + BigInt(instructions.length), 16);
  request.writeUInt32LE(BPF_F_SLEEPABLE, 44);
  request.write('ptshare', 48);
  return bpf(libc, 'BPF_PROG_LOAD', BPF_PROG_LOAD, request);
}

function runProgram(libc: Libc, programFd: number): void {
  const attributes = Buffer.alloc(ATTRIBUTE_BYTES);
  attributes.writeUInt32LE(programFd, 0);
  bpf(libc, 'BPF_PROG_TEST_RUN', BPF_PROG_TEST_RUN, attributes);
}

function bpf(libc: Libc, name: string, command: number, attributes: Buffer): number {
  const result = libc.syscall(SYS_BPF, command, attributes, ATTRIBUTE_BYTES);
  if (result < 0) throw refused(`bpf(${name})`, libc.errno());
  return result;
}

function refused(call: string, errno: number): ExactModeUnavailable {
  const { EPERM, EACCES, ENOSYS, EINVAL } = constants.errno;
  if (errno === EPERM || errno === EACCES) {
    return new ExactModeUnavailable(
      `${call} is not permitted`,
      'run as root, or with CAP_BPF, CAP_PERFMON and CAP_SYS_ADMIN, outside of a container',
    );
  }
  if (errno === ENOSYS || errno === EINVAL) {
    return new ExactModeUnavailable(
      `${call} is not supported by this kernel`,
      'use Linux 5.14 or newer with CONFIG_BPF_SYSCALL, CONFIG_BPF_EVENTS and no lockdown',
    );
  }
  return new ExactModeUnavailable(`${call} failed with errno ${errno}`, '');
}
