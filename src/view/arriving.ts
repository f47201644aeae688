/** The bytes of a file that arrives while it is read, in the worker. */

/** The file is not what was announced, or does not come. */
export class ArrivalError extends Error {
  override readonly name = 'ArrivalError';
  readonly mend = 'Open it again';
}

export class Arriving {
  /** Of the whole file: what has not arrived is zero. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** How many of them are there, from the beginning on. */
  count = 0;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #next: Promise<void> | undefined;
  #isFlowing = false;

  constructor(stream: ReadableStream<Uint8Array>, size: number) {
    this.bytes = new Uint8Array(size);
    this.#reader = stream.getReader();
  }

  get isWhole(): boolean {
    return this.count === this.bytes.length;
  }

  /** Waits until so many bytes are there, or all. @throws ArrivalError */
  async until(count: number): Promise<void> {
    while (this.count < count && !this.isWhole) await this.#more();
  }

  /**
   * Lets the rest come by itself, whether anybody waits or not. Until then no more comes than is
   * waited for, so that nothing competes with whoever shows the beginning.
   */
  flow(): void {
    if (this.#isFlowing) return;
    this.#isFlowing = true;
    // A failure comes again when somebody waits.
    this.until(this.bytes.length).catch(() => {});
  }

  #more(): Promise<void> {
    this.#next ??= this.#read();
    return this.#next;
  }

  async #read(): Promise<void> {
    const { done, value } = await this.#reader.read().catch(() => {
      throw new ArrivalError('The file comes no further');
    });
    if (done || this.count + value.length > this.bytes.length) {
      throw new ArrivalError('The file has changed while it was read');
    }
    this.bytes.set(value, this.count);
    this.count += value.length;
    this.#next = undefined;
  }
}

/** @param source a file that the user has opened, or an address on the server of the page */
export async function arriving(source: Blob | string, size: number): Promise<Arriving> {
  if (typeof source !== 'string') return new Arriving(source.stream(), size);
  const { ok, body, statusText } = await fetch(source);
  if (!ok || body === null) throw new ArrivalError(`The server refuses the file: ${statusText}`);
  return new Arriving(body, size);
}
