/**
 * A trace as tracks: what ran on each CPU, who held each lock, and arrows between them.
 *
 * Places on the time axis are numbers of events, not times: in a schedule a step is one unit of time,
 * and much happens in it. Slices of a row never overlap, so both of their ends ascend, and what a
 * window shows is found by binary search.
 */
import type { Clock } from '../trace/index.ts';

/** What a slice or a mark is about, by number; the view has a colour and a sign for each. */
export const LOOKS = [
  'operation',
  'fault',
  'wait',
  'lock',
  'shared',
  'entry',
  'table',
  'frame',
  'flush',
  'ledger',
  'note',
  'violation',
  'rcu',
] as const;
export type Look = (typeof LOOKS)[number];

export interface Slices {
  /** Events with which they begin and end. */
  readonly start: Uint32Array<ArrayBuffer>;
  readonly end: Uint32Array<ArrayBuffer>;
  /** Index of `Timeline.labels`. */
  readonly label: Uint32Array<ArrayBuffer>;
  /** Index of `LOOKS`. */
  readonly look: Uint32Array<ArrayBuffer>;
}

export interface Marks {
  readonly event: Uint32Array<ArrayBuffer>;
  readonly look: Uint32Array<ArrayBuffer>;
}

export interface Track {
  readonly group: 'cpu' | 'lock';
  readonly name: string;
  /** Nested slices lie in rows, the outermost first. */
  readonly rows: readonly Slices[];
  readonly marks: Marks;
}

/** From an event to an event. */
export interface Arrows {
  readonly from: Uint32Array<ArrayBuffer>;
  readonly fromTrack: Uint32Array<ArrayBuffer>;
  readonly to: Uint32Array<ArrayBuffer>;
  readonly toTrack: Uint32Array<ArrayBuffer>;
  /** 0: an IPI, 1: its acknowledgement, 2: a wake-up. */
  readonly kind: Uint32Array<ArrayBuffer>;
}

export interface Counter {
  /** From this event on, so many. */
  readonly event: Uint32Array<ArrayBuffer>;
  readonly value: Uint32Array<ArrayBuffer>;
}

export interface Timeline {
  readonly clock: Clock;
  /** `PteFormat.id` */
  readonly format: string;
  readonly events: number;
  /** Events that the trace had no room for. */
  readonly dropped: number;
  /** Of each event. */
  readonly times: Float64Array<ArrayBuffer>;
  readonly labels: readonly string[];
  readonly tracks: readonly Track[];
  /** Locks that were left out because there are too many. */
  readonly locksLeftOut: number;
  readonly arrows: Arrows;
  /** Obligations of the flush ledger that are open. */
  readonly open: Counter;
  /** The event that says what was violated, or -1. */
  readonly violation: number;
}

/** All that a timeline can be moved with to another thread. */
export function buffersOf({ times, tracks, arrows, open }: Timeline): ArrayBuffer[] {
  const columns = [
    times,
    ...tracks.flatMap(({ rows, marks }) => [
      ...rows.flatMap(({ start, end, label, look }) => [start, end, label, look]),
      marks.event,
      marks.look,
    ]),
    ...[arrows.from, arrows.fromTrack, arrows.to, arrows.toTrack, arrows.kind],
    ...[open.event, open.value],
  ];
  return columns.map(({ buffer }) => buffer);
}
