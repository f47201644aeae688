/**
 * The order of calls that overlapped.
 *
 * strace writes when it saw a call begin and end, not when the kernel performed it: of two threads that
 * map at the same time, either may have been first. Calls that overlap are collected until none of
 * them is under way, and performed in an order that respects which ended before others began, and in
 * which the addresses come out that the kernel returned.
 */
import { MAP, PAGE_BYTES } from '../uapi/mman.ts';
import type { Host } from './host.ts';
import type { Done } from './judge.ts';
import { LIMITS } from './limits.ts';
import { mmapArguments } from './perform.ts';
import type { Space } from './space.ts';

interface Overlapping {
  readonly done: Done;
  /** The lines where it began and ended. */
  readonly start: number;
  readonly end: number;
}

const MAP_NOT_CHOSEN = MAP.FIXED | MAP.FIXED_NOREPLACE | MAP['32BIT'];

export class Order {
  readonly #host: Host;
  readonly #perform: (done: Done) => void;
  /** Calls under way, by thread: the line where each began. */
  readonly #open = new Map<number, number>();
  #waiting: Overlapping[] = [];

  constructor(host: Host, perform: (done: Done) => void) {
    this.#host = host;
    this.#perform = perform;
  }

  begin(pid: number, line: number): void {
    this.#open.set(pid, line);
  }

  /** The thread ended, or its call was something else. */
  forget(space: Space, pid: number): void {
    if (this.#open.delete(pid) && this.#open.size === 0) this.settle(space);
  }

  end(space: Space, done: Done): void {
    const start = this.#open.get(done.pid) ?? done.line;
    this.#open.delete(done.pid);
    if (this.#open.size === 0 && this.#waiting.length === 0) {
      this.#perform(done);
      return;
    }
    this.#waiting.push({ done, start, end: done.line });
    const isFull = this.#waiting.length >= LIMITS.overlappingCalls;
    if (this.#open.size === 0 || isFull) this.settle(space);
  }

  /** Performs what has ended. */
  settle(space: Space): void {
    while (this.#waiting.length > 0) {
      const firstEnd = Math.min(...this.#waiting.map(({ end }) => end));
      const ready = this.#waiting.filter(({ start }) => start <= firstEnd);
      const next =
        ready.find(({ done }) => this.#explains(space, done) === true) ??
        ready.find(({ done }) => this.#explains(space, done) === undefined) ??
        ready[0]!;
      this.#waiting.splice(this.#waiting.indexOf(next), 1);
      this.#perform(next.done);
    }
  }

  /** Whether the kernel's answer is what comes out now; `undefined` if any order would do. */
  #explains({ task }: Space, { request, result, files }: Done): boolean | undefined {
    if (task === undefined || request.name !== 'mmap' || result.kind !== 'returned')
      return undefined;
    if ((request.flags & MAP_NOT_CHOSEN) !== 0) return undefined;
    const call = mmapArguments(this.#host, files, request, true);
    const pages = Math.ceil(request.length / PAGE_BYTES);
    return this.#host.mm.placeFor(task.mm, call, pages, call.file) * PAGE_BYTES === result.value;
  }
}
