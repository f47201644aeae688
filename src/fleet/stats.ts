/** The little statistics that a fleet needs, robust against the very hosts it looks for. */
import { assert } from '../base/assert.ts';

/** The value below which `share` (0 to 1) of `sorted` lies; the nearest rank. */
export function quantile(sorted: Float64Array, share: number): number {
  assert(sorted.length > 0, 'a quantile of something');
  const rank = Math.ceil(share * sorted.length) - 1;
  return sorted[Math.min(Math.max(rank, 0), sorted.length - 1)]!;
}

export function median(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort();
  const half = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

/** A score above this is an outlier. @source Iglewicz and Hoaglin, How to Detect and Handle Outliers, 1993 */
export const SCORE_MAX = 3.5;

/**
 * Modified z-scores: distances from the median in units of a standard deviation, which is estimated
 * from the median of the distances, or from their mean where more than half of all values are equal.
 * All 0 where there is nothing to tell values apart by.
 *
 * @source Iglewicz and Hoaglin; the constants are those of a normal distribution
 */
export function scores(values: readonly number[]): number[] {
  if (values.length === 0) return [];
  const middle = median(values);
  const distances = values.map((value) => Math.abs(value - middle));
  const mean = distances.reduce((sum, distance) => sum + distance, 0) / distances.length;
  const deviation = median(distances) * 1.4826 || mean * 1.253314;
  return values.map((value) => (deviation === 0 ? 0 : (value - middle) / deviation));
}

/**
 * The slope of the line through `points`, as the median of the slopes between each two of them: a
 * day that is unlike the others does not turn it (Theil-Sen).
 *
 * @param points x ascending, no two the same; at least two
 */
export function slope(points: readonly (readonly [x: number, y: number])[]): number {
  assert(points.length >= 2, 'a line goes through two points');
  const slopes: number[] = [];
  for (const [i, [x, y]] of points.entries()) {
    for (const [otherX, otherY] of points.slice(0, i)) slopes.push((y - otherY) / (x - otherX));
  }
  return median(slopes);
}
