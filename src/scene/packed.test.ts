/** A picture is the same on both sides of its way from the worker to the page. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TraceWriter } from '../trace/index.ts';
import { pack, unpack } from './packed.ts';
import { Scene } from './scene.ts';

/** A root, and a table with an entry of each kind: read-only, writable, none any longer, not present. */
function sceneOfEntries(): Scene {
  const trace = new TraceWriter({ clock: 'steps', format: 'x86_64-4level' });
  for (const [table, level] of [3, 2, 1, 0].entries()) {
    trace.tableAlloc(table);
    trace.tableLink(0, table, table - 1, 0, level, 0);
    if (level < 3) trace.entryWrite(table - 1, 0, 0, 0, (table << 12) | 0x067, 0);
  }
  trace.time = 1;
  const entries = [0x20065, 0x21067, 0, 0x22066];
  for (const [index, low] of entries.entries()) {
    trace.entryWrite(3, index, 0, 0, low, 0x80000000);
  }
  return new Scene(trace.trace());
}

test('a picture that is packed and unpacked is what it was', () => {
  const scene = sceneOfEntries();
  const kinds = new Set<string>();
  for (let event = 0; event < scene.events; event++) {
    const picture = scene.picture(event);
    for (const { entries } of picture.tables) for (const { kind } of entries) kinds.add(kind);
    assert.deepEqual(unpack(structuredClone(pack(picture))), picture);
  }
  assert.deepEqual([...kinds].sort(), ['leaf', 'other', 'table']);
});
