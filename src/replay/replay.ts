/** A recording, made again line by line. */

import type { TraceWriter } from '../trace/index.ts';
import { MAP, PAGE_BYTES } from '../uapi/mman.ts';
import { CallTrace } from './call_trace.ts';
import { isDescriptorCall, noteDescriptors } from './descriptors.ts';
import { executedProgram } from './executed.ts';
import { compareExit } from './faults/compare.ts';
import { serveFault } from './faults/fault.ts';
import { type FaultLine, readFaultLine } from './faults/line.ts';
import { noteMapping } from './faults/mapped.ts';
import type { PerfRecord } from './faults/perf.ts';
import { type Engine, Host, type HostFacts, type Room } from './host.ts';
import { type Done, Judge } from './judge.ts';
import { LIMITS } from './limits.ts';
import { type StartedProgram, startedProgram } from './program.ts';
import { LineError, ReplayError } from './replay_error.ts';
import { count, emptyReport, type ReplayReport } from './report.ts';
import { checkResult, isRequest, readRequest } from './request.ts';
import { type Placed, Space } from './space.ts';
import { readLine, type StraceLine } from './strace/line.ts';
import { splitCall } from './strace/split.ts';
import { resultOf } from './strace/values.ts';
import type { Thread } from './thread.ts';
import { Threads } from './threads.ts';

export interface ReplayOptions {
  readonly mm: Engine;
  readonly facts: HostFacts;
  /** Whether a line that cannot be read ends the replay, or is counted. */
  readonly isStrict: boolean;
  /** Told all that happens, from the beginning. */
  readonly trace?: TraceWriter | undefined;
  /** Unless there shall be more than is usually enough. */
  readonly room?: Partial<Room>;
}

const CLONES: readonly string[] = ['clone', 'clone3', 'fork', 'vfork'];
const EXECS: readonly string[] = ['execve', 'execveat'];
const EXITS: readonly string[] = ['exit', 'exit_group'];
const MAY_BE_FAULT = /page_fault_| !!! |: PERF_RECORD_| syscalls:sys_enter_/;
const MAP_NOT_CHOSEN = MAP.FIXED | MAP.FIXED_NOREPLACE | MAP['32BIT'] | MAP.HUGETLB;

export class Replay {
  readonly report: ReplayReport = emptyReport();
  readonly host: Host;
  readonly #isStrict: boolean;
  readonly #threads: Threads;
  readonly #judge: Judge;

  constructor({ mm, facts, isStrict, trace, room }: ReplayOptions) {
    this.host = new Host(mm, facts, room);
    this.host.machine.traceTo(trace);
    this.#isStrict = isStrict;
    this.#judge = new Judge(this.host, this.report, trace && new CallTrace(trace));
    this.#threads = new Threads(this.host, this.report, (space, line) => this.#settle(space, line));
  }

  /** Threads that have not ended. */
  get threads(): readonly Thread[] {
    return this.#threads.all();
  }

  /** Takes the next line. @throws ReplayError */
  line(text: string): void {
    this.#read(text, ++this.report.lines);
  }

  /** The recording has ended. */
  finish(): ReplayReport {
    for (const { space } of this.threads) if (space !== undefined) this.#settle(space, 0);
    if (this.#threads.heldLines > 0)
      this.#judge.unjudged('processes whose parent was not recorded');
    const { mm, machine } = this.host;
    mm.audit(machine);
    this.report.violation = mm.violationOf(machine) ?? null;
    return this.report;
  }

  #read(text: string, line: number): void {
    try {
      if (text.length > LIMITS.lineLength) throw new LineError('the line is too long');
      const fault = MAY_BE_FAULT.test(text) ? readFaultLine(text) : undefined;
      if (fault !== undefined) this.#fault(fault, line);
      else this.#dispatch(readLine(text), text, line);
    } catch (error) {
      if (!(error instanceof LineError)) throw error;
      this.#skip(line, error.message);
    }
  }

