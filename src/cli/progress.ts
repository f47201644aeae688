/** A spinner on stderr, for what takes longer than a second and someone watches. */
import ora, { type Ora } from 'ora';
import { printable } from '../report/printable.ts';

const DELAY_MS = 1000;

/** Runs `work`, which may say how far it is. */
export async function withProgress<T>(
  text: string,
  work: (say: (detail: string) => void) => Promise<T>,
): Promise<T> {
  if (!process.stderr.isTTY) return work(() => {});
  let shown = text;
  let spinner: Ora | undefined;
  const timer = setTimeout(() => {
    // The cursor stays, so that nothing needs to be put right when a signal ends the program.
    spinner = ora({ text: shown, discardStdin: false, hideCursor: false }).start();
  }, DELAY_MS);
  try {
    return await work((detail) => {
      shown = `${text}: ${printable(detail)}`;
      if (spinner !== undefined) spinner.text = shown;
    });
  } finally {
    clearTimeout(timer);
    spinner?.stop();
  }
}
