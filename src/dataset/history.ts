/**
 * The history of one host: samples as they come, on a disk that does not fill up.
 *
 * The samples of an hour are one file, which is written again with each sample: a crash at any
 * moment leaves the old one or the new one. Files of a day become one when it is over.
 */
import { readdir, rm, rmdir, stat } from 'node:fs/promises';
import type { Server } from 'node:net';
import { join } from 'node:path';
import { encodeDataset } from '../fleet/encode.ts';
import { dayOf, hostFolder } from '../fleet/partition.ts';
import type { Sample } from '../fleet/sample.ts';
import { commitFile, makeFolder, PARTIAL, syncFolder } from './commit.ts';
import { compactDay, type Exchange, STAGING } from './compact.ts';
import { DAY_FOLDER, fileOf, folderOf, PART_FILE } from './layout.ts';
import { lockFolder } from './lock.ts';

export interface HistoryOptions {
  readonly root: string;
  readonly hostname: string;
  /** Days that are kept, today included. */
  readonly days: number;
  /** Bytes of all files of this host. */
  readonly bytes: number;
  /** Where the kernel can swap two names; days stay in several files without. */
  readonly exchange?: Exchange | undefined;
}

/** Another process records this host into this dataset. */
export class HistoryInUse extends Error {
  override readonly name = 'HistoryInUse';
}

/** Samples of one file: it is encoded again with each. */
const SAMPLES_MAX = 60;
const HOUR_LENGTH = 'YYYY-MM-DDTHH'.length;

export class History {
  readonly #options: HistoryOptions;
  readonly #folder: string;
  readonly #lock: Server;
  #open: Sample[] = [];

  /** @throws HistoryInUse, or an error of the file system */
  static async open(options: HistoryOptions): Promise<History> {
    const folder = join(options.root, hostFolder(options.hostname));
    await makeFolder(options.root);
    await makeFolder(folder);
    const lock = await lockFolder(folder);
    if (lock === undefined) throw new HistoryInUse('Another process records this host there');
    const history = new History(options, folder, lock);
    await history.#removeLeftovers();
    return history;
  }

  private constructor(options: HistoryOptions, folder: string, lock: Server) {
    this.#options = options;
    this.#folder = folder;
    this.#lock = lock;
  }

  close(): void {
    this.#lock.close();
  }

  /** When this returns, the sample is on the disk. @param sample later than those before */
  async add(sample: Sample): Promise<void> {
    const isNewFile = !this.#isOfOpenFile(sample);
    if (isNewFile) {
      this.#open = [];
      await makeFolder(folderOf(this.#options.root, sample));
      await syncFolder(this.#folder);
    }
    this.#open.push(sample);
    await commitFile(fileOf(this.#options.root, this.#open[0]!), encodeDataset(this.#open), true);
    if (isNewFile) await this.#maintain(dayOf(sample.takenAt));
  }

  #isOfOpenFile({ takenAt }: Sample): boolean {
    const first = this.#open[0];
    return (
      first !== undefined &&
      this.#open.length < SAMPLES_MAX &&
      first.takenAt.slice(0, HOUR_LENGTH) === takenAt.slice(0, HOUR_LENGTH)
    );
  }

  async #removeLeftovers(): Promise<void> {
    await rm(join(this.#folder, STAGING), { recursive: true, force: true });
    for (const day of await this.#days()) {
      for (const name of await readdir(join(this.#folder, day))) {
        if (PARTIAL.test(name)) await rm(join(this.#folder, day, name), { force: true });
      }
    }
  }

  async #maintain(today: string): Promise<void> {
    for (const day of await this.#days()) {
      const isOver = DAY_FOLDER.exec(day)![1]! < today;
      if (isOver) await compactDay(this.#folder, day, this.#options.exchange);
    }
    await this.#rotate(today);
  }

  /** Removes what is too old, and then the oldest until the rest is small enough. */
  async #rotate(today: string): Promise<void> {
    const oldest = new Date(Date.parse(today) - (this.#options.days - 1) * 86_400_000);
    const keptFrom = `day=${dayOf(oldest.toISOString())}`;
    const open = fileOf(this.#options.root, this.#open[0]!);
    const files: { path: string; bytes: number }[] = [];
    for (const day of await this.#days()) {
      const folder = join(this.#folder, day);
      for (const name of (await readdir(folder)).filter((name) => PART_FILE.test(name)).sort()) {
        const path = join(folder, name);
        if (day < keptFrom) await rm(path, { force: true });
        else files.push({ path, bytes: (await stat(path)).size });
      }
    }
    let bytes = files.reduce((sum, file) => sum + file.bytes, 0);
    for (const file of files) {
      if (bytes <= this.#options.bytes || file.path === open) break;
      await rm(file.path, { force: true });
      bytes -= file.bytes;
    }
    // Those that are empty now.
    for (const day of await this.#days()) await rmdir(join(this.#folder, day)).catch(() => {});
  }

  /** Folders of days, oldest first. */
  async #days(): Promise<string[]> {
    return (await readdir(this.#folder)).filter((name) => DAY_FOLDER.test(name)).sort();
  }
}
