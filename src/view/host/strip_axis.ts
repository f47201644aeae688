/**
 * An address space is nearly empty: 128 TiB with a few MiB in them. The axis of the strip leaves out
 * what holds no table, so that everything else can be seen, and says where it has done so.
 */
import type { Strip } from '../../scene/strip.ts';

export interface Segment {
  /** Slots `[slot, slot + count)` without a gap. */
  readonly slot: number;
  readonly count: number;
  /** Where it begins on the axis, in slots. */
  readonly at: number;
}

export interface Axis {
  readonly segments: readonly Segment[];
  readonly length: number;
}

/** What stands for a gap, in parts of the whole. */
const GAP_SHARE = 0.004;

export function axisOf({ runs }: Strip): Axis {
  const spans: { slot: number; count: number }[] = [];
  let total = 0;
  for (let run = 0; run < runs.length; run++) {
    const slot = runs.slot[run]!;
    const end = slot + runs.count[run]!;
    const last = spans.at(-1);
    if (last !== undefined && slot <= last.slot + last.count) {
      const grown = Math.max(end - last.slot, last.count);
      total += grown - last.count;
      last.count = grown;
    } else {
      spans.push({ slot, count: end - slot });
      total += end - slot;
    }
  }
  const gap = Math.max(total * GAP_SHARE, 0.25);
  let at = 0;
  const segments = spans.map(({ slot, count }) => {
    const segment = { slot, count, at };
    at += count + gap;
    return segment;
  });
  return { segments, length: Math.max(at - gap, 1) };
}

/** The segment at a place on the axis, or the one in front of it. */
export function segmentAt({ segments }: Axis, at: number): Segment | undefined {
  let [low, high] = [0, segments.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (segments[middle]!.at <= at) low = middle + 1;
    else high = middle;
  }
  return segments[low - 1];
}
