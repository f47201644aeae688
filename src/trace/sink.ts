/** What a viewer of timelines is told: tracks, slices, instants, counters and flows. */
import type { Lanes } from '../arch/index.ts';

/** Shown beside an event. Lanes are one number of 64 bits, shown in hexadecimal. */
export type Args = Readonly<Record<string, number | string | Lanes>>;

export interface Track {
  /** Counted from 1. */
  readonly id: number;
  readonly name: string;
  /** The group it is shown in; a group has none. */
  readonly parent: Track | undefined;
  /** Its place among those of the same group. */
  readonly rank: number;
  readonly isCounter: boolean;
}

/** An arrow through events, from its start to its end. */
export interface Flow {
  /** Counted from 1. */
  readonly id: number;
  readonly step: 'start' | 'middle' | 'end';
}

/** Something on a track. */
export interface Mark {
  readonly category: string;
  readonly name: string;
  readonly args: Args;
  readonly flow?: Flow | undefined;
}

/** Times are those of the trace and do not go back. A track is told before it is used. */
export interface Sink {
  track(track: Track): void;
  begin(time: number, track: Track, mark: Mark): void;
  /** Of the slice of the track that began last. */
  end(time: number, track: Track, args: Args): void;
  instant(time: number, track: Track, mark: Mark): void;
  counter(time: number, track: Track, value: number): void;
}
