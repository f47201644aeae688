/** ptrace(2) and waitpid(2) through koffi. They block: for a process of their own. */
import { createRequire } from 'node:module';

/** @source uapi/linux/ptrace.h */
export const PTRACE = {
  SYSCALL: 24,
  GETEVENTMSG: 0x4201,
  SEIZE: 0x4206,
  LISTEN: 0x4208,
  GET_SYSCALL_INFO: 0x420e,
} as const;
export const EVENT = { FORK: 1, VFORK: 2, CLONE: 3, EXEC: 4, EXIT: 6, STOP: 128 } as const;
/** TRACESYSGOOD, the events above, and the end of the tracer ends all. */
const OPTIONS = 0x1 | 0x2 | 0x4 | 0x8 | 0x10 | 0x40 | 0x100000;
const WALL = 0x40000000;
const INFO_BYTES = 88;

export interface Stop {
  readonly pid: number;
  readonly hasEnded: boolean;
  readonly signal: number;
  readonly event: number;
}

export interface SyscallInfo {
  /** 1 at its beginning, 2 at its end. */
  readonly op: number;
  readonly number: number;
  readonly args: readonly bigint[];
  readonly value: bigint;
}

export interface Ptrace {
  seize(pid: number): void;
  /** Goes on to the next stop. */
  resume(pid: number, signal: number): void;
  listen(pid: number): void;
  eventMessage(pid: number): number;
  syscallInfo(pid: number): SyscallInfo;
  /** @returns undefined when nobody is left */
  wait(): Stop | undefined;
}

/** @returns undefined if koffi is not installed or has no binary for this machine */
export function loadPtrace(): Ptrace | undefined {
  try {
    return bind(createRequire(import.meta.url)('koffi') as typeof import('koffi'));
  } catch {
    return undefined;
  }
}

function bind(koffi: typeof import('koffi')): Ptrace {
  const libc = koffi.load(null);
  const withNumber: (...args: number[]) => number = libc.func(
    'long ptrace(long request, int pid, long address, long data)',
  );
  const withBuffer: (request: number, pid: number, address: number, data: Uint8Array) => number =
    libc.func('long ptrace(long request, int pid, long address, void *data)');
  const waitpid: (pid: number, status: Int32Array, options: number) => number = libc.func(
    'int waitpid(int pid, void *status, int options)',
  );
  const status = new Int32Array(1);
  const info = new Uint8Array(INFO_BYTES);
  const view = new DataView(info.buffer);
  return {
    seize(pid) {
      if (withNumber(PTRACE.SEIZE, pid, 0, OPTIONS) < 0) {
        throw new Error(`Cannot trace process ${pid}: errno ${koffi.errno()}`);
      }
    },
    // Who has been killed meanwhile is waited for all the same.
    resume: (pid, signal) => void withNumber(PTRACE.SYSCALL, pid, 0, signal),
    listen: (pid) => void withNumber(PTRACE.LISTEN, pid, 0, 0),
    eventMessage(pid) {
      withBuffer(PTRACE.GETEVENTMSG, pid, 0, info);
      return Number(view.getBigUint64(0, true));
    },
    syscallInfo(pid) {
      withBuffer(PTRACE.GET_SYSCALL_INFO, pid, INFO_BYTES, info);
      const op = info[0]!;
      return {
        op,
        number: Number(view.getBigUint64(24, true)),
        args: Array.from({ length: 6 }, (_, index) => view.getBigUint64(32 + 8 * index, true)),
        value: view.getBigInt64(24, true),
      };
    },
    wait() {
      const pid = waitpid(-1, status, WALL);
      if (pid < 0) return undefined;
      const [value] = status;
      const hasEnded = (value! & 0xff) !== 0x7f;
      return { pid, hasEnded, signal: (value! >> 8) & 0xff, event: value! >> 16 };
    },
  };
}
