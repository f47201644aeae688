import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { anyEvents, record } from '../../test/fixtures/arbitrary_trace.ts';
import { Mode, Outcome, Subject, Target } from './event.ts';
import { decodeTrace, encodeTrace, TraceDecoder, TraceError, TraceWriter } from './index.ts';
import { events } from './reader.ts';
import { TEXTS_MAX } from './trace.ts';

const clockless = { clock: 'steps', format: 'x86_64-4level' } as const;

test('what is written is read, with the time, CPU and actor of each event', () => {
  const trace = new TraceWriter(clockless);
  trace.time = 3;
  trace.cpu = 1;
  trace.faultBegin(0, 2 ** 40 + 5, 1);
  trace.time = 2 ** 33;
  trace.actor = 7;
  trace.entryWrite(4, 511, 0, 0, 0xfffff867, 0x80000000);
  trace.faultEnd(Outcome.done);
  assert.deepEqual(
    [...events(trace.trace())],
    [
      { kind: 'faultBegin', time: 3, cpu: 1, actor: 0, mm: 0, page: 2 ** 40 + 5, access: 'write' },
      {
        kind: 'entryWrite',
        time: 2 ** 33,
        cpu: 1,
        actor: 7,
        table: 4,
        index: 511,
        before: { low: 0, high: 0 },
        after: { low: 0xfffff867, high: 0x80000000 },
      },
      { kind: 'faultEnd', time: 2 ** 33, cpu: 1, actor: 7, outcome: 'done' },
    ],
  );
});

test('an operation keeps as many values as it has parameters, signs included', () => {
  const trace = new TraceWriter(clockless);
  const mmap = trace.operation('mmap', 'addr', 'length', 'prot', 'flags', 'fd', 'offset');
  const fork = trace.operation('fork');
  const [largest, smallest] = [Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER];
  trace.operationBegin(2, mmap, largest, 4096, 3, smallest, -1, 2 ** 32);
  trace.operationEnd(mmap, -12);
  trace.operationBegin(2, fork);
  const read = [...events(trace.trace())];
  assert.deepEqual(
    read.map((event) => ('values' in event ? event.values : event.kind)),
    [[largest, 4096, 3, smallest, -1, 2 ** 32], 'operationEnd', []],
  );
  assert.equal(read[1]!.kind === 'operationEnd' && read[1]!.result, -12);
});

test('a trace that is full counts what it drops and keeps what it has', () => {
  const trace = new TraceWriter({ ...clockless, chunksMax: 2 });
  for (let time = 0; time < 200_000; time++) {
    trace.time = time;
    trace.obligationOpened(0, 1, 2, 3, Target.table, 9, time);
  }
  const { events: kept, dropped, chunks } = trace.trace();
  assert.equal(kept + dropped, 200_000);
  assert.equal(chunks.length, 2);
  const read = [...events(trace.trace())];
  assert.equal(read.length, kept);
  assert.equal(read.at(-1)!.time, kept - 1);
});

test('a trace with more texts than it may have says so instead, and can be read', () => {
  const trace = new TraceWriter(clockless);
  for (let n = 0; n < TEXTS_MAX + 2; n++) trace.note(`note ${n}`);
  trace.note('note 7');
  const decoded = decodeTrace(encodeTrace(trace.trace()));
  const notes = [...events(decoded)].map((event) => event.kind === 'note' && event.text);
  assert.equal(notes[TEXTS_MAX - 2], `note ${TEXTS_MAX - 2}`);
  assert.equal(notes[TEXTS_MAX - 1], 'a text that the trace had no room for');
  assert.equal(notes.at(-2), notes[TEXTS_MAX - 1]);
  assert.equal(notes.at(-1), 'note 7');
});

test('time cannot go back', () => {
  const trace = new TraceWriter(clockless);
  trace.time = 5;
  trace.lockAcquired(1, Mode.shared);
  trace.time = 4;
  assert.throws(() => trace.lockReleased(1, Mode.shared), /time does not go back/);
});

test('every trace comes back from its file as it was', () => {
  fc.assert(
    fc.property(anyEvents(), (list) => {
      const trace = record(list);
      const decoded = decodeTrace(encodeTrace(trace));
      assert.deepEqual([...events(decoded)], [...events(trace)]);
      assert.deepEqual({ ...decoded, chunks: [] }, { ...trace, chunks: [] });
      assert.deepEqual(encodeTrace(decoded), encodeTrace(trace));
    }),
    { numRuns: 500 },
  );
});

