/** A script under way: its processes, its variables, and what its calls do. */
import type * as designs from '../designs/index.ts';
import type * as engine from '../mm/index.ts';
import type { TraceWriter } from '../trace/index.ts';
import { Alone } from './alone.ts';
import { CallTrace } from './call_trace.ts';
import { callNamed } from './calls/index.ts';
import type { CallSpec } from './calls/spec.ts';
import { constantOf } from './constants.ts';
import { Disk, Files } from './files.ts';
import { evaluateStatement, type Scope, type Value } from './language/evaluate.ts';
import type { Statement } from './language/parse.ts';
import { LIMITS } from './limits.ts';
import { type Engine, layoutOf, type MachineOptions, newMachine } from './machine.ts';
import type { Outcome, Step } from './outcome.ts';
import { type Place, ScriptError } from './script_error.ts';
import { Userfaultfds } from './userfaultfds.ts';
import { type Process, viewMachine } from './view/view.ts';

/** What the engine may need at most for one call, besides what is known before. */
const VMAS_SPARE = 64;

/** mshare, in one of its variants, with a mounted msharefs. */
export interface MshareSession {
  readonly api: typeof designs;
  readonly variant: designs.MshareVariant;
  readonly mount: designs.msharefs.Mount;
}

export interface SessionOptions extends MachineOptions {
  readonly mm: Engine;
  /** Told of each call when it has been performed. */
  readonly onStep: (step: Step) => void;
  /** Whether `mm` is the canonical build, where interrupts need a turn. */
  readonly isCanonical?: boolean;
  /** Told all that happens, from the beginning. Steps of calls are told apart by the canonical build. */
  readonly trace?: TraceWriter | undefined;
  /** mshare, of the same build as `mm`; without it the machine has none. */
  readonly mshare?: Pick<MshareSession, 'api' | 'variant'> | undefined;
  /** What else is plugged in, of the same build as `mm`. */
  readonly designs?: readonly designs.Design[];
}

export class Session implements Scope {
  readonly mm: Engine;
  readonly machine: engine.Machine;
  readonly layout: engine.Layout;
  readonly mshare: MshareSession | undefined;
  /** Files that have a path. */
  readonly disk: Disk;
  /** All processes have the same. */
  readonly userfaultfds = new Userfaultfds();
  readonly variables = new Map<string, Value>();
  /** What maps of /proc calls an inode. */
  readonly inodeNames = new WeakMap<engine.Inode, string>();
  readonly run: <T>(operation: engine.Op<T>) => T;
  readonly #onStep: (step: Step) => void;
  readonly #calls: CallTrace | undefined;
  readonly #processes = new Map<number, Process>();
  #process: Process;
  #nextPid = 1;
  #touchesLeft: number = LIMITS.touchedPagesTotal;

  constructor({ mm, onStep, isCanonical, trace, mshare, ...options }: SessionOptions) {
    const plugged = options.designs ?? [];
    this.mm = mm;
    this.#onStep = onStep;
    const designed = mshare === undefined ? [] : [mshare.api.mshare(mshare.variant)];
    this.machine = newMachine(mm, options, [...plugged, ...designed]);
    const { machine } = this;
    this.mshare = mshare && { ...mshare, mount: mshare.api.msharefs.mountMsharefs({ machine }) };
    this.machine.traceTo(trace);
    this.#calls = trace === undefined ? undefined : new CallTrace(trace);
    const alone = new Alone(mm, this.machine);
    this.run = isCanonical === true ? (operation) => alone.run(operation) : mm.run;
    this.layout = layoutOf(mm, options);
    const task = this.run(mm.newProcess(this.machine, 0, this.layout));
    if (task === undefined) {
      throw new ScriptError('The machine has no memory for a process', 'Give it more memory');
    }
    this.disk = new Disk(mm, this.run, this.inodeNames);
    this.#process = this.#newProcess(task, new Files(mm, this.run), 0);
  }

  /** Who performs calls now. */
  get process(): Process {
    return this.#process;
  }

  get task(): engine.Task {
    return this.#process.task;
  }

  get files(): Files {
    return this.#process.files;
  }

