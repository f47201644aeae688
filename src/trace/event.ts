/**
 * The vocabulary: everything that a trace can say, with the types of its fields.
 *
 * Each event also has a time, a CPU and an actor. An event is a *record* of 32-bit words, two for its
 * head and then those of its fields in the order of this table:
 *
 *    31      16 15    8 7     0   31                      0
 *   +----------+-------+-------+ +------------------------+ +-----------
 *   |  actor   |  CPU  | kind  | | time since the last    | | fields ...
 *   +----------+-------+-------+ +------------------------+ +-----------
 *
 * The number of a kind is its place in the table, and part of the file format: a new kind comes last,
 * a kind that needs other fields is a new kind, and either raises the version (`docs/trace.md`).
 */
import type { Lanes } from '../arch/index.ts';

/** Fields whose value is one of a list. The order is part of the file format; new ones come last. */
export const CHOICES = {
  subject: ['cpu', 'actor', 'mm', 'lock', 'table', 'frame'],
  mode: ['exclusive', 'shared'],
  scope: ['local', 'broadcast'],
  access: ['read', 'write', 'execute'],
  outcome: ['done', 'maperr', 'accerr', 'sigbus', 'oom', 'retry', 'hwpoison'],
  /** What a stale translation leads to; `mapped`: to what the entries say, but writable. */
  target: ['frame', 'table', 'mapped'],
} as const;
export type ChoiceType = keyof typeof CHOICES;
export type Choice<T extends ChoiceType> = (typeof CHOICES)[T][number];

/** Words of each type of field that is not a choice, which takes one. */
const WORDS = {
  /** The number of a thing among its kind, or -1 for none. */
  id: 1,
  /** From 0 to 2^32 - 1; also a mask of the CPUs 0 to 31. */
  count: 1,
  /** A safe integer: a page number, an argument, a result. Low word, then high word, signed. */
  integer: 2,
  /** The two lanes of a page-table entry. */
  entry: 2,
  /** A text, stored once for all events that say it. */
  text: 1,
  /** A name that `TraceWriter.operation()` has made known, with the names of its parameters. */
  operation: 1,
  /** An integer for each parameter of the operation in front: as many words as those take. */
  values: 0,
} as const;
export type FieldType = keyof typeof WORDS | ChoiceType;

type Fields = Readonly<Record<string, FieldType>>;

export const EVENTS = {
  /** More time than a record can say has gone by. Readers see it in the times of events only. */
  pause: { time: 'integer' },
  /** From here on, a thing has a name. */
  name: { subject: 'subject', id: 'id', text: 'text' },

  operationBegin: { mm: 'id', operation: 'operation', values: 'values' },
  operationEnd: { operation: 'operation', result: 'integer' },

  /** The actor waits: somebody else holds the lock. */
  lockWait: { lock: 'id', mode: 'mode' },
  lockAcquired: { lock: 'id', mode: 'mode' },
  lockReleased: { lock: 'id', mode: 'mode' },
  /** The writer goes on as a reader. */
  lockDowngraded: { lock: 'id' },
  /** The lock was only tried, and was held. */
  lockBusy: { lock: 'id', mode: 'mode' },

  entryWrite: { table: 'id', index: 'count', before: 'entry', after: 'entry' },
  tableAlloc: { table: 'id' },
  tableFree: { table: 'id' },
  /** A table of `level` maps pages from `start`; without a parent it is a root. */
  tableLink: {
    mm: 'id',
    table: 'id',
    parent: 'id',
    index: 'count',
    level: 'count',
    start: 'integer',
  },
  tableUnlink: { mm: 'id', table: 'id', parent: 'id', index: 'count' },
  /** A folio of 2^order frames; `frame` is the first. */
  folioAlloc: { frame: 'id', order: 'count' },
  folioFree: { frame: 'id', order: 'count' },

  /** The CPU flushes the pages `[start, end)`: of its own TLB, or by an instruction of all. */
  flush: { scope: 'scope', mm: 'id', start: 'integer', end: 'integer' },
  /** Asks the CPU `target` to flush. The next handling there answers it, then the acknowledgement. */
  ipiSent: { target: 'id', mm: 'id', start: 'integer', end: 'integer' },
  ipiHandled: { sender: 'id' },
  /** The sender has seen that `target` is done. */
  ipiAcknowledged: { target: 'id' },
  tlbFill: { mm: 'id', page: 'integer', level: 'count', entry: 'entry' },

  faultBegin: { mm: 'id', page: 'integer', access: 'access' },
  faultEnd: { outcome: 'outcome' },
  /** What the actor `woken` has waited for in its fault is there. */
  wake: { woken: 'id' },
  gracePeriodBegin: {},
  gracePeriodEnd: {},

  /** These CPUs may still use a translation of `[start, end)` to the frame or table `id`, if any. */
  obligationOpened: {
    mm: 'id',
    start: 'integer',
    end: 'integer',
    cpus: 'count',
    target: 'target',
    id: 'id',
    /** Obligations in the ledger now. */
    open: 'count',
  },
  /** `debtor` may not any longer, for all obligations that lie in `[start, end)`. */
  obligationDischarged: {
    debtor: 'id',
    mm: 'id',
    start: 'integer',
    end: 'integer',
    open: 'count',
  },

  note: { text: 'text' },
  violation: { property: 'text', text: 'text' },
} as const satisfies Readonly<Record<string, Fields>>;
export type EventName = keyof typeof EVENTS;

