/**
 * Races as text: a script that sets the machine up, then what each CPU does. All calls of scripts
 * that only need an address space can be raced, in the very words of `docs/run.md`.
 *
 *     a = mmap(NULL, 4*K, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)
 *     store(a, 1)
 *     cpu 0:
 *     munmap(a, 4*K)
 *     cpu 1:
 *     store(a, 7)
 *
 * Calls are written for one caller who waits for each operation. Here an operation must be performed
 * step by step, between those of others. So a statement is evaluated anew after each operation that it
 * has asked for, with the results so far at hand, until it asks for no more: evaluating changes
 * nothing but variables, and these last.
 */

import { formatById } from '../arch/index.ts';
import { MachineScenario, type Program } from '../check/index.ts';
import type { Point } from '../mm/index.ts';
import * as mm from '../mm/index.ts';
import { callNamed } from '../script/calls/index.ts';
import { evaluateStatement, type Scope, type Value } from '../script/language/evaluate.ts';
import { parseScript, type Statement } from '../script/language/parse.ts';
import { type Place, ScriptError } from '../script/script_error.ts';
import { completed, Session } from '../script/session.ts';
import type { Process } from '../script/view/view.ts';
import type { TraceWriter } from '../trace/index.ts';
import { pluggedIn } from './designs.ts';

export interface RaceSource {
  readonly text: string;
  /** `PteFormat.id` */
  readonly format: string;
  /** Names of `Bugs` that are switched on. */
  readonly bugs: readonly string[];
  /** One of `designItems()`. */
  readonly design: string;
}

/** What is run on one CPU after the other. A race has a CPU for each section. */
export interface ScriptSource extends RaceSource {
  readonly cpus: number;
}

