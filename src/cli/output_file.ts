/** Files that are either whole or not there: written beside their place, then put there at once. */
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { open, realpath, rename, stat, unlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileFailure } from './failure.ts';

/** For its owner only: a snapshot holds the names of files and command lines. */
const MODE = 0o600;

const unfinished = new Set<string>();

/**
 * Puts a file in place, instead of one that is there. What is not a regular file (a pipe, a device)
 * is written to as it stands.
 *
 * @throws Failure if the file cannot be written
 */
export async function writeOutputFile(path: string, content: string | Uint8Array): Promise<void> {
  try {
    const target = await targetOf(path);
    if (target === undefined) await writeFile(path, content);
    else await replace(target, content);
  } catch (error) {
    throw fileFailure(`write ${path}`, error, 'Pass a path in a directory that you can write to');
  }
}

/** Where the file goes, symbolic links followed; `undefined` if something else is there. */
async function targetOf(path: string): Promise<string | undefined> {
  try {
    return (await stat(path)).isFile() ? await realpath(path) : undefined;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return path;
    throw error;
  }
}

async function replace(target: string, content: string | Uint8Array): Promise<void> {
  const nonce = randomBytes(6).toString('hex');
  const beside = join(dirname(target), `.${basename(target)}.${nonce}.partial`);
  unfinished.add(beside);
  try {
    const file = await open(beside, 'wx', MODE);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, target);
  } catch (error) {
    await unlink(beside).catch(() => {});
    throw error;
  } finally {
    unfinished.delete(beside);
  }
}

/** Has what is at `path` removed when `work` fails, or the program ends before it is done. */
export async function removedOnTheWayOut<T>(path: string, work: () => Promise<T>): Promise<T> {
  unfinished.add(path);
  try {
    return await work();
  } catch (error) {
    rmSync(path, { recursive: true, force: true });
    throw error;
  } finally {
    unfinished.delete(path);
  }
}

/** Removes what is not finished. For the way out: it does not wait. */
export function removeUnfinishedFiles(): void {
  for (const path of unfinished) {
    try {
      // What is not there was not created yet, or put in place just now.
      rmSync(path, { recursive: true, force: true });
    } catch {
      // Something is still written to a folder: the rest of it stays.
    }
  }
}
