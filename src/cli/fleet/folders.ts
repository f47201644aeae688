/** Folders that are whole or not there at all. */
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { Failure, fileFailure, wrongUse } from '../failure.ts';
import { removedOnTheWayOut } from '../output_file.ts';

const MEND = 'Pass a folder that is empty or not there, where you can write to';

/**
 * Has `fill` write into a folder beside `path`, and then puts it there.
 *
 * @throws Failure if something is there, or it cannot be written
 */
export async function withNewFolder<T>(
  path: string,
  fill: (folder: string) => Promise<T>,
): Promise<T> {
  const target = resolve(path);
  if (await isInUse(path)) throw wrongUse(`Cannot write to ${path}: it is not empty`, MEND);
  const nonce = randomBytes(6).toString('hex');
  const beside = join(dirname(target), `.${basename(target)}.${nonce}.partial`);
  try {
    return await removedOnTheWayOut(beside, async () => {
      await mkdir(beside, { mode: 0o700 });
      const result = await fill(beside);
      // It may be there, and empty.
      await rmdir(target).catch(() => {});
      await rename(beside, target);
      return result;
    });
  } catch (error) {
    throw error instanceof Failure ? error : fileFailure(`write to ${path}`, error, MEND);
  }
}

async function isInUse(path: string): Promise<boolean> {
  try {
    return (await readdir(path)).length > 0;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
    throw fileFailure(`write to ${path}`, error, MEND);
  }
}

export async function withTemporaryFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'ptshare-'));
  return removedOnTheWayOut(folder, async () => {
    try {
      return await use(folder);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
}
