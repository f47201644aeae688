/** The pages of a file that are in memory: which frame is page number so and so. */
import { NONE } from '../world/world.ts';

/** Pages of one chunk: what is looked up by one step of a map. */
const CHUNK = 64;

/**
 * An array with holes, in chunks: at most 4 bytes a page where it is dense.
 *
 * @source lib/xarray.c, which it stands for
 */
export class PageCache {
  /** Frame + 1 of each page of a chunk, 0 where there is none. Not `#`: states are copied. */
  private readonly chunks = new Map<number, Int32Array>();
  private count = 0;

  get size(): number {
    return this.count;
  }

  /** The frame of page `index`, or `NONE`. */
  get(index: number): number {
    const chunk = this.chunks.get(Math.floor(index / CHUNK));
    return chunk === undefined ? NONE : chunk[index % CHUNK]! - 1;
  }

  set(index: number, frame: number): void {
    const number = Math.floor(index / CHUNK);
    let chunk = this.chunks.get(number);
    if (chunk === undefined) {
      chunk = new Int32Array(CHUNK);
      this.chunks.set(number, chunk);
    }
    if (chunk[index % CHUNK] === 0) this.count++;
    chunk[index % CHUNK] = frame + 1;
  }

  delete(index: number): void {
    const chunk = this.chunks.get(Math.floor(index / CHUNK));
    if (chunk === undefined || chunk[index % CHUNK] === 0) return;
    chunk[index % CHUNK] = 0;
    this.count--;
  }

  /** The pages of `[start, end)` that are there, upwards. */
  within(start: number, end: number): number[] {
    const found: number[] = [];
    const numbers = [...this.chunks.keys()].sort((a, b) => a - b);
    for (const number of numbers) {
      const base = number * CHUNK;
      if (base + CHUNK <= start || base >= end) continue;
      const chunk = this.chunks.get(number)!;
      for (let at = 0; at < CHUNK; at++) {
        const index = base + at;
        if (chunk[at] !== 0 && index >= start && index < end) found.push(index);
      }
    }
    return found;
  }

  /** The frames of all pages. */
  values(): number[] {
    return this.within(0, Number.POSITIVE_INFINITY).map((index) => this.get(index));
  }
}
