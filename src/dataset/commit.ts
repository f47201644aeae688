/** Puts files in place whole: a reader, and a crash, sees the old one or the new one. */
import { randomBytes } from 'node:crypto';
import { mkdir, open, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** For its owner only: names of files and programs are in it. */
const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;

/** What a crash leaves of a file that was not finished. */
export const PARTIAL = /^\..*\.partial$/;

/**
 * Writes `content` beside its place, on the disk, and then into its place, whose folder exists.
 *
 * @param isDurable whether it must survive a loss of power the moment this returns
 */
export async function commitFile(
  path: string,
  content: Uint8Array,
  isDurable: boolean,
): Promise<void> {
  const folder = dirname(path);
  const nonce = randomBytes(6).toString('hex');
  const partial = join(folder, `.${basename(path)}.${nonce}.partial`);
  try {
    const file = await open(partial, 'wx', FILE_MODE);
    try {
      await file.writeFile(content);
      if (isDurable) await file.sync();
    } finally {
      await file.close();
    }
    await rename(partial, path);
  } catch (error) {
    await unlink(partial).catch(() => {});
    throw error;
  }
  if (isDurable) await syncFolder(folder);
}

/** Makes the last folder of `path`, if it is not there. */
export async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { mode: FOLDER_MODE }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
}

/** Until then, a new name in a folder may be lost with the power. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
