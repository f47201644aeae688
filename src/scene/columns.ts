/** Columns of numbers that grow. */
export class Column {
  #values = new Uint32Array(64);
  length = 0;

  push(value: number): void {
    if (this.length === this.#values.length) {
      const grown = new Uint32Array(this.length * 2);
      grown.set(this.#values);
      this.#values = grown;
    }
    this.#values[this.length++] = value;
  }

  set(index: number, value: number): void {
    this.#values[index] = value;
  }

  at(index: number): number {
    return this.#values[index]!;
  }

  /** A copy of its own length. */
  finish(): Uint32Array<ArrayBuffer> {
    return this.#values.slice(0, this.length);
  }
}

/** The same of times, which need more than 32 bits. */
export class TimeColumn {
  #values = new Float64Array(64);
  length = 0;

  push(value: number): void {
    if (this.length === this.#values.length) {
      const grown = new Float64Array(this.length * 2);
      grown.set(this.#values);
      this.#values = grown;
    }
    this.#values[this.length++] = value;
  }

  finish(): Float64Array<ArrayBuffer> {
    return this.#values.slice(0, this.length);
  }
}
