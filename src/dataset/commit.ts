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
 * Writes `content` beside its place, on the disk, and then into its place.
 *
 * @param isDurable whether it must survive a loss of power the moment this returns
 */
export async function commitFile(
  path: string,
  content: Uint8Array,
  isDurable: boolean,
): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true, mode: FOLDER_MODE });
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

/** Until then, a new name in a folder may be lost with the power. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