test('every event is read as the one that was written', () => {
  fc.assert(
    fc.property(anyEvents(), (list) => {
      assert.deepEqual([...events(record(list))], list);
    }),
    { numRuns: 500 },
  );
});

test('a trace of many chunks comes back from its file', () => {
  const trace = new TraceWriter(clockless);
  const munmap = trace.operation('munmap', 'start', 'length');
  for (let i = 0; i < 100_000; i++) {
    trace.time += i % 3;
    trace.cpu = i % 4;
    trace.operationBegin(0, munmap, i, 1);
    trace.operationEnd(munmap, 0);
  }
  const written = trace.trace();
  assert.ok(written.chunks.length > 3);
  const decoded = decodeTrace(encodeTrace(written));
  assert.deepEqual([...events(decoded)], [...events(written)]);
});

test('a long trace is read block by block, each a beginning of the whole', () => {
  const trace = new TraceWriter(clockless);
  const noted = 200_000;
  for (let time = 0; time < noted; time++) {
    trace.time = time;
    trace.lockAcquired(time % 7, Mode.shared);
  }
  const decoder = new TraceDecoder(encodeTrace(trace.trace()));
  const read: number[] = [];
  let share = 0;
  while (decoder.next()) {
    read.push(decoder.trace.events);
    assert.ok(decoder.share > share);
    share = decoder.share;
    const last = [...events(decoder.trace)].at(-1)!;
    assert.deepEqual([last.time, decoder.isDone], [decoder.trace.events - 1, false]);
  }
  assert.deepEqual(read, [2 ** 16, 2 ** 17, 3 * 2 ** 16, noted]);
  assert.ok(decoder.isDone && !decoder.next());
});

/** Blocks with columns of all lengths, and a head of more than one piece. */
function longFile(): { readonly bytes: Uint8Array; readonly events: number } {
  const trace = new TraceWriter(clockless);
  for (let lock = 0; lock < 200; lock++) trace.name(Subject.lock, lock, `lock number ${lock}`);
  for (let time = 0; time < 150_000; time++) {
    trace.time = time;
    trace.lockAcquired((time * 7919) % 65_521, Mode.shared);
  }
  const written = trace.trace();
  return { bytes: encodeTrace(written), events: written.events };
}

/** Reads a file that arrives in pieces of so many bytes. @returns events that were there, in between */
function readInPieces(file: Uint8Array, piece: number): { seen: number[]; decoder: TraceDecoder } {
  const bytes = new Uint8Array(file.length);
  const seen: number[] = [];
  let decoder: TraceDecoder | undefined;
  for (let arrived = 0; arrived < file.length; ) {
    const next = Math.min(arrived + piece, file.length);
    bytes.set(file.subarray(arrived, next), arrived);
    arrived = next;
    decoder?.arrive(arrived);
    decoder ??= TraceDecoder.begin(bytes, arrived);
    while (decoder?.next() === true) seen.push(decoder.trace.events);
  }
  return { seen, decoder: decoder! };
}

test('a file is read while it arrives: its beginning is there before its end', () => {
  const { bytes, events: count } = longFile();
  const whole = Buffer.concat(decodeTrace(bytes).chunks.map(({ buffer }) => Buffer.from(buffer)));
  for (const piece of [1013, 65_536, bytes.length]) {
    const { seen, decoder } = readInPieces(bytes, piece);
    assert.deepEqual(seen, [2 ** 16, 2 ** 17, count]);
    assert.ok(decoder.isDone);
    const { chunks } = decoder.trace;
    assert.ok(whole.equals(Buffer.concat(chunks.map(({ buffer }) => Buffer.from(buffer)))));
  }
  const half = TraceDecoder.begin(bytes, bytes.length >> 1)!;
  assert.ok(half.next() && !half.next() && !half.isDone);
  assert.equal(TraceDecoder.begin(bytes, 4), undefined);
  assert.equal(TraceDecoder.begin(bytes, 12), undefined, 'of the head there is a part');
});

test('damage in a file that arrives is found at its end, and a cut or longer one is refused', () => {
  const { bytes } = longFile();
  const damaged = bytes.slice();
  damaged[damaged.length - 1]! ^= 1;
  assert.throws(() => readInPieces(damaged, 50_000), /its checksum does not match/);
  for (const length of [bytes.length - 1, bytes.length >> 1, 20]) {
    assert.throws(() => readInPieces(bytes.slice(0, length), 30_000), TraceError);
  }
  const longer = new Uint8Array(bytes.length + 3);
  longer.set(bytes);
  assert.throws(() => readInPieces(longer, 50_000), TraceError);
});
