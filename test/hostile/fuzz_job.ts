/** What the test and its worker thread tell each other. */
import type { Mutant } from './mutate.ts';

export interface FuzzJob {
  readonly seed: number;
  readonly runs: number;
  readonly current: SharedArrayBuffer;
  /** For one file. */
  readonly millisecondsMax: number;
  readonly bytesMax: number;
}

export interface FuzzResult {
  /** The first failure, if there is one, and the smallest file that shows it. */
  readonly failure: { readonly error: string; readonly mutant: Mutant } | undefined;
  readonly accepted: number;
  /** Refusals, by how the file was made, then by what was wrong. */
  readonly refusals: ReadonlyMap<string, ReadonlyMap<string, number>>;
}

/** The file that is being decoded, in memory that outlives the thread. */
export class CurrentFile {
  static readonly BYTES_MAX = 2 ** 20;
  readonly #head: Int32Array;
  readonly #body: Uint8Array;

  constructor(memory: SharedArrayBuffer) {
    this.#head = new Int32Array(memory, 0, 2);
    this.#body = new Uint8Array(memory, 8);
  }

  static allocate(): SharedArrayBuffer {
    return new SharedArrayBuffer(8 + CurrentFile.BYTES_MAX);
  }

  write(file: Uint8Array): void {
    this.#body.set(file.subarray(0, CurrentFile.BYTES_MAX));
    Atomics.store(this.#head, 1, file.length);
    Atomics.add(this.#head, 0, 1);
  }

  /** Changes with every file. */
  get sequence(): number {
    return Atomics.load(this.#head, 0);
  }

  read(): Uint8Array {
    return this.#body.slice(0, Atomics.load(this.#head, 1));
  }
}
