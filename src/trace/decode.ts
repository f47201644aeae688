/** A file to a trace. The file is hostile until it is decoded. `docs/trace.md` describes it. */
import { crc32 } from '../base/crc32.ts';
import { ByteReader, NotYet } from './byte_reader.ts';
import { decodeColumn } from './column.ts';
import { BLOCK_RECORDS, MAGIC, VERSION } from './encode.ts';
import { HEAD_WORDS, KINDS, Kind, PARAMETERS_MAX, RECORD_WORDS_MAX, WIDTHS } from './event.ts';
import { integerAt } from './reader.ts';
import {
  CLOCKS,
  OPERATION_AT,
  OPERATIONS_MAX,
  type Operation,
  TEXTS_MAX,
  type Trace,
} from './trace.ts';
import { Mend, TraceError } from './trace_error.ts';
import { type Columns, checkColumns, type Tables } from './validate.ts';

const CHECKSUM_BYTES = 4;
/** All records of a file of the first version are one block. */
const VERSION_OF_BLOCKS = 2;

export interface TraceLimits {
  /** Of the file. */
  readonly bytesMax: number;
  /** Of all records together, in words of 4 bytes; a block more while decoding. */
  readonly wordsMax: number;
}
const LIMITS: TraceLimits = { bytesMax: 2 ** 30, wordsMax: 2 ** 28 };

/**
 * Reads what `encodeTrace()` wrote, of this version or an older one.
 *
 * @throws TraceError, and nothing else whatever the bytes are
 */
export function decodeTrace(bytes: Uint8Array, limits?: TraceLimits): Trace {
  const decoder = new TraceDecoder(bytes, limits);
  while (decoder.next());
  return decoder.trace;
}

/**
 * Reads a file block by block, for those who show a beginning before the end is read, or is there.
 *
 * The checksum is looked at as soon as all bytes are there: in front of the first block if they are
 * from the beginning, behind the last if not.
 */
export class TraceDecoder {
  readonly #input: ByteReader;
  readonly #version: number;
  readonly #bytes: Uint8Array;
  readonly #limits: TraceLimits;
  #checksum = 0;
  /** Bytes that are there, and where the next block is tried when it was there in part only. */
  #arrived = 0;
  #tryAt = 0;
  readonly #trace: Tables & { readonly chunks: Uint32Array[]; events: number };
  #words = 0;
  #time = 0;
  #isDone = false;

  /**
   * Begins with as many of the bytes of a file as have `arrived`; the others are written behind them
   * by and by. Nothing as long as those are too few to begin with.
   *
   * @throws TraceError
   */
  static begin(bytes: Uint8Array, arrived: number, limits = LIMITS): TraceDecoder | undefined {
    if (arrived < Math.min(MAGIC.length, bytes.length)) return undefined;
    try {
      return new TraceDecoder(bytes, limits, arrived);
    } catch (error) {
      if (error instanceof NotYet) return undefined;
      throw error;
    }
  }

  /** @throws TraceError; NotYet if not all has arrived, and too little to begin with */
  constructor(bytes: Uint8Array, limits = LIMITS, arrived = bytes.length) {
    const { input, version } = open(bytes, limits, arrived);
    this.#input = input;
    this.#version = version;
    this.#bytes = bytes;
    this.#limits = limits;
    this.arrive(arrived);
    this.#trace = { ...readTables(input), chunks: [], events: 0 };
  }

