/** Horizontal bars in eighths of a column. */
import type { Canvas } from './canvas.ts';

/** `share` (0 to 1) of `width` columns; whatever is more than nothing leaves a mark. */
export function bar({ symbols }: Canvas, share: number, width: number): string {
  const steps = symbols.partial.length + 1;
  const bounded = Math.min(Math.max(share, 0), 1);
  const total = Math.max(Math.round(bounded * width * steps), bounded > 0 ? 1 : 0);
  const full = Math.floor(total / steps);
  return symbols.full.repeat(full) + (symbols.partial[(total % steps) - 1] ?? '');
}

export interface Segment {
  readonly share: number;
  readonly paint: (cells: string) => string;
  readonly symbol: string;
}

/** Segments side by side that together fill `width` columns; each that is not 0 gets one or more. */
export function stackedBar(segments: readonly Segment[], width: number): string {
  const shown = segments.filter(({ share }) => share > 0);
  const total = shown.reduce((sum, { share }) => sum + share, 0);
  const cells = shown.map(({ share }) => Math.max(Math.round((share / total) * width), 1));
  // Rounding is settled with the longest, where a column more or less is seen least.
  const longest = cells.indexOf(Math.max(...cells));
  const excess = cells.reduce((sum, count) => sum + count, 0) - width;
  if (longest !== -1) cells[longest] = Math.max(cells[longest]! - excess, 0);
  return shown.map(({ paint, symbol }, i) => paint(symbol.repeat(cells[i]!))).join('');
}
