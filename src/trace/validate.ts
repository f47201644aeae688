/** What must be true of the columns of a block for readers to believe its records. */
import {
  ACTORS_MAX,
  CHOICES,
  CPUS_MAX,
  FIELDS,
  type Field,
  isChoice,
  KINDS,
  Kind,
  PARAMETERS_MAX,
  RECORD_WORDS_MAX,
  WIDTHS,
} from './event.ts';
import type { Trace } from './trace.ts';
import { TraceError } from './trace_error.ts';

/** What records refer to. */
export type Tables = Omit<Trace, 'chunks' | 'events'>;

/** The words of a block by what they mean. */
export interface Columns {
  /** Of each record. */
  readonly kinds: Uint8Array;
  readonly cpus: Uint32Array;
  readonly actors: Uint32Array;
  readonly times: Uint32Array;
  /** By kind and place in the record, `kind * RECORD_WORDS_MAX + place`. */
  readonly fields: readonly (Uint32Array | undefined)[];
}

const NONE = -1;
const EMPTY = new Uint32Array();
/** What the high word of a safe integer is at least, and at most. */
const HIGH_MIN = -(2 ** 21);
const HIGH_MAX = 2 ** 21 - 1;

/** @throws TraceError */
export function checkColumns(tables: Tables, columns: Columns): void {
  const { kinds, cpus, actors, fields } = columns;
  refuse('CPU', firstFrom(cpus, CPUS_MAX), 'it is out of range');
  refuse('actor', firstFrom(actors, ACTORS_MAX), 'it is out of range');
  const seen = new Set(kinds);
  for (const kind of seen) {
    for (const field of FIELDS[kind]!) {
      const wrong = firstWrong(tables, fields, kind, field);
      refuse(`${KINDS[kind]}`, wrong, `${field.name} has no value of its type (${field.type})`);
    }
  }
  if (seen.has(Kind.pause)) {
    const highs = columnOf(fields, Kind.pause, WIDTHS[Kind.pause]! - 1);
    refuse(
      'pause',
      highs.findIndex((high) => (high | 0) < 0),
      'time goes back',
    );
  }
}

function refuse(place: string, wrong: number, what: string): void {
  if (wrong !== NONE) throw new TraceError(`${place} ${wrong} of the block`, what);
}

/** The first of the records of a kind whose field is no value of its type. */
function firstWrong(
  { texts, operations }: Tables,
  fields: Columns['fields'],
  kind: number,
  { at, type }: Field,
): number {
  const words = columnOf(fields, kind, at);
  if (isChoice(type)) return firstFrom(words, CHOICES[type].length);
  switch (type) {
    case 'id':
      return words.findIndex((word) => (word | 0) < -1);
    case 'integer':
      return firstUnsafe(words, columnOf(fields, kind, at + 1));
    case 'text':
      return firstFrom(words, texts.length);
    case 'operation':
      return firstFrom(words, operations.length);
    case 'values':
      return firstUnsafeValue(fields, kind, at);
    case 'count':
    case 'entry':
      return NONE;
  }
}

function columnOf(fields: Columns['fields'], kind: number, place: number): Uint32Array {
  return fields[kind * RECORD_WORDS_MAX + place] ?? EMPTY;
}

function firstUnsafeValue(fields: Columns['fields'], kind: number, at: number): number {
  for (let value = 0; value < PARAMETERS_MAX; value++) {
    const lows = columnOf(fields, kind, at + 2 * value);
    const wrong = firstUnsafe(lows, columnOf(fields, kind, at + 2 * value + 1));
    if (wrong !== NONE) return wrong;
  }
  return NONE;
}

/** The first word that is not below `limit`. */
function firstFrom(words: Uint32Array, limit: number): number {
  for (let at = 0; at < words.length; at++) if (words[at]! >= limit) return at;
  return NONE;
}

/** The first that is no safe integer; -2^53 is none, though its high word is as small as others'. */
function firstUnsafe(lows: Uint32Array, highs: Uint32Array): number {
  for (let at = 0; at < highs.length; at++) {
    const high = highs[at]! | 0;
    if (high < HIGH_MIN || high > HIGH_MAX) return at;
    if (high === HIGH_MIN && lows[at] === 0) return at;
  }
  return NONE;
}
