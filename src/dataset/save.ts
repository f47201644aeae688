/** Writes the samples of many hosts, which come in any order, as a new dataset. */
import { join } from 'node:path';
import { encodeDataset } from '../fleet/encode.ts';
import { dayOf, hostFolder } from '../fleet/partition.ts';
import type { Sample } from '../fleet/sample.ts';
import { commitFile, makeFolder } from './commit.ts';
import { fileOf, folderOf } from './layout.ts';

/** Samples that wait for others of their host and day. */
const WAITING_MAX = 2000;

export class DatasetWriter {
  readonly #root: string;
  readonly #waiting = new Map<string, Sample[]>();
  #waitingCount = 0;

  /** @param root an empty folder */
  constructor(root: string) {
    this.#root = root;
  }

  /** @param sample not one that was added before */
  async add(sample: Sample): Promise<void> {
    const partition = `${sample.hostname}\0${dayOf(sample.takenAt)}`;
    const samples = this.#waiting.get(partition) ?? [];
    this.#waiting.set(partition, samples);
    samples.push(sample);
    if (++this.#waitingCount >= WAITING_MAX) await this.flush();
  }

  /** Writes what waits. */
  async flush(): Promise<void> {
    const partitions = [...this.#waiting.values()];
    this.#waiting.clear();
    this.#waitingCount = 0;
    for (const samples of partitions) {
      samples.sort((a, b) => (a.takenAt < b.takenAt ? -1 : 1));
      await makeFolder(join(this.#root, hostFolder(samples[0]!.hostname)));
      await makeFolder(folderOf(this.#root, samples[0]!));
      // Not durable: it is made of files that are still there.
      await commitFile(fileOf(this.#root, samples[0]!), encodeDataset(samples), false);
    }
  }
}