  /**
   * Says that so many of the bytes are there by now, from the beginning on.
   *
   * @throws TraceError if these are all, and damaged
   */
  arrive(arrived: number): void {
    const end = this.#bytes.length - CHECKSUM_BYTES;
    const summed = this.#bytes.subarray(Math.min(this.#arrived, end), Math.min(arrived, end));
    this.#checksum = crc32(summed, this.#checksum);
    this.#arrived = arrived;
    this.#input.cut(Math.min(arrived, end));
    if (arrived === this.#bytes.length) checkSum(this.#bytes, this.#checksum);
  }

  /** What has been read; it grows while more is. */
  get trace(): Trace {
    return this.#trace;
  }

  /** How many bytes were said to be there. */
  get arrived(): number {
    return this.#arrived;
  }

  get isDone(): boolean {
    return this.#isDone;
  }

  /** How much of the file has been read, from 0 to 1. */
  get share(): number {
    return this.#input.at / this.#bytes.length;
  }

  /**
   * Reads the next block; false behind the last, and while the next is not there.
   *
   * @throws TraceError
   */
  next(): boolean {
    const input = this.#input;
    if (this.#isDone || (input.isCut && this.#arrived < this.#tryAt)) return false;
    const from = input.at;
    try {
      return this.#readBlock();
    } catch (error) {
      if (!(error instanceof NotYet)) throw error;
      // Half as much again, so that a block is tried a few times only.
      this.#tryAt = this.#arrived + (this.#arrived - from) / 2;
      input.at = from;
      return false;
    }
  }

  #readBlock(): boolean {
    const input = this.#input;
    input.place = 'kinds';
    const hasBlocks = this.#version >= VERSION_OF_BLOCKS;
    const records = hasBlocks ? input.count(BLOCK_RECORDS) : input.varint();
    if (records > 0) this.#addBlock(input.bytes(records));
    if (records > 0 && hasBlocks) return true;
    input.place = 'file';
    if (this.#arrived < this.#bytes.length) throw new NotYet();
    if (input.left > 0) input.fail('there is something behind the last column');
    this.#isDone = true;
    return records > 0;
  }

  #addBlock(kinds: Uint8Array): void {
    const trace = this.#trace;
    const { columns, words } = this.#readColumns(kinds);
    checkColumns(trace, columns);
    this.#words += words;
    const chunk = new Uint32Array(words);
    this.#time = assemble(trace, columns, chunk, this.#time);
    trace.chunks.push(chunk);
    for (const kind of kinds) if (kind !== Kind.pause) trace.events++;
  }

  #readColumns(kinds: Uint8Array): { readonly columns: Columns; readonly words: number } {
    const input = this.#input;
    const counts = countKinds(input, kinds);
    let words = counts.reduce((sum, count, kind) => sum + count * WIDTHS[kind]!, 0);
    const read = (place: string, count: number): Uint32Array => {
      input.place = place;
      if (this.#words + words > this.#limits.wordsMax) {
        throw new TraceError(place, 'it has more events than allowed', Mend.TOO_LARGE);
      }
      const column = new Uint32Array(count);
      decodeColumn(input, column);
      return column;
    };
    const cpus = read('column of CPUs', kinds.length);
    const actors = read('column of actors', kinds.length);
    const times = read('column of times', kinds.length);
    const fields: Uint32Array[] = [];
    for (const [kind, name] of KINDS.entries()) {
      if (counts[kind] === 0) continue;
      for (let place = HEAD_WORDS; place < WIDTHS[kind]!; place++) {
        const where = `column ${place - HEAD_WORDS} of ${name}`;
        fields[kind * RECORD_WORDS_MAX + place] = read(where, counts[kind]!);
      }
      if (kind !== Kind.operationBegin) continue;
      const called = fields[kind * RECORD_WORDS_MAX + OPERATION_AT]!;
      const valueCounts = countValues(input, called, this.#trace.operations);
      words += valueCounts.reduce((sum, count) => sum + count, 0);
      for (const [index, count] of valueCounts.entries()) {
        const place = WIDTHS[kind]! + index;
        if (count === 0) continue;
        fields[kind * RECORD_WORDS_MAX + place] = read(`value word ${index} of ${name}`, count);
      }
    }
    return { columns: { kinds, cpus, actors, times, fields }, words };
  }
}

/** Checks the frame of the file: after it, what is read was most likely written by ptshare. */
function open(
  bytes: Uint8Array,
  limits: TraceLimits,
  arrived: number,
): { readonly input: ByteReader; readonly version: number } {
  if (bytes.length > limits.bytesMax) {
    throw new TraceError('file', 'it is larger than allowed', Mend.TOO_LARGE);
  }
  const isOurs = bytes.length > MAGIC.length && MAGIC.every((byte, at) => bytes[at] === byte);
  if (!isOurs) throw new TraceError('file', 'it does not begin as a trace', Mend.NOT_OURS);
  const end = bytes.length - CHECKSUM_BYTES;
  const input = new ByteReader(bytes.subarray(0, Math.max(end, MAGIC.length)));
  input.cut(Math.max(Math.min(arrived, end), MAGIC.length));
  input.bytes(MAGIC.length);
  // First, so that a file of a version with another frame is not called damaged.
  const version = input.varint();
  if (version > VERSION) {
    throw new TraceError('file', `it has version ${version}, newer than ${VERSION}`, Mend.NEWER);
  }
  if (version === 0) input.fail('it has version 0, which there never was');
  return { input, version };
}

function checkSum(bytes: Uint8Array, checksum: number): void {
  const end = bytes.length - CHECKSUM_BYTES;
  const written = new DataView(bytes.buffer, bytes.byteOffset).getUint32(end, true);
  if (written === checksum) return;
  throw new TraceError('file', 'its checksum does not match');
}

function readTables(input: ByteReader): Tables {
  const clock = CLOCKS[input.varint()] ?? input.fail('its clock is unknown');
  const format = input.text();
  const dropped = input.varint();
  input.place = 'texts';
  const texts = Array.from({ length: input.count(TEXTS_MAX) }, () => input.text());
  input.place = 'operations';
  const operations = Array.from({ length: input.count(OPERATIONS_MAX) }, () =>
    readOperation(input),
  );
  if (new Set(operations.map(({ name }) => name)).size < operations.length) {
    input.fail('an operation is listed twice');
  }
  return { clock, format, texts, operations, dropped };
}

function readOperation(input: ByteReader): Operation {
  const name = input.text();
  const count = input.count(PARAMETERS_MAX);
  return { name, parameters: Array.from({ length: count }, () => input.text()) };
}

function countKinds(input: ByteReader, kinds: Uint8Array): Float64Array {
  const counts = new Float64Array(KINDS.length);
  for (let record = 0; record < kinds.length; record++) {
    const kind = kinds[record]!;
    if (kind >= KINDS.length) input.fail('a kind of event is unknown');
    counts[kind]!++;
  }
  return counts;
}

/** How many of the calls have a value of each word. */
function countValues(
  input: ByteReader,
  called: Uint32Array,
  operations: readonly Operation[],
): Float64Array {
  const counts = new Float64Array(2 * PARAMETERS_MAX);
  for (const operation of called) {
    const { parameters } = operations[operation] ?? input.fail('an operation is unknown');
    for (let index = 0; index < 2 * parameters.length; index++) counts[index]!++;
  }
  return counts;
}

/**
 * Columns back to records, which fill `words`.
 *
 * @param before when the last event before them was
 * @returns when the last of them is
 */
function assemble(tables: Tables, columns: Columns, words: Uint32Array, before: number): number {
  const { kinds, cpus, actors, times, fields } = columns;
  const used = new Uint32Array(KINDS.length);
  const usedValues = new Uint32Array(2 * PARAMETERS_MAX);
  let at = 0;
  let time = before;
  for (let record = 0; record < kinds.length; record++) {
    const kind = kinds[record]!;
    const width = WIDTHS[kind]!;
    const first = kind * RECORD_WORDS_MAX;
    const index = used[kind]!++;
    words[at] = kind | (cpus[record]! << 8) | (actors[record]! << 16);
    words[at + 1] = times[record]!;
    for (let place = HEAD_WORDS; place < width; place++) {
      words[at + place] = fields[first + place]![index]!;
    }
    time += times[record]!;
    if (kind === Kind.pause) time += integerAt(words, at + HEAD_WORDS);
    const operation = kind === Kind.operationBegin ? words[at + OPERATION_AT]! : undefined;
    at += width;
    if (operation === undefined) continue;
    const values = 2 * tables.operations[operation]!.parameters.length;
    for (let value = 0; value < values; value++) {
      words[at++] = fields[first + width + value]![usedValues[value]!++]!;
    }
  }
  // It only grows, so that what was too large once is too large in the end.
  if (!Number.isSafeInteger(time)) throw new TraceError('column of times', 'time is too large');
  return time;
}
