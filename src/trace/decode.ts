/** A file to a trace. The file is hostile until it is decoded. `docs/trace.md` describes it. */
import { crc32 } from '../base/crc32.ts';
import { ByteReader } from './byte_reader.ts';
import { decodeColumn } from './column.ts';
import { MAGIC, VERSION } from './encode.ts';
import {
  ACTORS_MAX,
  CPUS_MAX,
  HEAD_WORDS,
  KINDS,
  Kind,
  PARAMETERS_MAX,
  RECORD_WORDS_MAX,
  WIDTHS,
} from './event.ts';
import { integerAt } from './reader.ts';
import { CHUNK_WORDS } from './record_writer.ts';
import {
  CLOCKS,
  OPERATION_AT,
  OPERATIONS_MAX,
  type Operation,
  recordWords,
  TEXTS_MAX,
  type Trace,
} from './trace.ts';
import { Mend, TraceError } from './trace_error.ts';
import { checkRecord, type Tables } from './validate.ts';

const CHECKSUM_BYTES = 4;

export interface TraceLimits {
  /** Of the file. */
  readonly bytesMax: number;
  /** Of all records together, in words of 4 bytes; twice that while decoding. */
  readonly wordsMax: number;
}
const LIMITS: TraceLimits = { bytesMax: 2 ** 30, wordsMax: 2 ** 28 };

/**
 * Reads what `encodeTrace()` wrote, of this version or an older one.
 *
 * @throws TraceError, and nothing else whatever the bytes are
 */
export function decodeTrace(bytes: Uint8Array, limits: TraceLimits = LIMITS): Trace {
  const input = open(bytes, limits);
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
  const tables = { clock, format, texts, operations, dropped };

  input.place = 'kinds';
  const kinds = input.bytes(input.varint());
  const columns = readColumns(input, kinds, operations, limits);
  input.place = 'file';
  if (input.left > 0) input.fail('there is something behind the last column');
  return assemble(tables, kinds, columns);
}

/** Checks the frame of the file: after it, what is read was most likely written by ptshare. */
function open(bytes: Uint8Array, limits: TraceLimits): ByteReader {
  if (bytes.length > limits.bytesMax) {
    throw new TraceError('file', 'it is larger than allowed', Mend.TOO_LARGE);
  }
  const isOurs = bytes.length > MAGIC.length && MAGIC.every((byte, at) => bytes[at] === byte);
  if (!isOurs) throw new TraceError('file', 'it does not begin as a trace', Mend.NOT_OURS);
  const end = bytes.length - CHECKSUM_BYTES;
  const input = new ByteReader(bytes.subarray(0, Math.max(end, MAGIC.length)));
  input.bytes(MAGIC.length);
  // First, so that a file of a version with another frame is not called damaged.
  const version = input.varint();
  if (version > VERSION) {
    throw new TraceError('file', `it has version ${version}, newer than ${VERSION}`, Mend.NEWER);
  }
  if (version === 0) input.fail('it has version 0, which there never was');
  const written = new DataView(bytes.buffer, bytes.byteOffset).getUint32(end, true);
  if (written !== crc32(bytes.subarray(0, end))) input.fail('its checksum does not match');
  return input;
}

function readOperation(input: ByteReader): Operation {
  const name = input.text();
  const count = input.count(PARAMETERS_MAX);
  return { name, parameters: Array.from({ length: count }, () => input.text()) };
}

interface Columns {
  readonly cpus: Uint32Array;
  readonly actors: Uint32Array;
  readonly times: Uint32Array;
  /** By kind and place in the record, `kind * RECORD_WORDS_MAX + place`. */
  readonly fields: readonly Uint32Array[];
}

function readColumns(
  input: ByteReader,
  kinds: Uint8Array,
  operations: readonly Operation[],
  limits: TraceLimits,
): Columns {
  const counts = new Float64Array(KINDS.length);
  for (const kind of kinds) {
    if (kind >= KINDS.length) input.fail('a kind of event is unknown');
    counts[kind]!++;
  }
  let words = counts.reduce((sum, count, kind) => sum + count * WIDTHS[kind]!, 0);
  const read = (place: string, count: number): Uint32Array => {
    input.place = place;
    if (words > limits.wordsMax) {
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
    for (let place = HEAD_WORDS; place < WIDTHS[kind]!; place++) {
      const where = `column ${place - HEAD_WORDS} of ${name}`;
      fields[kind * RECORD_WORDS_MAX + place] = read(where, counts[kind]!);
    }
    if (kind !== Kind.operationBegin) continue;
    const called = fields[kind * RECORD_WORDS_MAX + OPERATION_AT]!;
    const valueCounts = countValues(input, called, operations);
    words += valueCounts.reduce((sum, count) => sum + count, 0);
    for (const [index, count] of valueCounts.entries()) {
      const place = WIDTHS[kind]! + index;
      fields[kind * RECORD_WORDS_MAX + place] = read(`value word ${index} of ${name}`, count);
    }
  }
  return { cpus, actors, times, fields };
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

/** Columns back to records, each of them checked. */
function assemble(tables: Tables, kinds: Uint8Array, columns: Columns): Trace {
  const used = new Float64Array(columns.fields.length);
  const chunks: Uint32Array[] = [];
  let words = new Uint32Array(0);
  let at = 0;
  let time = 0;
  let pauses = 0;
  for (const [record, kind] of kinds.entries()) {
    if (at > words.length - RECORD_WORDS_MAX) {
      if (at > 0) chunks.push(words.subarray(0, at));
      words = new Uint32Array(Math.min(CHUNK_WORDS, (kinds.length - record) * RECORD_WORDS_MAX));
      at = 0;
    }
    words[at] = headOf(kind, columns, record);
    words[at + 1] = columns.times[record]!;
    let place = HEAD_WORDS;
    let length = WIDTHS[kind]!;
    while (place < length) {
      const column = kind * RECORD_WORDS_MAX + place;
      words[at + place] = columns.fields[column]![used[column]!++]!;
      place++;
      if (place === WIDTHS[kind]) length = recordWords(words, at, tables.operations);
    }
    checkRecord(tables, words, at, length, record);
    if (kind === Kind.pause) pauses++;
    time += words[at + 1]! + (kind === Kind.pause ? integerAt(words, at + HEAD_WORDS) : 0);
    if (!Number.isSafeInteger(time)) throw new TraceError(`record ${record}`, 'time is too large');
    at += length;
  }
  if (at > 0) chunks.push(words.subarray(0, at));
  return { ...tables, chunks, events: kinds.length - pauses };
}

function headOf(kind: number, { cpus, actors }: Columns, record: number): number {
  const cpu = cpus[record]!;
  const actor = actors[record]!;
  if (cpu >= CPUS_MAX) throw new TraceError(`record ${record}`, 'its CPU is out of range');
  if (actor >= ACTORS_MAX) throw new TraceError(`record ${record}`, 'its actor is out of range');
  return kind | (cpu << 8) | (actor << 16);
}
