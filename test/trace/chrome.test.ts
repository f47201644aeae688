import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  CHROME_EVENTS_MAX,
  exportChrome,
  Mend,
  type Trace,
  TraceError,
  TraceWriter,
} from '../../src/trace/index.ts';
import { anyEvents, record } from '../fixtures/arbitrary_trace.ts';
import { traceStory } from '../fixtures/trace_story.ts';

/** The fields of the Trace Event Format that exports use. */
interface ChromeEvent {
  readonly ph: string;
  readonly ts: number;
  readonly pid: number;
  readonly tid: number;
  readonly name: string;
  readonly cat?: string;
  readonly args?: Readonly<Record<string, string | number>>;
  readonly id?: number;
  readonly dur?: number;
}

/** What a viewer shows: a line for each event, slices with their length. */
class ChromeView {
  readonly lines: string[] = [];
  readonly #names = new Map<string, string>();
  readonly #flows = new Set<number>();

  constructor(trace: Trace) {
    const { traceEvents } = JSON.parse(exportChrome(trace)) as { traceEvents: ChromeEvent[] };
    let last = 0;
    for (const event of traceEvents) {
      if (event.ph === 'M') this.#describe(event);
      else {
        assert.ok(event.ts >= last, 'time does not go back');
        last = event.ts;
        this.#show(event);
      }
    }
  }

  #describe({ name, pid, tid, args }: ChromeEvent): void {
    if (name === 'process_name') this.#names.set(`process ${pid}`, String(args?.name));
    else if (name === 'thread_name') this.#names.set(`thread ${tid}`, String(args?.name));
    else assert.match(name, /^(process|thread)_sort_index$/);
  }

  #show(event: ChromeEvent): void {
    const { ph, ts, pid, tid, name, cat, args, dur, id } = event;
    const place = `${this.#names.get(`process ${pid}`)} / ${this.#names.get(`thread ${tid}`)}`;
    const shown = Object.entries(args ?? {}).map(([key, value]) => ` ${key}=${shorter(value)}`);
    if (ph === 'C') this.lines.push(`${ts} Counters / ${name}: = ${args?.value}`);
    else if (ph === 'X' || ph === 'i') {
      // An instant with a flow is a slice of no length.
      const length = dur === undefined ? '.' : `+${dur}`;
      this.lines.push(`${ts} ${place}: ${length} ${name} [${cat}]${shown.join('')}`);
    } else {
      assert.match(ph, /^[stf]$/);
      assert.equal(this.#flows.has(id!), ph !== 's', 'a flow starts once');
      this.#flows.add(id!);
      const arrow = ph === 's' ? '>' : '->';
      this.lines.push(`${this.lines.pop()} ${arrow}${id}${ph === 'f' ? '|' : ''}`);
    }
  }
}

/** The lines that `PerfettoView` shows, with the end of each slice told at its beginning. */
function foldSlices(lines: readonly string[]): string[] {
  const folded: string[] = [];
  const open = new Map<string, number[]>();
  for (const line of lines) {
    const [, time, track, sign, text] = /^(\d+) (.*?): ([{}.=]) (.*)$/.exec(line)!;
    const slices = open.get(track!) ?? [];
    open.set(track!, slices);
    if (sign === '}') {
      const at = slices.pop()!;
      const began = folded[at]!;
      const args = text!.match(/ \w+=\S+$/)?.[0] ?? '';
      const length = Number(time) - Number.parseInt(began, 10);
      folded[at] = began.replace(': {', `: +${length}`).replace(/( -?>\d+\|?)?$/, `${args}$1`);
      continue;
    }
    if (sign === '{') slices.push(folded.length);
    const isFlowing = sign === '.' && / -?>\d+\|?$/.test(line);
    folded.push(isFlowing ? line.replace(': .', ': +0') : line);
  }
  return folded;
}

/** Hexadecimal numbers without the zeros in front. */
function shorter(value: string | number): string | number {
  const isEntry = typeof value === 'string' && /^0x[0-9a-f]{16}$/.test(value);
  return isEntry ? `0x${BigInt(value).toString(16)}` : value;
}

test('an export to Chrome JSON says the same as one to Perfetto', () => {
  const expected = readFileSync(new URL('../../../test/trace/story.txt', import.meta.url), 'utf8');
  assert.deepEqual(new ChromeView(traceStory()).lines, foldSlices(expected.trimEnd().split('\n')));
});

test('exports of any traces to Chrome JSON are in order of time, with a start for each flow', () => {
  fc.assert(
    fc.property(anyEvents(), (list) => {
      const { lines } = new ChromeView(record(list));
      assert.ok(lines.length >= list.filter(({ kind }) => kind === 'note').length);
    }),
  );
});

test('a trace that is too large for Chrome JSON is refused, and Perfetto recommended', () => {
  const trace = new TraceWriter({ clock: 'ns', format: 'x86_64-4level' });
  for (let n = 0; n < CHROME_EVENTS_MAX; n++) trace.tableAlloc(n);
  exportChrome(trace.trace());
  trace.tableAlloc(0);
  assert.throws(
    () => exportChrome(trace.trace()),
    (error) => error instanceof TraceError && error.mend === Mend.PERFETTO,
  );
});
