/** A C program that does on the running kernel what a benchmark does in the engine, in turns with it. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export class LiveKernel {
  readonly #folder: string;
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  /** @param source below `bench/`: it answers each line of input with a number */
  constructor(source: string) {
    this.#folder = mkdtempSync(join(tmpdir(), 'ptshare-bench-'));
    const program = join(this.#folder, 'program');
    // From dist/bench/ back to bench/.
    const path = fileURLToPath(new URL(`../../bench/${source}`, import.meta.url));
    try {
      execFileSync('gcc', ['-O2', '-Wall', '-Werror', '-o', program, path]);
      const child = spawn(program, { stdio: ['pipe', 'pipe', 'inherit'] });
      this.#child = child;
      this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    } catch (error) {
      rmSync(this.#folder, { recursive: true });
      throw error;
    }
  }

  /** One turn. @returns the number it answers with */
  async measure(): Promise<number> {
    this.#child.stdin!.write('\n');
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error('The program for the running kernel has ended');
    return Number(value);
  }

  close(): void {
    this.#child.stdin!.end();
    rmSync(this.#folder, { recursive: true });
  }
}

export const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1]!;
