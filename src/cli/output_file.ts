/** Files that are either whole or not there: written beside their place, then put there at once. */
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import {
  type FileHandle,
  mkdir,
  open,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  unlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { fileFailure, wrongUse } from './failure.ts';

/** For its owner only: a snapshot holds the names of files and command lines. */
const MODE = 0o600;
/** For everybody: clients may drop their rights. */
const FOLDER_MODE = 0o755;

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
    else await replace(target, (file) => file.writeFile(content));
  } catch (error) {
    throw fileFailure(`write ${path}`, error, 'Pass a path in a directory that you can write to');
  }
}

/** Bytes of a file, and where they go. */
export interface Part {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/**
 * Puts a file of `bytes` bytes in place that has holes where no part is.
 *
 * @throws Failure if the file cannot be written
 */
export async function writeSparseFile(
  path: string,
  bytes: number,
  parts: Iterable<Part>,
): Promise<void> {
  try {
    const target = await targetOf(path);
    if (target === undefined) {
      throw wrongUse(`Cannot write ${path}: it is no regular file`, 'Name a new file');
    }
    await replace(target, async (file) => {
      await file.truncate(bytes);
      for (const part of parts) await file.write(part.bytes, 0, part.bytes.length, part.offset);
    });
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

async function replace(target: string, fill: (file: FileHandle) => Promise<void>): Promise<void> {
  const nonce = randomBytes(6).toString('hex');
  const beside = join(dirname(target), `.${basename(target)}.${nonce}.partial`);
  unfinished.add(beside);
  try {
    const file = await open(beside, 'wx', MODE);
    try {
      await fill(file);
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

/**
 * Puts a folder in place that `fill` has filled, where nothing is yet but an empty folder.
 *
 * @throws Failure if it cannot be written, or something is there
 */
export async function writeOutputFolder(
  path: string,
  fill: (folder: string) => Promise<void>,
): Promise<void> {
  const target = resolve(path);
  const nonce = randomBytes(6).toString('hex');
  const beside = join(dirname(target), `.${basename(target)}.${nonce}.partial`);
  unfinished.add(beside);
  try {
    await mkdir(beside, { mode: FOLDER_MODE });
    await fill(beside);
    await rename(beside, target);
  } catch (error) {
    await rm(beside, { recursive: true, force: true });
    throw fileFailure(`write ${path}`, error, 'Name a folder that does not exist yet');
  } finally {
    unfinished.delete(beside);
  }
}

export interface TemporaryFile {
  readonly path: string;
  readonly read: () => Promise<Buffer>;
  readonly remove: () => Promise<void>;
}

/** An empty file for its owner only, which goes with the program at the latest. */
export async function temporaryFile(purpose: string): Promise<TemporaryFile> {
  const path = join(tmpdir(), `ptshare-${randomBytes(6).toString('hex')}.${purpose}`);
  unfinished.add(path);
  await (await open(path, 'wx', MODE)).close();
  return {
    path,
    read: () => readFile(path),
    async remove() {
      await unlink(path).catch(() => {});
      unfinished.delete(path);
    },
  };
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
