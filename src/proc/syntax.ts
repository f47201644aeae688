/** What the parsers of `/proc` have in common: how they refuse a text. */

/**
 * Thrown when a `/proc` file is not what Linux writes.
 *
 * Extends `SyntaxError`, as `JSON.parse()` does, so that a caller can catch either.
 */
export class ProcSyntaxError extends SyntaxError {
  override readonly name = 'ProcSyntaxError';
  /** The name of the file below `/proc/PID` or `/proc`. */
  readonly file: string;
  /** 1-based. */
  readonly line: number;

  constructor(what: string, file: string, line: number, text: string) {
    super(`Cannot parse ${file}:${line}: ${what}: current line is ${quote(text)}`);
    this.file = file;
    this.line = line;
  }
}

/** A hostile line may be megabytes long: an error shows its beginning. */
const SHOWN_CHARACTERS_MAX = 120;

function quote(text: string): string {
  const shown = text.slice(0, SHOWN_CHARACTERS_MAX);
  return JSON.stringify(shown.length < text.length ? `${shown}...` : shown);
}