  /** It is known now whose child that is. */
  #readHeld(pid: number): void {
    for (const { text, line } of this.#threads.takeHeld(pid)) this.#read(text, line);
  }

  #skip(line: number, reason: string): void {
    if (this.#isStrict) {
      throw new ReplayError(line, reason, 'Leave --strict out to skip such lines');
    }
    this.report.skipped++;
    if (this.report.skippedLines.length < LIMITS.listed)
      this.report.skippedLines.push({ line, reason });
  }

  #dispatch(read: StraceLine, text: string, line: number): void {
    if (read.kind === 'nothing') return;
    if (read.kind === 'ended' || read.kind === 'superseded') {
      const thread = this.#threads.get(read.pid);
      if (read.kind === 'superseded') this.#threads.supersede(read.pid, read.by);
      else if (this.#threads.isHeld(read.pid)) this.#threads.hold(read.pid, { text, line });
      else if (thread !== undefined) this.#end(thread, line);
      return;
    }
    if (!isOfInterest(read.name)) return;
    const thread = this.#threads.find(read.pid, line);
    if (thread !== undefined && this.#threads.isHeld(read.pid)) this.#readHeld(read.pid);
    if (thread === undefined) this.#threads.hold(read.pid, { text, line });
    else if (read.kind === 'unfinished') this.#begin(thread, read.name, read.text, line);
    else this.#complete(thread, read, line);
  }

  #fault(read: FaultLine, line: number): void {
    if (read.kind === 'file') {
      this.host.know(line, read);
      return;
    }
    if (read.kind === 'started' || read.kind === 'forked' || read.kind === 'ended') {
      this.#perfTask(read, line);
      return;
    }
    const space = this.#threads.findFaulting(read.pid, line)?.space;
    if (space === undefined) return;
    if (read.kind === 'exec') {
      this.host.hasFaults = true;
      if (space.task === undefined) space.beginAt(line, read.state);
    } else if (space.task === undefined) {
      this.#judge.unjudged('page faults before it was known where the address space is');
    } else if (read.kind === 'fault') {
      this.host.wantRoom(line, 1);
      count(this.report.faults, serveFault(this.host, space.task, line, read));
    } else if (read.kind === 'mapped') {
      noteMapping(this.host, space.task, line, read.mapping);
    } else if (read.kind === 'unmapped') {
      this.host.run(this.host.mm.munmap(space.task, read.address, read.length));
    } else if (read.kind === 'exit' && space.holders === 1) {
      this.#settle(space, line);
      compareExit(this.host, this.report, { line, pid: read.pid }, space.task, read.state);
    }
  }

  /** What perf tells of processes; a system call is not among it. */
  #perfTask(
    read: Extract<PerfRecord, { kind: 'started' | 'forked' | 'ended' }>,
    line: number,
  ): void {
    if (read.kind === 'ended') {
      const thread = this.#threads.get(read.pid);
      if (thread !== undefined) this.#end(thread, line);
      return;
    }
    if (read.kind === 'forked') {
      const parent = this.#threads.get(read.parent);
      const flags = read.isThread ? 'flags=CLONE_VM|CLONE_FILES|CLONE_THREAD' : '';
      if (parent?.space !== undefined)
        this.#threads.endClone(parent, read.pid, 'clone', flags, line);
      return;
    }
    const thread = this.#threads.find(read.pid, line);
    if (thread === undefined) return;
    this.host.hasFaults = true;
    this.#exec(thread, startedProgram(this.host.facts, undefined), line);
    thread.space!.beginAt(line, { program: '', brkStart: 0, maps: [], present: [] });
  }

  #begin(thread: Thread, name: string, text: string, line: number): void {
    thread.pending = { name, text, line };
    if (CLONES.includes(name)) this.#threads.beginClone(thread, thread.pending);
    if (isRequest(name)) thread.space?.order.begin(thread.pid, line);
  }

  #complete(
    thread: Thread,
    { kind, name, text }: { kind: string; name: string; text: string },
    line: number,
  ): void {
    const { pending } = thread;
    let whole = text;
    if (kind === 'resumed') {
      if (pending?.name !== name) throw new LineError(`${name} is resumed, but did not begin`);
      whole = pending.text + text;
    }
    try {
      if (whole.length > LIMITS.lineLength) throw new LineError('the call is too long');
      this.#call(thread, name, whole, line);
    } finally {
      this.#threads.forgetClone(thread);
      thread.pending = undefined;
    }
  }

  #call(thread: Thread, name: string, text: string, line: number): void {
    const { args, result } = splitCall(text);
    const outcome = resultOf(result);
    const value = outcome.kind === 'returned' ? outcome.value : undefined;
    if (isRequest(name)) {
      const request = readRequest(name, args);
      checkResult(request, outcome);
      const call = `${name}(${args.join(', ')})`;
      const { pid, files } = thread;
      this.#request(thread, { line, pid, text: call, request, result: outcome, files });
    } else if (CLONES.includes(name)) {
      this.#threads.endClone(thread, value === 0 ? undefined : value, name, text, line);
      if (value !== undefined) this.#readHeld(value);
    } else if (EXECS.includes(name)) {
      if (value !== 0) return;
      const find = (pid: number): Thread | undefined => this.#threads.get(pid);
      const starting = { facts: this.host.facts, thread, find };
      this.#exec(thread, executedProgram(starting, name, args), line);
    } else if (EXITS.includes(name)) this.#end(thread, line);
    else if (value !== undefined) {
      noteDescriptors(name, { host: this.host, thread, args, value, text: result, line });
    }
  }

  #request(thread: Thread, done: Done): void {
    this.report.calls++;
    const { space } = thread;
    if (space === undefined) this.#judge.unjudged('processes from before the recording');
    else space.order.end(space, done);
  }

  #exec(thread: Thread, program: StartedProgram, line: number): void {
    if (thread.space !== undefined) this.#leave(thread.space, line);
    const files = thread.files.copy();
    thread.files.leave();
    files.exec();
    thread.files = files;
    const { limits } = thread;
    thread.space = new Space(this.host, program, limits, (space, done) =>
      this.#perform(space, done),
    );
  }

  #end(thread: Thread, line: number): void {
    if (thread.space?.holders === 1) this.#settle(thread.space, line);
    this.#threads.remove(thread);
  }

  #leave(space: Space, line: number): void {
    if (space.holders === 1) this.#settle(space, line);
    space.leave();
  }

  #perform(space: Space, done: Done): void {
    if (space.task !== undefined) this.#judge.judge(space, done);
    else this.#calibrate(space, done);
  }

  /** Looks for what shows where the space is; other calls wait. */
  #calibrate(space: Space, done: Done): void {
    const { request, result, line } = done;
    if (request.name === 'brk' && space.brkStart === undefined && result.kind === 'returned') {
      space.brkStart = result.value;
      this.report.calibrations++;
      return;
    }
    const isFirst = request.name === 'mmap' && request.address === 0;
    if (isFirst && (request.flags & MAP_NOT_CHOSEN) === 0 && result.kind === 'returned') {
      this.report.calibrations++;
      const pages = Math.ceil(request.length / PAGE_BYTES);
      this.#start(space, line, { start: result.value, end: result.value + pages * PAGE_BYTES });
      this.#judge.follow(space, done);
      return;
    }
    space.waiting.push(done);
    if (space.waiting.length >= LIMITS.waitingCalls) this.#start(space, line, undefined);
  }

  #start(space: Space, line: number, first: Placed | undefined): void {
    space.begin(line, first);
    for (const done of space.waiting.splice(0)) this.#judge.judge(space, done);
  }

  #settle(space: Space, line: number): void {
    space.order.settle(space);
    if (space.task === undefined) this.#start(space, line, undefined);
  }
}

function isOfInterest(name: string): boolean {
  return (
    isRequest(name) ||
    isDescriptorCall(name) ||
    CLONES.includes(name) ||
    EXECS.includes(name) ||
    EXITS.includes(name)
  );
}
