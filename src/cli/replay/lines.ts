/** Chunks cut into lines, in as much memory as the longest line that is allowed takes. */

const NEWLINE = 0x0a;

export class Lines {
  readonly #lengthMax: number;
  readonly #onLine: (line: string) => void;
  /** What there is of the line that goes on. */
  #rest = '';

  /** @param lengthMax of longer lines, one character more than that is given */
  constructor(lengthMax: number, onLine: (line: string) => void) {
    this.#lengthMax = lengthMax;
    this.#onLine = onLine;
  }

  push(chunk: Buffer): void {
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(NEWLINE, start);
      if (end < 0) break;
      this.#line(this.#joined(chunk, start, end));
      this.#rest = '';
      start = end + 1;
    }
    this.#rest = this.#joined(chunk, start, chunk.length);
  }

  /** The last line may have no end. */
  end(): void {
    if (this.#rest !== '') this.#line(this.#rest);
    this.#rest = '';
  }

  #joined(chunk: Buffer, start: number, end: number): string {
    const room = this.#lengthMax + 1 - this.#rest.length;
    return this.#rest + chunk.toString('latin1', start, Math.min(end, start + room));
  }

  #line(line: string): void {
    this.#onLine(line.endsWith('\r') ? line.slice(0, -1) : line);
  }
}