  processes(): Process[] {
    return [...this.#processes.values()];
  }

  /** @throws ScriptError */
  execute(statement: Statement): Value {
    return evaluateStatement(this, statement);
  }

  constant(name: string): Value | undefined {
    return constantOf(name);
  }

  isCall(name: string): boolean {
    return callNamed(name) !== undefined;
  }

  /**
   * Performs a call.
   *
   * @returns what a program would get: -1 for a call that failed or a touch that raised a signal
   * @throws ScriptError if there is no such call, or it cannot be made with these values
   */
  call(name: string, values: readonly Value[], place?: Place): Value {
    const spec = callNamed(name);
    if (spec === undefined) {
      throw new ScriptError(
        `There is no call ${name}`,
        'Use one of those that help() lists',
        place,
      );
    }
    const complete = completed(spec, values);
    this.wantVmas(0);
    this.#wantInode();
    const { process } = this;
    const { cpu, mm } = process.task;
    const [pages, tables] = [residentPages(this.mm, mm), mm.tables];
    this.#calls?.begin(process.task, spec, complete);
    const outcome = spec.perform(this, ...(complete as never[]));
    this.#calls?.end(spec, outcome);
    const hasLeft = !this.#processes.has(process.pid);
    this.#onStep({
      line: place?.line,
      pid: process.pid,
      cpu,
      name,
      call: callText(spec, complete),
      values: complete,
      outcome,
      pages: hasLeft ? 0 : residentPages(this.mm, mm) - pages,
      tables: hasLeft ? 0 : mm.tables - tables,
    });
    return programValue(outcome);
  }

  /** The address spaces as they are now. */
  view(): ReturnType<typeof viewMachine> {
    return viewMachine(this.mm, this.machine, this.processes(), this.inodeNames);
  }

  /** Recounts everything. @returns the property that is violated, if one is */
  audit(): engine.Property | undefined {
    this.mm.audit(this.machine);
    return this.mm.violationOf(this.machine);
  }

  /** Enters a process with the open files of the current one. @returns its pid */
  addProcess(task: engine.Task): number {
    return this.#newProcess(task, this.files.copy(this.task), this.#process.pid).pid;
  }

  #newProcess(task: engine.Task, files: Files, parent: number): Process {
    const process = { pid: this.#nextPid++, parent, task, files };
    this.#processes.set(process.pid, process);
    return process;
  }

  switchTo(pid: number): void {
    const process = this.#processes.get(pid);
    if (process === undefined) {
      const pids = [...this.#processes.keys()].join(', ');
      throw new ScriptError(`There is no process ${pid}`, `Use one of: ${pids}`);
    }
    this.#process = process;
  }

  /** Lets the current process go on on another CPU. */
  migrate(cpu: number): void {
    this.#process.task = this.mm.taskOn(this.machine, cpu, this.task.mm.id);
  }

  /** Ends the current process. */
  endProcess(): void {
    if (this.#processes.size === 1) {
      throw new ScriptError('This is the last process', 'Leave it to the end of the script');
    }
    this.files.closeAll(this.task);
    this.run(this.mm.exit(this.task));
    this.#processes.delete(this.#process.pid);
    this.#process = this.processes()[0]!;
  }

  wantProcess(): void {
    if (this.#processes.size < LIMITS.processes) return;
    throw new ScriptError(
      `There are ${LIMITS.processes} processes, and the machine has room for no more`,
      'Let some of them exit()',
    );
  }

  #wantInode(): void {
    if (!this.machine.inodes.isFull && !this.machine.segments.isFull) return;
    throw new ScriptError(
      `There are ${this.machine.size.inodes} files and shared mappings, and the machine has room for no more`,
      'Close or unmap some of them',
    );
  }

  /** Makes sure that the machine has room for so many more VMAs, and a few. */
  wantVmas(count: number): void {
    const room = this.machine.size.vmas;
    const used = this.machine.mms.all().reduce((sum, { vmas }) => sum + vmas.size, 0);
    if (used + count + VMAS_SPARE <= room && !this.machine.anonVmas.isFull) return;
    throw new ScriptError(
      `The machine has room for ${room} VMAs, and ${used} of them are in use`,
      'Unmap something, start fewer processes, or give the machine more memory',
    );
  }

  spendTouches(pages: number, max: number): void {
    const room = Math.min(max, this.#touchesLeft);
    if (pages > room) {
      throw new ScriptError(
        `A touch of ${pages} pages is more than the ${room} that are possible here`,
        'Touch less: each page takes a step of its own',
      );
    }
    this.#touchesLeft -= pages;
  }
}

function residentPages({ Rss }: Engine, { rss }: engine.Mm): number {
  return rss[Rss.ANON]! + rss[Rss.FILE]! + rss[Rss.SHMEM]!;
}

/** The values of all parameters of a call. @throws ScriptError if they are not what it wants */
export function completed(spec: CallSpec, values: readonly Value[]): Value[] {
  const { name, parameters } = spec;
  const wanted = parameters.map((parameter) => parameter.name).join(', ') || 'nothing';
  const least = parameters.filter(({ fallback }) => fallback === undefined).length;
  if (values.length < least || values.length > parameters.length) {
    throw new ScriptError(
      `${name} takes ${wanted}; it got ${values.length} of ${parameters.length}`,
      `help(${name}) explains it`,
    );
  }
  return parameters.map((parameter, index) => {
    const value = values[index] ?? parameter.fallback!;
    const isString = typeof value === 'string';
    if (isString === (parameter.isString === true)) return value;
    throw new ScriptError(
      `${parameter.name} of ${name} is a ${isString ? 'number' : 'string'}`,
      `help(${name}) explains it`,
    );
  });
}

function callText({ name, parameters }: CallSpec, values: readonly Value[]): string {
  const shown = values.map((value, index) =>
    typeof value === 'string' ? JSON.stringify(value) : parameters[index]!.form(value),
  );
  return `${name}(${shown.join(', ')})`;
}

function programValue(outcome: Outcome): Value {
  if (outcome.kind === 'returned') return outcome.value;
  const isDone = outcome.kind === 'shown' || outcome.kind === 'text';
  return isDone ? 0n : -1n;
}
