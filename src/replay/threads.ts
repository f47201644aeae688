/**
 * Threads and processes by their numbers. A child may be seen before the call that made it returns:
 * it belongs to that call if no other one is under way, and its lines are kept until then if there are
 * more.
 */

import { CLONE } from '../uapi/sched.ts';
import { Files } from './files.ts';
import type { Host } from './host.ts';
import { LIMITS } from './limits.ts';
import { ReplayError } from './replay_error.ts';
import type { ReplayReport } from './report.ts';
import type { Space } from './space.ts';
import { UNNAMED } from './strace/line.ts';
import { numberOf } from './strace/values.ts';
import type { Pending, Thread } from './thread.ts';

const FLAGS = /\bflags=([A-Za-z0-9_|]+)/;

/** A line of a process whose parent is not known yet. */
export interface HeldLine {
  readonly text: string;
  readonly line: number;
}

export class Threads {
  readonly #host: Host;
  readonly #report: ReplayReport;
  readonly #threads = new Map<number, Thread>();
  /** Calls that make a child and are under way, while the child is not known. */
  readonly #cloning = new Map<Thread, Pending>();
  /** Of each call under way, the child that was seen before it returns; it may have ended by then. */
  readonly #early = new Map<Thread, number>();
  readonly #held = new Map<number, HeldLine[]>();
  #heldLines = 0;
  /** Brings the calls of a space to their end that wait for something. */
  readonly #settle: (space: Space, line: number) => void;

  constructor(host: Host, report: ReplayReport, settle: (space: Space, line: number) => void) {
    this.#host = host;
    this.#report = report;
    this.#settle = settle;
  }

  all(): Thread[] {
    return [...this.#threads.values()];
  }

  get(pid: number): Thread | undefined {
    if (pid === UNNAMED && this.#threads.size === 1) return this.all()[0];
    return this.#threads.get(pid);
  }

  /** @returns undefined if it is not known yet whose child it is. @throws ReplayError */
  find(pid: number, line: number): Thread | undefined {
    const known = this.get(pid);
    if (known !== undefined) return known;
    if (this.#cloning.size > 1) return undefined;
    const [cloning] = this.#cloning;
    if (cloning !== undefined) {
      const [parent, { name, text }] = cloning;
      this.#early.set(parent, pid);
      return this.#makeChild(parent, pid, text, name, line);
    }
    const unnamed = this.#threads.get(UNNAMED);
    if (unnamed !== undefined) return this.#rename(unnamed, pid);
    this.#report.processes++;
    return this.#add({
      pid,
      parent: 0,
      isFurther: false,
      space: undefined,
      files: new Files(this.#host),
      limits: {},
      directory: this.#host.facts.directory,
      pending: undefined,
    });
  }

  /** Whose page fault that is: nothing is learned of threads that make no calls. */
  findFaulting(pid: number, line: number): Thread | undefined {
    return this.get(pid) ?? (this.#cloning.size === 1 ? this.find(pid, line) : undefined);
  }

  /** @throws ReplayError */
  hold(pid: number, held: HeldLine): void {
    if (++this.#heldLines > LIMITS.heldLines) {
      throw new ReplayError(
        held.line,
        'too many lines of processes whose parents are not known',
        'Record from the start of the program, with strace -f',
      );
    }
    const lines = this.#held.get(pid);
    if (lines === undefined) this.#held.set(pid, [held]);
    else lines.push(held);
  }

  takeHeld(pid: number): readonly HeldLine[] {
    const lines = this.#held.get(pid) ?? [];
    this.#held.delete(pid);
    this.#heldLines -= lines.length;
    return lines;
  }

  isHeld(pid: number): boolean {
    return this.#heldLines > 0 && this.#held.has(pid);
  }

  /** Lines that were never said to belong to anybody. */
  get heldLines(): number {
    return this.#heldLines;
  }

  beginClone(thread: Thread, call: Pending): void {
    this.#cloning.set(thread, call);
    this.#early.delete(thread);
  }

  /** The call has returned, or cannot be read. */
  forgetClone(thread: Thread): void {
    this.#cloning.delete(thread);
    this.#early.delete(thread);
  }

  /** @param pid of the child, `undefined` if there is none */
  endClone(
    parent: Thread,
    pid: number | undefined,
    name: string,
    text: string,
    line: number,
  ): void {
    const early = this.#early.get(parent);
    this.forgetClone(parent);
    if (pid === undefined || pid === early) return;
    const known = this.#threads.get(pid);
    // Its number has been given out anew: its end was not recorded.
    if (known !== undefined) this.remove(known);
    this.#makeChild(parent, pid, text, name, line);
  }

  #makeChild(parent: Thread, pid: number, text: string, name: string, line: number): Thread {
    const flags = flagsOf(name, text);
    this.#cloning.delete(parent);
    const isFurther = (flags & CLONE.THREAD) !== 0;
    const limits = isFurther ? parent.limits : { ...parent.limits };
    let { space } = parent;
    if (space !== undefined) {
      this.#settle(space, line);
      if ((flags & CLONE.VM) !== 0) space.holders++;
      else space = space.fork(line, limits);
    }
    const isShared = (flags & CLONE.FILES) !== 0;
    if (isShared) parent.files.holders++;
    const files = isShared ? parent.files : parent.files.copy();
    if (isFurther) this.#report.threads++;
    else this.#report.processes++;
    const { directory } = parent;
    const own = { pid, parent: isFurther ? parent.parent : parent.pid, isFurther };
    return this.#add({ ...own, space, files, limits, directory, pending: undefined });
  }

  #add(thread: Thread): Thread {
    if (this.#threads.size >= LIMITS.threads) {
      throw new ReplayError(0, 'There are too many threads at a time', 'Record fewer processes');
    }
    this.#threads.set(thread.pid, thread);
    return thread;
  }

  #rename(thread: Thread, pid: number): Thread {
    this.#threads.delete(thread.pid);
    thread.pid = pid;
    return this.#add(thread);
  }

  /** The thread `by` goes on under the number of its leader, whose place it takes. */
  supersede(pid: number, by: number): void {
    const thread = this.#threads.get(by);
    const leader = this.#threads.get(pid);
    if (thread === undefined || thread === leader) return;
    if (leader !== undefined) this.remove(leader);
    this.#rename(thread, pid);
  }

  remove(thread: Thread): void {
    this.#threads.delete(thread.pid);
    this.forgetClone(thread);
    thread.space?.order.forget(thread.space, thread.pid);
    thread.space?.leave();
    thread.files.leave();
  }
}

/** @throws LineError */
function flagsOf(name: string, text: string): number {
  if (name === 'vfork') return CLONE.VM;
  const flags = FLAGS.exec(text)?.[1];
  return flags === undefined ? 0 : numberOf(flags);
}
