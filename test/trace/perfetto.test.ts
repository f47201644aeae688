import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { exportPerfetto, type Trace, TraceWriter } from '../../src/trace/index.ts';
import { anyEvents, record } from '../fixtures/arbitrary_trace.ts';
import { traceStory } from '../fixtures/trace_story.ts';
import { judgedTest, programs } from '../live/judge.ts';
import { PerfettoView } from './perfetto_view.ts';
import { decodeByProtoc } from './text_format.ts';

const protoc = programs('protoc');

function viewOf(trace: Trace): readonly string[] {
  const parts: Uint8Array[] = [];
  exportPerfetto(trace, (part) => parts.push(part));
  return new PerfettoView(decodeByProtoc(Buffer.concat(parts))).lines;
}

judgedTest('an export to Perfetto says what happened, decoded by protoc', [protoc], () => {
  const expected = readFileSync(new URL('../../../test/trace/story.txt', import.meta.url), 'utf8');
  assert.deepEqual(viewOf(traceStory()), expected.trimEnd().split('\n'));
});

judgedTest('exports of any traces follow the rules of Perfetto', [protoc], () => {
  fc.assert(
    fc.property(fc.array(anyEvents(), { minLength: 5, maxLength: 10 }), (lists) => {
      for (const list of lists) viewOf(record(list));
    }),
    { numRuns: 10 },
  );
});

judgedTest('an export comes in parts', [protoc], () => {
  const trace = new TraceWriter({ clock: 'ns', format: 'x86_64-4level' });
  for (let time = 0; time < 20_000; time++) {
    trace.time = time;
    trace.entryWrite(time, 1, 2, 3, 4, 5);
  }
  let parts = 0;
  exportPerfetto(trace.trace(), () => parts++);
  assert.ok(parts > 3);
  assert.equal(viewOf(trace.trace()).length, 20_000);
});
