/** The token that whoever asks for metrics must have. */
import { createReadStream } from 'node:fs';
import { fileFailure, wrongUse } from '../failure.ts';

const LENGTH_MAX = 1024;
/** A header carries it, and nobody guesses it. */
const TOKEN = /^[!-~]{16,}$/;
const MEND = 'Make one: openssl rand -hex 32 > FILE, which Prometheus may read, too';

/** @throws Failure if there is none in the file */
export async function readToken(path: string): Promise<string> {
  // What has no end is not read to it.
  const stream = createReadStream(path, { encoding: 'latin1', end: LENGTH_MAX });
  const parts: string[] = await stream.toArray().catch((error: unknown) => {
    throw fileFailure(`read the token in ${path}`, error, MEND);
  });
  const text = parts.join('').trim();
  if (text.length <= LENGTH_MAX && TOKEN.test(text)) return text;
  throw wrongUse(
    `Cannot use the token in ${path}: it is not of 16 to ${LENGTH_MAX} characters without a space`,
    MEND,
  );
}
