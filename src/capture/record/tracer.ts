/**
 * Follows a command with ptrace(2): its calls with what their descriptors stand for, its address space
 * when a program starts and when it ends. Files that it maps are read first, so that all their pages
 * are in memory, and their folios known: what a fault brings in does not depend on chance.
 */
import { spawn } from 'node:child_process';
import {
  closeSync,
  openSync,
  readFileSync,
  readlinkSync,
  readSync,
  statfsSync,
  statSync,
} from 'node:fs';
import { type Begun, CALLS, describeCall, describeResult, EXECVE } from './calls.ts';
import type { Seen, SeenCall } from './merge.ts';
import type { PageCache } from './page_cache.ts';
import { execState, exitState } from './process_state.ts';
import { EVENT, type Ptrace, type Stop } from './ptrace.ts';
import type { TraceInstance } from './tracefs.ts';

/** @source uapi/linux/magic.h */
const HUGETLBFS = 0x958458f6;
const SIGTRAP = 5;
const SYSCALL_STOP = SIGTRAP | 0x80;
const STOPPING: readonly number[] = [19, 20, 21, 22];
const FILE_BYTES_MAX = 2 ** 29;
const CHUNK = new Uint8Array(2 ** 20);

export class Tracer implements Seen {
  readonly calls = new Map<number, SeenCall[]>();
  readonly exits = new Map<number, string>();
  readonly #ptrace: Ptrace;
  readonly #pageCache: PageCache;
  readonly #begun = new Map<number, Begun>();
  readonly #before = new Map<number, string[]>();
  readonly #states = new Map<number, string>();
  readonly processes = new Map<number, number>();
  /** Threads that have not begun to end. */
  readonly #alive = new Set<number>();
  readonly #filesRead = new Set<string>();
  #hasStarted = false;

  constructor(ptrace: Ptrace, pageCache: PageCache) {
    this.#ptrace = ptrace;
    this.#pageCache = pageCache;
  }

  /** Runs a command to the end of all of its processes. Blocks the event loop meanwhile. */
  run(command: readonly string[], events: TraceInstance): void {
    const shell = spawn('sh', ['-c', 'kill -STOP $$; exec "$@"', 'sh', ...command], {
      stdio: ['inherit', 2, 2],
    });
    const pid = shell.pid!;
    while (!/^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, 'latin1'))) sleep(1);
    this.#ptrace.seize(pid);
    events.start(pid);
    this.#add(pid, pid);
    process.kill(pid, 'SIGCONT');
    for (let stop = this.#ptrace.wait(); stop !== undefined; stop = this.#ptrace.wait()) {
      this.#stopped(stop);
    }
  }

  #stopped(stop: Stop): void {
    const { pid, hasEnded, signal, event } = stop;
    if (hasEnded) this.#alive.delete(pid);
    else if (event === EVENT.STOP && STOPPING.includes(signal)) this.#ptrace.listen(pid);
    else if (event !== 0) this.#event(pid, event);
    else if (signal === SYSCALL_STOP) this.#syscall(pid);
    else this.#ptrace.resume(pid, signal);
  }

  #event(pid: number, event: number): void {
    if (event === EVENT.EXEC) this.#exec(pid);
    if (event === EVENT.EXIT) this.#exit(pid);
    if (event === EVENT.FORK || event === EVENT.VFORK || event === EVENT.CLONE) {
      const child = this.#ptrace.eventMessage(pid);
      this.#add(child, processOf(child));
    }
    this.#ptrace.resume(pid, 0);
  }

  #exec(pid: number): void {
    this.#hasStarted = true;
    const former = this.#ptrace.eventMessage(pid);
    if (former !== pid) {
      this.#begun.set(pid, this.#begun.get(former)!);
      this.#alive.delete(former);
    }
    const state = execState(pid);
    const { maps } = JSON.parse(state) as { maps: string };
    for (const [, path] of maps.matchAll(/ (\/.*)$/gm)) this.#readFile(pid, path!, path!);
    this.#states.set(pid, state);
  }

  /** The last thread of a process says how it ends. */
  #exit(pid: number): void {
    const own = this.processes.get(pid) ?? pid;
    this.#alive.delete(pid);
    for (const other of this.#alive) if (this.processes.get(other) === own) return;
    if (this.#hasStarted) this.exits.set(own, exitState(pid));
  }

  #add(thread: number, process: number): void {
    this.processes.set(thread, process);
    this.#alive.add(thread);
  }

  #syscall(pid: number): void {
    const { op, number, args, value } = this.#ptrace.syscallInfo(pid);
    if (op === 1 && CALLS[number] !== undefined) {
      this.#begun.set(pid, describeCall(number, args, this.#pathOf(pid), wordsOf(pid)));
    }
    const begun = this.#begun.get(pid);
    if (op === 2 && begun !== undefined) this.#end(pid, begun, value);
    this.#ptrace.resume(pid, 0);
  }

  #end(pid: number, begun: Begun, value: bigint): void {
    this.#begun.delete(pid);
    const before = this.#before.get(pid) ?? [];
    this.#before.delete(pid);
    const state = this.#states.get(pid);
    this.#states.delete(pid);
    const text =
      begun.number === EXECVE && state !== undefined
        ? `execve(${JSON.stringify((JSON.parse(state) as { program: string }).program)}`
        : begun.text;
    const calls = this.calls.get(pid) ?? [];
    calls.push({ number: begun.number, text, result: describeResult(value), before, state });
    this.calls.set(pid, calls);
  }

  #pathOf(pid: number): (descriptor: number) => string {
    return (descriptor) => {
      try {
        const link = `/proc/${pid}/fd/${descriptor}`;
        const path = readlinkSync(link);
        this.#readFile(pid, path, link);
        return path;
      } catch {
        return '';
      }
    };
  }

  /** Twice: the second time takes away what the first has marked as read ahead. */
  #readFile(pid: number, path: string, place: string): void {
    if (this.#filesRead.has(path)) return;
    this.#filesRead.add(path);
    const stats = statSync(place, { throwIfNoEntry: false });
    if (stats?.isFile() !== true || stats.size > FILE_BYTES_MAX) return;
    const { type, bsize } = statfsSync(place);
    const isHuge = type === HUGETLBFS;
    if (!isHuge) for (let pass = 0; pass < 2; pass++) readThrough(place);
    const folios = isHuge ? [] : this.#pageCache.largeFolios(place, stats.size);
    const file = {
      path,
      bytes: stats.size,
      ...(isHuge && { pageBytes: bsize }),
      ...(folios.length > 0 && { folios }),
    };
    const line = `${pid} !!! file ${JSON.stringify(file)}`;
    this.#before.set(pid, [...(this.#before.get(pid) ?? []), line]);
  }
}

function readThrough(path: string): void {
  const file = openSync(path, 'r');
  try {
    while (readSync(file, CHUNK, 0, CHUNK.length, null) > 0);
  } finally {
    closeSync(file);
  }
}

function processOf(thread: number): number {
  const status = readFileSync(`/proc/${thread}/status`, 'latin1');
  return Number(/^Tgid:\s+(\d+)$/m.exec(status)?.[1]);
}

function wordsOf(pid: number): (address: bigint) => bigint {
  return (address) => {
    const memory = openSync(`/proc/${pid}/mem`, 'r');
    try {
      const word = new BigUint64Array(1);
      readSync(memory, word, 0, 8, address);
      return word[0]!;
    } catch {
      return 0n;
    } finally {
      closeSync(memory);
    }
  };
}

function sleep(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}
