/** Scenes against what traces say themselves, and against tables that are filled by another reader. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { traceStory } from '../../test/fixtures/trace_story.ts';
import { explore, type Scenario, traceOf } from '../check/index.ts';
import { events, type Trace } from '../trace/index.ts';
import { findEntry } from '../zoo/index.ts';
import { History } from './history.ts';
import { Scene } from './scene.ts';
import type { State } from './state.ts';

/** What the zoo does where it goes wrong: shared tables, flushes, faults, forks. */
let traces: readonly (readonly [string, Trace])[] | undefined;
function zooTraces(): readonly (readonly [string, Trace])[] {
  traces ??= ['M9', 'C1', 'B11', 'M2', 'M3', 'C8'].map((id) => {
    const entry = findEntry(id)!;
    const { finding } = explore(entry.scenario(true) as unknown as Scenario, {});
    return [id, traceOf(entry.scenario(true), finding!.schedule)] as const;
  });
  return traces;
}

test('as many obligations are open at every event as the trace says', () => {
  for (const [id, trace] of zooTraces()) {
    const history = new History(trace);
    let number = 0;
    let compared = 0;
    for (const event of events(trace)) {
      if (event.kind === 'name') continue;
      if ('open' in event) {
        const { list } = history.at(number).obligations;
        assert.equal(list.length, event.open, `${id}, event ${number}`);
        compared++;
      }
      number++;
    }
    assert.ok(compared > 0, `${id} opens obligations`);
  }
});

test('tables are what entries were written to them, from whatever event one comes', () => {
  for (const [id, trace] of zooTraces()) {
    const history = new History(trace);
    const tables = new Map<number, Map<number, string>>();
    let number = 0;
    for (const event of events(trace)) {
      if (event.kind === 'name') continue;
      if (event.kind === 'tableAlloc') tables.set(event.table, new Map());
      if (event.kind === 'tableFree') tables.delete(event.table);
      if (event.kind === 'entryWrite') {
        tables.get(event.table)!.set(event.index, `${event.after.high} ${event.after.low}`);
      }
      // Now from the last answer, now from the beginning.
      if (number % 7 === 0) history.at(-1);
      assertTables(history.at(number), tables, `${id}, event ${number}`);
      number++;
    }
  }
});

function assertTables(
  { tables }: State,
  wanted: ReadonlyMap<number, ReadonlyMap<number, string>>,
  place: string,
): void {
  assert.deepEqual([...tables.all.keys()].sort(), [...wanted.keys()].sort(), place);
  for (const [table, entries] of wanted) {
    const { lanes } = tables.all.get(table)!;
    for (const [index, entry] of entries) {
      assert.equal(`${lanes[2 * index + 1]} ${lanes[2 * index]}`, entry, place);
    }
  }
}

test('a slice ends with the event that says so, and an arrow leads from its IPI to its handling', () => {
  const timeline = new Scene(traceStory()).timeline();
  const [cpu0] = timeline.tracks;
  const [operation] = cpu0!.rows;
  const all = [...events(traceStory())].filter(({ kind }) => kind !== 'name');
  assert.equal(timeline.labels[operation!.label[0]!], 'munmap');
  assert.equal(all[operation!.start[0]!]!.kind, 'operationBegin');
  assert.equal(all[operation!.end[0]!]!.kind, 'operationEnd');
  const { from, to, kind } = timeline.arrows;
  assert.deepEqual(
    [...kind].map((each, at) => [each, all[from[at]!]!.kind, all[to[at]!]!.kind]),
    [
      [0, 'ipiSent', 'ipiHandled'],
      [1, 'ipiHandled', 'ipiAcknowledged'],
      [2, 'wake', 'wake'],
    ],
  );
  assert.equal(all[timeline.violation]!.kind, 'violation');
});

test('a stale translation is in the picture from its opening to the flush, and says if its frame is free', () => {
  const scene = new Scene(traceStory());
  const all = [...events(traceStory())].filter(({ kind }) => kind !== 'name');
  const opened = all.findIndex(({ kind }) => kind === 'obligationOpened');
  const flushed = all.findLastIndex(({ kind }) => kind === 'obligationDischarged');
  assert.deepEqual(scene.picture(opened - 1).stale, []);
  assert.deepEqual(
    scene.picture(opened).stale.map(({ cpu, isFreed, id }) => [cpu, isFreed, id]),
    [
      [0, true, 0x12345],
      [1, true, 0x12345],
    ],
  );
  assert.deepEqual(scene.picture(flushed).stale, []);
});

test('searching goes forward and back, and says when there is nothing', () => {
  const scene = new Scene(traceStory());
  const first = scene.search('frame', -1, true);
  const second = scene.search('frame', first, true);
  assert.ok(first >= 0 && second > first);
  assert.equal(scene.search('frame', second, false), first);
  assert.equal(scene.search('no such text', 0, true), -1);
});

test('a picture is the same whether one has stepped there or gone there at once', () => {
  let changes = 0;
  for (const [name, trace] of zooTraces().slice(0, 2)) {
    const stepped = new Scene(trace);
    let before = '';
    for (let event = 0; event < stepped.events; event++) {
      const picture = stepped.picture(event);
      const tables = JSON.stringify(picture.tables);
      if (tables === before && event % 16 > 0) continue;
      before = tables;
      changes++;
      assert.deepEqual(picture, new Scene(trace).picture(event), `${name}, event ${event}`);
    }
  }
  assert.ok(changes > 20);
});
