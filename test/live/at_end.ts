/**
 * What must be undone however a test ends: by returning, by failing, or because someone pressed
 * Ctrl-C or the runner ran out of patience.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const REMOVALS_MAX = 20;
const AGAIN_MS = 100;

const undoings: (() => void)[] = [];

/** Runs `undo`, which must not wait for anything, at the end of the process or when called. */
export function atEnd(undo: () => void): () => void {
  undoings.push(undo);
  return () => {
    const index = undoings.indexOf(undo);
    if (index < 0) return;
    undoings.splice(index, 1);
    undo();
  };
}

process.on('exit', () => {
  for (let undo = undoings.pop(); undo !== undefined; undo = undoings.pop()) {
    try {
      undo();
    } catch (error) {
      // One that fails must not keep the others from their turn.
      process.stderr.write(`${error}\n`);
    }
  }
});
for (const [signal, status] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  process.on(signal, () => process.exit(status));
}

/** A folder that is gone when the process is. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ptshare-test-'));
  atEnd(() => remove(folder, REMOVALS_MAX));
  return folder;
}

/** Programs that were just told to end may still write into `folder`. */
function remove(folder: string, attempts: number): void {
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch (error) {
    if (attempts === 1) throw error;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, AGAIN_MS);
    remove(folder, attempts - 1);
  }
}
