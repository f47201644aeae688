/** What viewers show of the engine: arrows from IPIs to their ends, from faults to what wakes them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Execution } from '../../src/check/execution.ts';
import { formatSchedule, MachineScenario, type Turn, traceOf } from '../../src/check/index.ts';
import * as mm from '../../src/mm/index.ts';
import {
  decodeTrace,
  encodeTrace,
  events,
  exportChrome,
  exportPerfetto,
  type Trace,
} from '../../src/trace/index.ts';
import { Random } from '../kernel/random.ts';
import { judgedTest, programs } from '../live/judge.ts';
import { mapPages, newWorld, unmapPages } from '../mm/small_world.ts';
import { PerfettoView } from './perfetto_view.ts';
import { tracedSession } from './random_session.ts';
import { ShadowTables } from './shadow_tables.ts';
import { decodeByProtoc } from './text_format.ts';

const protoc = programs('protoc');
const PAGE = 5 * 512;
const ADDRESS = BigInt(PAGE * 4096);
const SCHEDULES = 2000;

/** One line for each event that Perfetto shows, by the rules of `PerfettoView`. */
function shown(trace: Trace): string {
  const parts: Uint8Array[] = [];
  exportPerfetto(trace, (part) => parts.push(part));
  return new PerfettoView(decodeByProtoc(Buffer.concat(parts))).lines.join('\n');
}

/** munmap of a page on one CPU, a store to it on the other. */
function race(bugs: mm.Bugs = {}): MachineScenario {
  const machine = newWorld(mm, { cpus: 2 }, bugs);
  const task = mm.taskOn(machine, 0, 0);
  mm.run(mapPages(mm, task, PAGE, PAGE + 2));
  mm.run(mm.handleUserFault(task, PAGE + 1, mm.Access.WRITE));
  return new MachineScenario(machine, [
    { name: 'munmap', run: (on) => unmapPages(mm, on, PAGE, PAGE + 2) },
    { name: 'store', run: (on) => mm.store(on, PAGE, 7) },
  ]);
}

/** A random schedule of `scenario`, to its end. */
function scheduleOf(scenario: MachineScenario, random: Random): string {
  const execution = new Execution(scenario);
  const taken: Turn[] = [];
  for (;;) {
    const turns = execution.turns();
    if (turns.length === 0 || execution.violation() !== undefined) return formatSchedule(taken);
    const turn = random.pick(turns);
    execution.take(turn);
    taken.push(turn);
  }
}

/** The trace of the first of many random schedules that has all these kinds of events. */
function traceWith(kinds: readonly string[]): Trace {
  const scenario = race();
  for (let seed = 1; seed <= SCHEDULES; seed++) {
    const trace = traceOf(scenario, scheduleOf(scenario, new Random(seed)));
    const told = new Set<string>([...events(trace)].map(({ kind }) => kind));
    if (kinds.every((kind) => told.has(kind))) return trace;
  }
  return assert.fail(`none of ${SCHEDULES} schedules has ${kinds.join(' and ')}`);
}

judgedTest('a fault that waits for munmap is woken by it, and IPIs are answered', [protoc], () => {
  const lines = shown(traceWith(['wake', 'ipiAcknowledged']));
  assert.match(lines, /CPU 1: store: \{ store \[operation\]/);
  assert.match(lines, /CPU 0: munmap: \{ munmap \[operation\]/);
  const [, fault] = lines.match(/CPU 1: store: \{ fault \(write\) .* >(\d+)/) ?? [];
  assert.ok(fault !== undefined, lines);
  assert.match(lines, new RegExp(`CPU 0: munmap: \\. wakes a fault .* woken=1 ->${fault}\\|`));
  const [, ipi] = lines.match(/CPU 0: munmap: \. IPI sent .* target=1 .*>(\d+)/) ?? [];
  assert.ok(ipi !== undefined, lines);
  assert.match(lines, new RegExp(`CPU 1: interrupt: \\. IPI handled .* sender=0 ->${ipi}`));
  assert.match(lines, new RegExp(`CPU 0: munmap: \\. IPI acknowledged .* ->${ipi}\\|`));
  assert.match(lines, /mmap_lock of mm 0: \{ CPU 0/);
});

judgedTest('a script that forks on two CPUs is shown with what it does there', [protoc], () => {
  const { session, trace } = tracedSession(mm, true, 0);
  session.call('mmap', [ADDRESS, 8192n, 3n, 0x32n, -1n, 0n]);
  session.call('write', [ADDRESS, 8192n]);
  session.call('cpu', [1n]);
  session.call('fork', []);
  session.call('write', [ADDRESS, 4096n]);
  session.call('munmap', [ADDRESS, 8192n]);
  const written = decodeTrace(encodeTrace(trace.trace()));
  const lines = shown(written);
  assert.match(lines, /CPU 0: processes: \{ mmap .* length=8192 prot=3 flags=50 fd=-1 offset=0/);
  assert.match(lines, /CPU 0: processes: \{ fault \(write\)/);
  assert.match(lines, /CPU 1: processes: \{ fork/);
  assert.match(lines, /CPU 1: processes: \. IPI sent .* target=0/);
  assert.match(lines, /CPU 0: interrupt: \. IPI handled .* sender=1/);
  assert.match(lines, /CPU 1: processes: \} munmap result=0/);
  const times = [...events(written)].map(({ time }) => time);
  assert.ok(new Set(times).size > 100, 'steps are told apart');
  assert.doesNotThrow(() => JSON.parse(exportChrome(written)));
});

test('a trace of a schedule begins with the tables that are there, and ends with the finding', () => {
  const scenario = race({ pagesFreedBeforeFlush: true });
  const schedule = '0'.repeat(200);
  let found = 0;
  for (let length = 1; length < schedule.length && found === 0; length++) {
    const told = tryTrace(scenario, schedule.slice(0, length));
    if (told === undefined) break;
    const shadow = new ShadowTables(scenario.machine.tableEntries);
    for (const event of events(told)) shadow.apply(event);
    shadow.assertSame(scenario.machine);
    found = shadow.counts.get('violation') ?? 0;
    const last = [...events(told)].findLast(({ kind }) => kind !== 'name')!;
    if (found > 0) assert.equal(last.kind, 'violation');
  }
  assert.equal(found, 1);
});

/** `undefined` where the schedule cannot go on so. */
function tryTrace(scenario: MachineScenario, schedule: string): Trace | undefined {
  try {
    return traceOf(scenario, schedule);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

test('a scenario that is not traced any longer tells nothing', () => {
  const scenario = race();
  const trace = traceOf(scenario, scheduleOf(scenario, new Random(1)));
  const { events: before } = trace;
  scheduleOf(scenario, new Random(2));
  assert.equal(scenario.machine.trace, undefined);
  assert.equal(trace.events, before);
});
