/**
 * What tracing costs: events written per second, bytes of an event in memory and in a file, and how
 * fast traces are read, stored and exported. The events are those of faults and unmappings by two
 * CPUs, in the proportions in which the engine makes them.
 */
import { gzipSync } from 'node:zlib';
import {
  Access,
  decodeTrace,
  encodeTrace,
  events,
  exportPerfetto,
  Mode,
  Outcome,
  Scope,
  Target,
  type Trace,
  TraceWriter,
} from '../../src/trace/index.ts';

const EVENTS = 8_000_000;
const STORED_EVENTS = 1_000_000;
const ROUNDS = 7;

function newWriter(): TraceWriter {
  return new TraceWriter({ clock: 'steps', format: 'x86_64-4level', chunksMax: 1024 });
}

/** One fault: `FAULT_EVENTS` events. */
function fault(trace: TraceWriter, cpu: number, n: number): void {
  const page = 0x7f0000000 + n;
  const table = 16 + (n >>> 9);
  const frame = 4096 + n;
  trace.time += 3;
  trace.cpu = cpu;
  trace.faultBegin(cpu, page, Access.write);
  trace.lockAcquired(100 + cpu, Mode.shared);
  trace.folioAlloc(frame, 0);
  trace.time += 2;
  trace.lockAcquired(1000 + table, Mode.exclusive);
  trace.entryWrite(table, n & 511, 0, 0, (frame << 12) | 0x867, 0x80000000);
  trace.time += 1;
  trace.lockReleased(1000 + table, Mode.exclusive);
  trace.lockReleased(100 + cpu, Mode.shared);
  trace.faultEnd(Outcome.done);
  trace.tlbFill(cpu, page, 0, (frame << 12) | 0x867, 0x80000000);
}
const FAULT_EVENTS = 9;

/** One page taken away: `ZAP_EVENTS` events. */
function zap(trace: TraceWriter, cpu: number, n: number): void {
  const page = 0x7f0000000 + n;
  const frame = 4096 + n;
  trace.time += 2;
  trace.cpu = cpu;
  trace.entryWrite(16 + (n >>> 9), n & 511, (frame << 12) | 0x867, 0x80000000, 0, 0);
  trace.obligationOpened(cpu, page, page + 1, 3, Target.frame, frame, 1);
  trace.ipiSent(1 - cpu, cpu, page, page + 1);
  trace.flush(Scope.local, cpu, page, page + 1);
  trace.obligationDischarged(cpu, cpu, page, page + 1, 1);
  trace.time += 5;
  trace.cpu = 1 - cpu;
  trace.ipiHandled(cpu);
  trace.obligationDischarged(1 - cpu, cpu, page, page + 1, 0);
  trace.cpu = cpu;
  trace.ipiAcknowledged(1 - cpu);
  trace.folioFree(frame, 0);
}
const ZAP_EVENTS = 9;

function fill(trace: TraceWriter, wanted: number): void {
  for (let n = 0; n * (FAULT_EVENTS + ZAP_EVENTS) < wanted; n++) {
    fault(trace, n & 1, n);
    zap(trace, n & 1, n);
  }
}

/** Of one kind only: the most frequent, and the longest. */
function fillEntryWrites(trace: TraceWriter, wanted: number): void {
  for (let n = 0; n < wanted; n++) {
    trace.time++;
    trace.cpu = n & 1;
    trace.entryWrite(n >>> 9, n & 511, 0, 0, n, 0x80000000);
  }
}

function fillLocks(trace: TraceWriter, wanted: number): void {
  for (let n = 0; n < wanted; n++) {
    trace.time++;
    trace.cpu = n & 1;
    trace.lockAcquired(n & 1023, Mode.exclusive);
  }
}

/** Processor time: other programs do not show in it. */
function secondsOf(work: () => void): number {
  const began = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(began);
  return (user + system) / 1e6;
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]!;
}

function report(what: string, amount: number, unit: string): void {
  console.log(`${what.padEnd(34)}${amount.toFixed(1).padStart(8)} ${unit}`);
}

function measureWriting(what: string, work: (trace: TraceWriter, wanted: number) => void): void {
  const rates = Array.from({ length: ROUNDS }, () => {
    const writer = newWriter();
    const seconds = secondsOf(() => work(writer, EVENTS));
    return writer.trace().events / seconds;
  });
  report(what, median(rates) / 1e6, 'M events/s');
}

function bytesOf(trace: Trace): number {
  return trace.chunks.reduce((sum, { byteLength }) => sum + byteLength, 0);
}

measureWriting('write, faults and unmappings', fill);
measureWriting('write, entry writes', fillEntryWrites);
measureWriting('write, locks', fillLocks);

const writer = newWriter();
fill(writer, STORED_EVENTS);
const trace = writer.trace();
const file = encodeTrace(trace);
report('in memory', bytesOf(trace) / trace.events, 'bytes/event');
report('in a file', file.length / trace.events, 'bytes/event');
report('in a file, gzip', gzipSync(file).length / trace.events, 'bytes/event');

const rate = (work: () => void): number =>
  trace.events / median(Array.from({ length: 3 }, () => secondsOf(work))) / 1e6;
let seen = 0;
report(
  'read',
  rate(() => {
    for (const { time } of events(trace)) seen += time;
  }),
  'M events/s',
);
if (seen === 0) throw new Error('The events that were read have times');
report(
  'encode',
  rate(() => encodeTrace(trace)),
  'M events/s',
);
report(
  'decode',
  rate(() => decodeTrace(file)),
  'M events/s',
);
let bytes = 0;
report(
  'export to Perfetto',
  rate(() => {
    bytes = 0;
    exportPerfetto(trace, (part) => {
      bytes += part.length;
    });
  }),
  'M events/s',
);
report('in Perfetto format', bytes / trace.events, 'bytes/event');