type Value<T extends FieldType> = T extends 'entry'
  ? Lanes
  : T extends 'text' | 'operation'
    ? string
    : T extends 'values'
      ? readonly number[]
      : T extends ChoiceType
        ? Choice<T>
        : number;

type EventOf<K extends EventName> = {
  readonly kind: K;
  /** In steps or nanoseconds, as the trace says. */
  readonly time: number;
  readonly cpu: number;
  readonly actor: number;
} & { readonly [F in keyof (typeof EVENTS)[K]]: Value<(typeof EVENTS)[K][F] & FieldType> };

/** An event as readers see it. */
export type TraceEvent = { [K in Exclude<EventName, 'pause'>]: EventOf<K> }[Exclude<
  EventName,
  'pause'
>];

export interface Field {
  readonly name: string;
  readonly type: FieldType;
  /** Its first word within the record. */
  readonly at: number;
}

export const HEAD_WORDS = 2;
/** An operation has at most so many parameters; a system call has six. */
export const PARAMETERS_MAX = 6;
/** No record is longer. */
export const RECORD_WORDS_MAX = 16;
export const CPUS_MAX = 2 ** 8;
export const ACTORS_MAX = 2 ** 16;

/** Kinds by number. */
export const KINDS: readonly EventName[] = Object.keys(EVENTS) as EventName[];
export const FIELDS: readonly (readonly Field[])[] = KINDS.map(fieldsOf);
/** Words of a record of each kind, without the values of an operation. */
export const WIDTHS: Uint8Array = Uint8Array.from(FIELDS, (fields) =>
  fields.reduce((sum, { type }) => sum + wordsOf(type), HEAD_WORDS),
);

/** Kinds and choices by name, for who writes records: `Kind.lockWait`, `Mode.shared`. */
export const Kind: Readonly<Record<EventName, number>> = numbers(KINDS);
export const Subject: Numbers<'subject'> = numbers(CHOICES.subject);
export const Mode: Numbers<'mode'> = numbers(CHOICES.mode);
export const Scope: Numbers<'scope'> = numbers(CHOICES.scope);
export const Access: Numbers<'access'> = numbers(CHOICES.access);
export const Outcome: Numbers<'outcome'> = numbers(CHOICES.outcome);
export const Target: Numbers<'target'> = numbers(CHOICES.target);
type Numbers<T extends ChoiceType> = Readonly<Record<Choice<T>, number>>;

function numbers<Name extends string>(names: readonly Name[]): Record<Name, number> {
  return Object.fromEntries(names.map((name, index) => [name, index])) as Record<Name, number>;
}

function fieldsOf(kind: EventName): Field[] {
  let at = HEAD_WORDS;
  return Object.entries(EVENTS[kind] as Fields).map(([name, type]) => {
    const field = { name, type, at };
    at += wordsOf(type);
    return field;
  });
}

function wordsOf(type: FieldType): number {
  return isChoice(type) ? 1 : WORDS[type];
}

export function isChoice(type: FieldType): type is ChoiceType {
  return type in CHOICES;
}
