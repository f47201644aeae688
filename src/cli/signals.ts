/** Ctrl-C and its relatives, and readers that hang up. */
import { ExitCode } from './failure.ts';
import { removeUnfinishedFiles } from './output_file.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * From now on a signal removes what is unfinished, and then does what it always does: a shell sees
 * 130 for Ctrl-C. Not by process.exit(), which would wait for a read that hangs.
 */
export function endCleanlyOnSignals(): void {
  for (const signal of SIGNALS) {
    process.once(signal, () => {
      removeUnfinishedFiles();
      process.kill(process.pid, signal);
    });
  }
}

/** From now on a signal does at once what it always does: for what keeps the event loop busy. */
export function endAtOnceOnSignals(): void {
  for (const signal of SIGNALS) process.removeAllListeners(signal);
}

/**
 * From now on the first signal calls `stop` and no more; the second one ends the program.
 *
 * @returns lets the first signal, if there was one, do what it always does
 */
export function stopOnSignals(stop: () => void): () => void {
  let first: NodeJS.Signals | undefined;
  endAtOnceOnSignals();
  for (const signal of SIGNALS) {
    process.once(signal, () => {
      first = signal;
      endAtOnceOnSignals();
      endCleanlyOnSignals();
      stop();
    });
  }
  return () => {
    if (first === undefined) return;
    removeUnfinishedFiles();
    endAtOnceOnSignals();
    process.kill(process.pid, first);
  };
}

/** `ptshare | head` has what it wants: that is a fine end, not an error. */
export function endQuietlyOnClosedPipe(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    removeUnfinishedFiles();
    process.exit(ExitCode.FINE);
  });
}
