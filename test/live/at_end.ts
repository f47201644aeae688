/**
 * What must be undone however a test ends: by returning, by failing, or because someone pressed
 * Ctrl-C or the runner ran out of patience.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

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
  while (undoings.length > 0) undoings.pop()!();
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
  atEnd(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }));
  return folder;
}
