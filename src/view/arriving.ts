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
  #next: Promise<void>;

  constructor(stream: ReadableStream<Uint8Array>, size: number) {
    this.bytes = new Uint8Array(size);
    this.#reader = stream.getReader();
    this.#next = this.#read();
  }

  get isWhole(): boolean {
    return this.count === this.bytes.length;
  }

  /** Waits until so many bytes are there, or all. @throws ArrivalError */
  async until(count: number): Promise<void> {
    while (this.count < count && !this.isWhole) await this.#next;
  }

  /** Goes on by itself to the end, whether anybody waits or not. */
  async #read(): Promise<void> {
    const { done, value } = await this.#reader.read();
    if (done || this.count + value.length > this.bytes.length) {
      throw new ArrivalError('The file has changed while it was read');
    }
    this.bytes.set(value, this.count);
    this.count += value.length;
    if (this.isWhole) return;
    this.#next = this.#read();
    // Told to whoever waits for it.
    this.#next.catch(() => {});
  }
}

/** @param source a file that the user has opened, or an address on the server of the page */
export async function arriving(source: Blob | string, size: number): Promise<Arriving> {
  if (typeof source !== 'string') return new Arriving(source.stream(), size);
  const { ok, body, statusText } = await fetch(source);
  if (!ok || body === null) throw new ArrivalError(`The server refuses the file: ${statusText}`);
  return new Arriving(body, size);
}
