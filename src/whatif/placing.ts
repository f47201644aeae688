/** Where mappings go that a design moves: as near as can be to where they are, beside all others. */
import type { Part } from './rewrite.ts';

/** Pages `[start, end)`. */
export interface Interval {
  readonly start: number;
  readonly end: number;
}

/** Mappings that are one but for their rights, which mprotect has changed in part, stay one behind another. */
export function chainsOf(parts: readonly Part[], isMoved: (part: Part) => boolean): Part[][] {
  const chains: Part[][] = [];
  for (const part of parts) {
    const chain = chains.at(-1);
    const last = chain?.at(-1);
    const goesOn =
      last !== undefined &&
      isMoved(part) &&
      isMoved(last) &&
      last.vma.end === part.vma.start &&
      last.vma.object === part.vma.object &&
      last.vma.offset + last.vma.end - last.vma.start === part.vma.offset;
    if (goesOn) chain!.push(part);
    else chains.push([part]);
  }
  return chains;
}

export const extentOf = (chain: readonly Part[]): Interval => ({
  start: chain[0]!.vma.start,
  end: chain.at(-1)!.vma.end,
});

/** What a mapping needs of its place: so many pages, and `start % alignment === phase`. */
export interface Demand {
  readonly length: number;
  readonly alignment: number;
  readonly phase: number;
}

/**
 * The highest address at or below `vma` that meets the demand and nothing of `taken` (ascending) but
 * `vma` itself; the lowest such address above it where all below is taken.
 */
export function findGap(taken: readonly Interval[], vma: Interval, demand: Demand): number {
  const { length } = demand;
  let start = atOrBelow(vma.start, demand);
  for (const other of taken.toReversed()) {
    if (isWithin(other, vma) || other.start >= start + length) continue;
    if (other.end <= start) break;
    start = atOrBelow(other.start - length, demand);
  }
  if (start >= 0) return start;
  start = atOrAbove(vma.start, demand);
  for (const other of taken) {
    if (isWithin(other, vma) || other.end <= start) continue;
    if (other.start >= start + length) break;
    start = atOrAbove(other.end, demand);
  }
  return start;
}

const isWithin = (inner: Interval, outer: Interval): boolean =>
  outer.start <= inner.start && inner.end <= outer.end;

function atOrBelow(page: number, { alignment, phase }: Demand): number {
  return Math.floor((page - phase) / alignment) * alignment + phase;
}

function atOrAbove(page: number, { alignment, phase }: Demand): number {
  return Math.ceil((page - phase) / alignment) * alignment + phase;
}
