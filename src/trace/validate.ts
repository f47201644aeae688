/** What must be true of a record for readers to believe it. */
import { CHOICES, FIELDS, type Field, HEAD_WORDS, isChoice, KINDS, Kind } from './event.ts';
import { integerAt } from './reader.ts';
import type { Trace } from './trace.ts';
import { TraceError } from './trace_error.ts';

/** What records refer to. */
export type Tables = Omit<Trace, 'chunks' | 'events'>;

/**
 * Checks the fields of the record at `at`, which is `length` words long.
 *
 * @param record its number, for the message
 * @throws TraceError
 */
export function checkRecord(
  tables: Tables,
  words: Uint32Array,
  at: number,
  length: number,
  record: number,
): void {
  const kind = words[at]! & 0xff;
  for (const field of FIELDS[kind]!) {
    if (!isValid(tables, words, at, length, field)) {
      throw new TraceError(
        `record ${record}, ${KINDS[kind]}`,
        `${field.name} has no value of its type (${field.type})`,
      );
    }
  }
  if (kind === Kind.pause && integerAt(words, at + HEAD_WORDS) < 0) {
    throw new TraceError(`record ${record}, pause`, 'time goes back');
  }
}

function isValid(
  { texts, operations }: Tables,
  words: Uint32Array,
  record: number,
  length: number,
  field: Field,
): boolean {
  const at = record + field.at;
  const word = words[at]!;
  const { type } = field;
  if (isChoice(type)) return word < CHOICES[type].length;
  switch (type) {
    case 'id':
      return (word | 0) >= -1;
    case 'integer':
      return Number.isSafeInteger(integerAt(words, at));
    case 'text':
      return word < texts.length;
    case 'operation':
      return word < operations.length;
    case 'values':
      return areSafe(words, at, record + length);
    case 'count':
    case 'entry':
      return true;
  }
}

function areSafe(words: Uint32Array, start: number, end: number): boolean {
  for (let at = start; at < end; at += 2) {
    if (!Number.isSafeInteger(integerAt(words, at))) return false;
  }
  return true;
}
