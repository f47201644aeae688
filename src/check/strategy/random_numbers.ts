/** Random numbers that a seed repeats. */

/**
 * The generator sfc32: three words of state and a counter, period about 2^128.
 *
 * @source Chris Doty-Humphrey, PractRand 0.95, "Small Fast Counting"
 */
export class RandomNumbers {
  #a: number;
  #b = 0x9e3779b9;
  #c = 0x243f6a88;
  #counter = 1;

  /** @param seed any 32-bit number */
  constructor(seed: number) {
    this.#a = seed | 0;
    for (let i = 0; i < 15; i++) this.#next();
  }

  /** An integer of [0, limit). */
  below(limit: number): number {
    return Math.floor((this.#next() / 2 ** 32) * limit);
  }

  #next(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }
}