/** Of a text, in characters. */
export const RACE_LENGTH_MAX = 2 ** 16;
const FRAMES_BYTES = 2 ** 20;
/** Sets of CPUs are masks of as many bits. */
const CPUS_MAX = 30;
/** An execution of millions of steps is explored by nobody. */
const PAGES_MAX = 16;
const HEADER = /^\s*cpu\s+(\d+)\s*(?:,\s*process\s+(\d+)\s*)?:\s*(?:(?:#|\/\/).*)?$/i;
const GROUPS: ReadonlySet<string> = new Set(['System calls', 'Touching memory']);
/** Descriptors are no part of the state that a search goes back to. */
const SETUP_ONLY: ReadonlySet<string> = new Set([
  'memfd_create',
  'open',
  'close',
  'mshare_open',
  'userfaultfd',
  'uffd_close',
]);

interface Section {
  readonly cpu: number;
  readonly pid: number;
  readonly statements: readonly Statement[];
}

interface Race {
  readonly setup: readonly Statement[];
  readonly sections: readonly Section[];
}

/** @throws ScriptError */
function parseRace(text: string): Race {
  const lines = text.split('\n');
  const headers = lines.flatMap((line, at) => {
    const match = HEADER.exec(line);
    return match === null ? [] : [{ at, cpu: Number(match[1]), pid: Number(match[2] ?? 1) }];
  });
  // Lines keep their numbers: what is before a section is left empty.
  const part = (from: number, to: number): Statement[] =>
    parseScript('\n'.repeat(from) + lines.slice(from, to).join('\n'));
  const ends = [...headers.map(({ at }) => at), lines.length];
  const sections = headers
    .map(({ at, cpu, pid }, index) => ({ cpu, pid, statements: part(at + 1, ends[index + 1]!) }))
    .sort((one, other) => one.cpu - other.cpu);
  sections.forEach(({ cpu }, index) => {
    if (cpu === index) return;
    throw new ScriptError(
      `The sections are of CPU ${sections.map((each) => each.cpu).join(', ')}`,
      'Number them from 0 on, one for each CPU',
    );
  });
  return { setup: part(0, ends[0]!), sections };
}

/** The scenario of a race. Each call makes a machine of its own. @throws ScriptError */
export function raceScenario(source: RaceSource): MachineScenario {
  const { setup, sections } = parseRace(source.text);
  const session = newSession({ ...source, cpus: Math.max(sections.length, 1) });
  for (const statement of setup) session.execute(statement);
  const programs = sections.map((section) => programOf(session, section));
  // Whoever has set it up has left: no CPU holds a translation of before.
  session.machine.mmCpus.fill(0);
  return new MachineScenario(session.machine, programs);
}

/** What is wrong with the text, if a search has found no more than that. */
export function mistakeIn(property: string | undefined): string | undefined {
  return /^ScriptError: (.*)/s.exec(property ?? '')?.[1];
}

/** Runs a script in which nothing races, and tells `trace`. @throws ScriptError */
export function runScript(source: ScriptSource, trace: TraceWriter): void {
  const statements = parseScript(source.text);
  const session = newSession(source, trace);
  for (const statement of statements) session.execute(statement);
}

function newSession(
  { format, cpus, bugs, design }: Omit<ScriptSource, 'text'>,
  trace?: TraceWriter,
): Session {
  const known = formatById(format);
  if (known === undefined) {
    throw new ScriptError(`There are no page tables called ${format}`, 'Choose another format');
  }
  if (!Number.isInteger(cpus) || cpus < 1 || cpus > CPUS_MAX) {
    throw new ScriptError(
      `A machine of ${cpus} CPUs cannot be run`,
      `Choose from 1 to ${CPUS_MAX}`,
    );
  }
  return new Session({
    mm,
    isCanonical: true,
    format: known,
    cpus,
    memoryBytes: trace === undefined ? FRAMES_BYTES : 64 * FRAMES_BYTES,
    thp: 'madvise',
    mapCountMax: 65_530,
    bugs: Object.fromEntries(bugs.map((bug) => [bug, true])),
    onStep: () => {},
    trace,
    ...pluggedIn(design),
  });
}

/** Asked for by a call: to be performed step by step. */
class Wanted {
  readonly operation: mm.Op<unknown>;

  constructor(operation: mm.Op<unknown>) {
    this.operation = operation;
  }
}

/** What a CPU does is over. */
class Ended {}

function programOf(session: Session, { pid, statements }: Section): Program {
  const process = session.processes().find((each) => each.pid === pid);
  if (process === undefined) {
    throw new ScriptError(`There is no process ${pid}`, 'Start it with fork() in the set-up');
  }
  const names = statements.map(nameOf).filter((name) => name !== '');
  return {
    name: names.slice(0, 3).join(', ') || 'nothing',
    mm: process.task.mm.id,
    *run(task) {
      const racing = new Racing(session, process, task);
      for (const statement of statements) {
        if (yield* perform(racing, statement)) return;
      }
    },
  };
}

/** @returns whether what the CPU does is over */
function* perform(racing: Racing, statement: Statement): mm.Op<boolean> {
  const results: unknown[] = [];
  for (;;) {
    racing.begin(results);
    const next = evaluateUntil(racing, statement);
    if (!(next instanceof Wanted)) return next instanceof Ended;
    results.push(yield* next.operation as Generator<Point, unknown, void>);
  }
}

function evaluateUntil(scope: Scope, statement: Statement): Wanted | Ended | undefined {
  try {
    evaluateStatement(scope, statement);
    return undefined;
  } catch (thrown) {
    if (thrown instanceof Wanted || thrown instanceof Ended) return thrown;
    throw thrown;
  }
}

/** The calls of one CPU in one execution, as far as the operations go whose results are there. */
class Racing implements Scope {
  readonly variables: Map<string, Value>;
  readonly #session: Session;
  readonly #process: Process;
  readonly #task: mm.Task;
  /** As calls see the session: its operations are those of this CPU. */
  readonly #caller: Session;
  #results: readonly unknown[] = [];
  #used = 0;

  constructor(session: Session, process: Process, task: mm.Task) {
    this.#session = session;
    this.#process = process;
    this.#task = task;
    this.variables = new Map(session.variables);
    this.#caller = this.#newCaller();
  }

  /** A statement is evaluated, with the results of the operations that it has asked for so far. */
  begin(results: readonly unknown[]): void {
    this.#results = results;
    this.#used = 0;
  }

  constant(name: string): Value | undefined {
    return this.#session.constant(name);
  }

  isCall(name: string): boolean {
    return name === 'expect' || name === 'given' || this.#session.isCall(name);
  }

  call(name: string, values: readonly Value[], place: Place): Value {
    if (name === 'expect' || name === 'given') return this.#compare(name, values, place);
    const spec = callNamed(name);
    if (spec === undefined || !GROUPS.has(spec.group) || SETUP_ONLY.has(name)) {
      throw new ScriptError(
        `${name} cannot be raced`,
        'Move it to the set-up, above the CPUs',
        place,
      );
    }
    const outcome = spec.perform(this.#caller, ...(completed(spec, values) as never[]));
    if (outcome.kind === 'returned') return outcome.value;
    const isDone = outcome.kind === 'shown' || outcome.kind === 'text';
    return isDone ? 0n : -1n;
  }

  /** `expect(load(a), 7)`: else it is a finding. `given(b, a)`: else this CPU does no more. */
  #compare(name: 'expect' | 'given', [value, wanted]: readonly Value[], place: Place): Value {
    if (value === undefined || wanted === undefined) {
      throw new ScriptError(
        `${name} takes a value and what it must be`,
        'expect(load(a), 7)',
        place,
      );
    }
    if (value !== wanted && name === 'given') throw new Ended();
    if (value !== wanted) mm.violate(this.#task.machine, 'P-DATA');
    return value;
  }

  #newCaller(): Session {
    const own = {
      task: this.#task,
      files: { get: (descriptor: number) => this.#file(descriptor) },
      run: (operation: mm.Op<unknown>): unknown => this.#run(operation),
      spendTouches: (pages: number): void => limitTouches(pages),
    };
    return new Proxy(this.#session, {
      get(session, name) {
        if (name in own) return own[name as keyof typeof own];
        const value: unknown = Reflect.get(session, name, session);
        return typeof value === 'function' ? value.bind(session) : value;
      },
    });
  }

  /** What is open, with the inode as it is now: a machine that goes back has other objects. */
  #file(descriptor: number): mm.OpenFile | undefined {
    const file = this.#process.files.get(descriptor);
    if (file?.mapped === undefined) return file;
    const { readAhead: _, ...mapped } = file.mapped;
    const inode = this.#task.machine.inodes.get(mapped.inode.id);
    return { ...file, mapped: { ...mapped, inode } };
  }

  #run(operation: mm.Op<unknown>): unknown {
    if (this.#used < this.#results.length) return this.#results[this.#used++];
    throw new Wanted(operation);
  }
}

function limitTouches(pages: number): void {
  if (pages <= PAGES_MAX) return;
  throw new ScriptError(
    `A touch of ${pages} pages takes too many steps to explore`,
    `Touch ${PAGES_MAX} or fewer, or touch them in the set-up`,
  );
}

function nameOf({ expression }: Statement): string {
  const node = expression as { type: string; callee?: { name?: string }; right?: unknown };
  if (node.type === 'CallExpression') return node.callee?.name ?? '';
  if (node.type === 'AssignmentExpression') {
    return (node.right as { callee?: { name?: string } } | undefined)?.callee?.name ?? '';
  }
  return '';
}
