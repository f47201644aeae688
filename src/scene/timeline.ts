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
  readonly start: Uint32Array;
  readonly end: Uint32Array;
  /** Index of `Timeline.labels`. */
  readonly label: Uint32Array;
  /** Index of `LOOKS`. */
  readonly look: Uint32Array;
}

export interface Marks {
  readonly event: Uint32Array;
  readonly look: Uint32Array;
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
  readonly from: Uint32Array;
  readonly fromTrack: Uint32Array;
  readonly to: Uint32Array;
  readonly toTrack: Uint32Array;
  /** 0: an IPI, 1: its acknowledgement, 2: a wake-up. */
  readonly kind: Uint32Array;
}

export interface Counter {
  /** From this event on, so many. */
  readonly event: Uint32Array;
  readonly value: Uint32Array;
}

export interface Timeline {
  readonly clock: Clock;
  /** `PteFormat.id` */
  readonly format: string;
  readonly events: number;
  /** Events that the trace had no room for. */
  readonly dropped: number;
  /** Of each event. */
  readonly times: Float64Array;
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
