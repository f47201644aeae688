/** Traces of the engine: they tell everything, and the same whichever build has run. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import * as canonical from '../../src/mm/index.ts';
import {
  decodeTrace,
  encodeTrace,
  events,
  type Trace,
  type TraceEvent,
} from '../../src/trace/index.ts';
import { Random } from '../kernel/random.ts';
import { blanked } from '../script/run_script.ts';
import { newSeed } from '../seed.ts';
import { callAtRandom, tracedSession } from './random_session.ts';
import { ShadowTables } from './shadow_tables.ts';

const SESSIONS = 120;
const CALLS = 100;

test(`page tables and folios follow from the trace, ${SESSIONS} times after ${CALLS} random calls`, (context) => {
  const seed = newSeed();
  const random = new Random(seed);
  const counts = new Map<string, number>();
  for (let count = 0; count < SESSIONS; count++) {
    const { session, trace } = tracedSession(blanked, false, count);
    for (let call = 0; call < CALLS; call++) callAtRandom(session, random);
    const shadow = new ShadowTables(session.machine.tableEntries);
    try {
      for (const event of events(decodeTrace(encodeTrace(trace.trace())))) shadow.apply(event);
      shadow.assertSame(session.machine);
      shadow.assertSameFolios(session.machine);
    } catch (error) {
      throw new Error(`seed ${seed}, session ${count}`, { cause: error });
    }
    for (const [kind, times] of shadow.counts) counts.set(kind, (counts.get(kind) ?? 0) + times);
  }
  const told = [...counts].map(([kind, times]) => `${kind} ${times}`).join(', ');
  context.diagnostic(`seed ${seed}: ${told}`);
  const wanted = ['tableUnlink', 'folioFree', 'ipiAcknowledged', 'gracePeriodEnd', 'faultEnd'];
  for (const kind of wanted) assert.ok((counts.get(kind) ?? 0) > SESSIONS, kind);
});

test('entries are written where traces are told of it, and nowhere else', () => {
  const writers = readdirSync('src/mm', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .filter((name) => {
      const text = readFileSync(join('src/mm', name), 'utf8');
      return /\blanes\[[^\]]*\]!? [^\s\w]?= |\blanes\.(fill|set|copyWithin)\(/.test(text);
    });
  assert.deepEqual(writers.sort(), [
    'process/present_run.ts',
    'table/pgtable.ts',
    'world/table_page.ts',
  ]);
});

test('both builds tell the same of each table, lock and CPU', () => {
  const seed = newSeed();
  for (let count = 0; count < 20; count++) {
    const [one, other] = [canonical, blanked].map((mm) => {
      const { session, trace } = tracedSession(mm, mm === canonical, count);
      const random = new Random(seed + count);
      for (let call = 0; call < CALLS; call++) callAtRandom(session, random);
      return stories(trace.trace());
    });
    assert.deepEqual([...one!.keys()].sort(), [...other!.keys()].sort());
    for (const [subject, lines] of one!) {
      assert.deepEqual(lines, other!.get(subject), `seed ${seed + count}, ${subject}`);
    }
  }
});

/**
 * What is told of each thing, in order. Time passes in the canonical build only; and fork changes
 * entries of the parent one by one there, in the other build as many at once as it can.
 */
function stories(trace: Trace): Map<string, string[]> {
  const stories = new Map<string, string[]>();
  for (const { time: _time, actor: _actor, ...event } of events(trace)) {
    const subject = subjectOf(event as TraceEvent);
    if (subject === undefined) continue;
    const line = JSON.stringify(event);
    const story = stories.get(subject);
    if (story === undefined) stories.set(subject, [line]);
    else story.push(line);
  }
  return stories;
}

function subjectOf(event: TraceEvent): string | undefined {
  if ('lock' in event) return `lock ${event.lock}`;
  if ('table' in event) return `table ${event.table}`;
  if ('open' in event) return undefined;
  if ('frame' in event) return 'frames';
  return `CPU ${event.cpu}`;
}
