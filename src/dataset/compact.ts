/**
 * Makes one file of the files of a day. They are written into a folder beside that of the day, and
 * the two change places at once: no reader, and no crash, meets a day that has a sample twice or
 * not at all.
 */
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DatasetError } from '../fleet/dataset_error.ts';
import { decodeDataset } from '../fleet/decode.ts';
import { encodeDataset } from '../fleet/encode.ts';
import { commitFile, makeFolder, syncFolder } from './commit.ts';
import { PART_FILE } from './layout.ts';

/** Swaps what two names stand for. @returns whether the file system can */
export type Exchange = (path: string, otherPath: string) => boolean;

/** Beside the folders of days; readers of a dataset pass over names that begin with a dot. */
export const STAGING = '.compact';

/** All samples of the day are in memory meanwhile, at about 30 bytes for each of these. */
const BYTES_MAX = 2 ** 22;

/**
 * Does nothing where the day is one file, or too large, or has a file that cannot be read: a reader
 * is told of that file.
 *
 * @param host the folder of the host
 */
export async function compactDay(
  host: string,
  day: string,
  exchange: Exchange | undefined,
): Promise<void> {
  const folder = join(host, day);
  const names = (await readdir(folder)).sort();
  if (exchange === undefined || names.length < 2) return;
  if (!names.every((name) => PART_FILE.test(name))) return;
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size));
  if (sizes.reduce((sum, size) => sum + size, 0) > BYTES_MAX) return;

  const merged = await mergeFiles(names.map((name) => join(folder, name)));
  if (merged === undefined) return;
  const staging = join(host, STAGING);
  await rm(staging, { recursive: true, force: true });
  await makeFolder(staging);
  await commitFile(join(staging, names[0]!), merged, true);
  if (exchange(staging, folder)) await syncFolder(host);
  // Either what was merged, or what could not be put in place.
  await rm(staging, { recursive: true, force: true });
}

async function mergeFiles(paths: readonly string[]): Promise<Uint8Array | undefined> {
  try {
    const samples = [];
    for (const path of paths) samples.push(...decodeDataset(await readFile(path)));
    return encodeDataset(samples);
  } catch (error) {
    if (error instanceof DatasetError) return undefined;
    throw error;
  }
}
