/** The accesses of one process: recorded, and as columns that can be gone through fast. */
import { assert } from '../../base/assert.ts';

/** More of either are not kept. */
export const ACCESSES_MAX: number = 2 ** 28;
export const PAGES_MAX: number = 2 ** 22;
const CHUNK = 2 ** 18;

/**
 * What a process has accessed, in its order. A record is the index of a page among `pages`, times two,
 * plus one for a store.
 */
export interface AccessLog {
  readonly name: string;
  /** Page numbers, in the order in which they were met. */
  readonly pages: Float64Array;
  readonly chunks: readonly Uint32Array[];
  readonly accesses: number;
  /** By index of a page: 1 if it is stored to. */
  readonly written: Uint8Array;
  /** Instructions that were fetched: no part of the accesses. */
  readonly fetches: number;
}

export class AccessLogWriter {
  readonly #indexes = new Map<number, number>();
  readonly #pages: number[] = [];
  readonly #written: number[] = [];
  readonly #chunks: Uint32Array[] = [];
  #chunk = new Uint32Array(CHUNK);
  #at = 0;
  #last = -1;
  #lastIndex = 0;
  fetches = 0;

  get accesses(): number {
    return this.#chunks.length * CHUNK + this.#at;
  }

  /** Whether no more can be kept. */
  get isFull(): boolean {
    return this.accesses >= ACCESSES_MAX || this.#pages.length >= PAGES_MAX;
  }

  add(page: number, isStore: boolean): void {
    assert(page >= 0, 'a page number is not negative');
    const index = page === this.#last ? this.#lastIndex : this.#indexOf(page);
    if (isStore) this.#written[index] = 1;
    if (this.#at === CHUNK) {
      this.#chunks.push(this.#chunk);
      this.#chunk = new Uint32Array(CHUNK);
      this.#at = 0;
    }
    this.#chunk[this.#at++] = index * 2 + (isStore ? 1 : 0);
  }

  #indexOf(page: number): number {
    let index = this.#indexes.get(page);
    if (index === undefined) {
      index = this.#pages.push(page) - 1;
      this.#written.push(0);
      this.#indexes.set(page, index);
    }
    this.#last = page;
    this.#lastIndex = index;
    return index;
  }

  finish(name: string): AccessLog {
    return {
      name,
      pages: Float64Array.from(this.#pages),
      chunks: [...this.#chunks, this.#chunk.subarray(0, this.#at)],
      accesses: this.accesses,
      written: Uint8Array.from(this.#written),
      fetches: this.fetches,
    };
  }
}
