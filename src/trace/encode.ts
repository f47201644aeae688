/** A trace to a file. `docs/trace.md` describes the format. */
import { crc32 } from '../base/crc32.ts';
import { ByteWriter } from './bytes.ts';
import { encodeColumn } from './column.ts';
import { HEAD_WORDS, KINDS, RECORD_WORDS_MAX } from './event.ts';
import { CLOCKS, recordWords, type Trace } from './trace.ts';

/** `ptstrace` */
export const MAGIC: Uint8Array = Uint8Array.of(0x70, 0x74, 0x73, 0x74, 0x72, 0x61, 0x63, 0x65);
export const VERSION = 2;
/** Of a block: what is read at once, so that a viewer can show a beginning before the end. */
export const BLOCK_RECORDS: number = 2 ** 16;

export function encodeTrace(trace: Trace): Uint8Array {
  const out = new ByteWriter();
  writeHead(out, trace);
  // In front of each event there may be a pause.
  const block = new Block(Math.min(BLOCK_RECORDS, 2 * trace.events));
  for (const words of trace.chunks) {
    for (let at = 0; at < words.length; ) {
      const length = recordWords(words, at, trace.operations);
      block.add(words, at, length);
      if (block.records === BLOCK_RECORDS) block.flush(out);
      at += length;
    }
  }
  if (block.records > 0) block.flush(out);
  // No block is empty: this one says that none follows.
  out.varint(0);
  out.fixed32(crc32(out.view()));
  return out.take();
}

function writeHead(out: ByteWriter, trace: Trace): void {
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
}

/** The words of a block by what they mean: all CPUs, all actors, the first word of all flushes ... */
class Block {
  records = 0;
  readonly #kinds: Uint8Array;
  readonly #cpus: Uint32Array;
  readonly #actors: Uint32Array;
  readonly #times: Uint32Array;
  /** By kind, then by place in the record; made when first needed. */
  readonly #fields: Uint32Array[] = [];
  readonly #lengths = new Uint32Array(KINDS.length * RECORD_WORDS_MAX);

  constructor(recordsMax: number) {
    this.#kinds = new Uint8Array(recordsMax);
    this.#cpus = new Uint32Array(recordsMax);
    this.#actors = new Uint32Array(recordsMax);
    this.#times = new Uint32Array(recordsMax);
  }

  add(words: Uint32Array, at: number, length: number): void {
    const head = words[at]!;
    const kind = head & 0xff;
    const record = this.records++;
    this.#kinds[record] = kind;
    this.#cpus[record] = (head >>> 8) & 0xff;
    this.#actors[record] = head >>> 16;
    this.#times[record] = words[at + 1]!;
    for (let place = HEAD_WORDS; place < length; place++) {
      const field = kind * RECORD_WORDS_MAX + place;
      this.#fields[field] ??= new Uint32Array(this.#kinds.length);
      this.#fields[field][this.#lengths[field]!++] = words[at + place]!;
    }
  }

  flush(out: ByteWriter): void {
    out.varint(this.records);
    out.bytes(this.#kinds.subarray(0, this.records));
    for (const column of [this.#cpus, this.#actors, this.#times]) {
      encodeColumn(out, column.subarray(0, this.records));
    }
    for (const [field, length] of this.#lengths.entries()) {
      if (length > 0) encodeColumn(out, this.#fields[field]!.subarray(0, length));
    }
    this.records = 0;
    this.#lengths.fill(0);
  }
}
