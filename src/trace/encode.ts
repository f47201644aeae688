/** A trace to a file. `docs/trace.md` describes the format. */
import { crc32 } from '../base/crc32.ts';
import { ByteWriter } from './bytes.ts';
import { encodeColumn } from './column.ts';
import { HEAD_WORDS, KINDS, RECORD_WORDS_MAX } from './event.ts';
import { CLOCKS, recordWords, type Trace } from './trace.ts';

/** `ptstrace` */
export const MAGIC: Uint8Array = Uint8Array.of(0x70, 0x74, 0x73, 0x74, 0x72, 0x61, 0x63, 0x65);
export const VERSION = 1;

export function encodeTrace(trace: Trace): Uint8Array {
  const out = new ByteWriter();
  out.bytes(MAGIC);
  out.varint(VERSION);
  out.varint(CLOCKS.indexOf(trace.clock));
  out.text(trace.format);
  out.varint(trace.dropped);
  out.varint(trace.texts.length);
  for (const text of trace.texts) out.text(text);
  out.varint(trace.operations.length);
  for (const { name, parameters } of trace.operations) {
    out.text(name);
    out.varint(parameters.length);
    for (const parameter of parameters) out.text(parameter);
  }
  const columns = new Columns(trace);
  out.varint(columns.kinds.length);
  out.bytes(columns.kinds);
  for (const words of columns.heads) encodeColumn(out, words);
  for (const words of columns.fields) encodeColumn(out, words);
  out.fixed32(crc32(out.view()));
  return out.take();
}

/** The words of a trace by what they mean: all CPUs, all actors, the first word of all flushes ... */
class Columns {
  readonly kinds: Uint8Array;
  /** CPU, actor, time since the last. */
  readonly heads: readonly [Uint32Array, Uint32Array, Uint32Array];
  /** By kind, then by place in the record. Those of no length have no bytes. */
  readonly fields: readonly Uint32Array[];

  constructor(trace: Trace) {
    const counts = new Float64Array(KINDS.length * RECORD_WORDS_MAX);
    let records = 0;
    forEachRecord(trace, (words, at, length) => {
      records++;
      const kind = words[at]! & 0xff;
      for (let place = HEAD_WORDS; place < length; place++) {
        counts[kind * RECORD_WORDS_MAX + place]!++;
      }
    });
    this.kinds = new Uint8Array(records);
    const head = (): Uint32Array => new Uint32Array(records);
    this.heads = [head(), head(), head()];
    this.fields = Array.from(counts, (count) => new Uint32Array(count));
    this.#fill(trace, counts.fill(0));
  }

  #fill(trace: Trace, filled: Float64Array): void {
    const [cpus, actors, times] = this.heads;
    let record = 0;
    forEachRecord(trace, (words, at, length) => {
      const head = words[at]!;
      const kind = head & 0xff;
      this.kinds[record] = kind;
      cpus[record] = (head >>> 8) & 0xff;
      actors[record] = head >>> 16;
      times[record] = words[at + 1]!;
      record++;
      for (let place = HEAD_WORDS; place < length; place++) {
        const column = kind * RECORD_WORDS_MAX + place;
        this.fields[column]![filled[column]!++] = words[at + place]!;
      }
    });
  }
}

function forEachRecord(
  trace: Trace,
  visit: (words: Uint32Array, at: number, length: number) => void,
): void {
  for (const words of trace.chunks) {
    for (let at = 0; at < words.length; ) {
      const length = recordWords(words, at, trace.operations);
      visit(words, at, length);
      at += length;
    }
  }
}
