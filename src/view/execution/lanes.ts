/** Where the tracks of a timeline are drawn, one below the other. */
import type { Timeline, Track } from '../../scene/timeline.ts';

export const ROW = 16;
export const MARKS = 8;
const GAP = 4;

export interface Lane {
  readonly track: Track;
  readonly top: number;
  readonly height: number;
}

export interface Lanes {
  readonly lanes: readonly Lane[];
  readonly height: number;
}

export function lanesOf({ tracks }: Timeline): Lanes {
  let top = 0;
  const lanes = tracks.map((track) => {
    const marks = track.marks.event.length > 0 ? MARKS : 0;
    const height = Math.max(track.rows.length * ROW + marks, ROW);
    const lane = { track, top, height };
    top += height + GAP;
    return lane;
  });
  return { lanes, height: top };
}

/** The first index whose value is at least `value`. */
export function lowerBound(values: Uint32Array | Float64Array, value: number): number {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (values[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
