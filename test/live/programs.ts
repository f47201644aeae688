/** Programs that tests start, watch and end: never any other process. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { atEnd, temporaryFolder } from './at_end.ts';

export interface RunningProgram {
  readonly pid: number;
  /** The next line of its output, errors included, that matches; those before it are passed over. */
  line(pattern: RegExp): Promise<string>;
  /** Ends it with `signal`, and returns when it is gone. */
  end(signal?: NodeJS.Signals): Promise<void>;
  /** Closes its standard input, which is how it is told to end, and returns when it is gone. */
  endInput(): Promise<void>;
}

const PATIENCE_MS = 120_000;

/**
 * Starts a program, which is killed at the latest when this process ends; with the option
 * `detached`, together with the programs that it started.
 */
export function start(
  program: string,
  argv: readonly string[],
  options: SpawnOptions = {},
): RunningProgram {
  const child = spawn(program, argv, { ...options, stdio: ['pipe', 'pipe', 'pipe'] });
  assert.ok(child.pid !== undefined, `${program} starts`);
  const kill = atEnd(() => signal(child, options, options.killSignal ?? 'SIGKILL'));
  const gone = once(child, 'exit');
  const silent = once(child, 'close');
  const output = new Lines(child);
  const wait = async (): Promise<void> => {
    child.ref();
    await gone;
    kill();
  };
  // A test that fails without ending it must not wait for it: `atEnd` does the rest.
  child.unref();
  return {
    pid: child.pid,
    async line(pattern) {
      const patience = new AbortController();
      const found = await Promise.race([
        output.next(pattern),
        silent.then(() => undefined),
        sleep(PATIENCE_MS, undefined, { signal: patience.signal }),
      ]);
      patience.abort();
      assert.ok(found !== undefined, `${program} prints ${pattern}, not ${output.rest()}`);
      return found;
    },
    async end(how = 'SIGTERM') {
      signal(child, options, how);
      await wait();
    },
    async endInput() {
      child.stdin!.end();
      await wait();
    },
  };
}

function signal(child: ChildProcess, options: SpawnOptions, how: NodeJS.Signals | number): void {
  if (child.exitCode !== null || child.signalCode !== null) return;
  process.kill(options.detached === true ? -child.pid! : child.pid!, how);
}

class Lines {
  readonly #lines: string[] = [];
  #look: () => void = () => {};

  constructor(child: ChildProcess) {
    for (const stream of [child.stdout!, child.stderr!]) {
      (stream as Socket).unref();
      createInterface({ input: stream }).on('line', (text) => {
        this.#lines.push(text);
        this.#look();
      });
    }
  }

  next(pattern: RegExp): Promise<string> {
    return new Promise((resolve) => {
      this.#look = () => {
        const index = this.#lines.findIndex((text) => pattern.test(text));
        if (index < 0) return;
        this.#look = () => {};
        resolve(this.#lines.splice(0, index + 1)[index]!);
      };
      this.#look();
    });
  }

  rest(): string {
    return JSON.stringify(this.#lines.slice(-20));
  }
}

/** Compiles a C program of this folder; returns the path of the result. */
export function compile(source: string, ...flags: readonly string[]): string {
  // From dist/test/live/ back to the sources, which the TypeScript compiler does not copy.
  const path = fileURLToPath(new URL(`../../../test/live/${source}`, import.meta.url));
  const binary = join(temporaryFolder(), source.replace(/\.c$/, ''));
  execFileSync('gcc', ['-O1', '-Wall', '-Werror', ...flags, '-o', binary, path]);
  return binary;
}
