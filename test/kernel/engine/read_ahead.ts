/** How much the disk reads ahead on which the kernel's judge has its files. */
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { EXECUTOR_ARGUMENTS } from '../kernel_judge.ts';

const PAGE_KB = 4;

let known: number | undefined;

/** In pages. */
export function readAheadPages(): number {
  known ??= find(EXECUTOR_ARGUMENTS[0]!);
  return known;
}

function find(folder: string): number {
  mkdirSync(folder, { recursive: true });
  const { dev } = statSync(folder);
  const major = (dev >>> 8) & 0xfff;
  const minor = (dev & 0xff) | ((dev >>> 12) & 0xfff00);
  // Of a partition, it is the whole disk's.
  const disk = `/sys/dev/block/${major}:${minor}`;
  const path = ['queue', '../queue']
    .map((queue) => `${disk}/${queue}/read_ahead_kb`)
    .find((candidate) => existsSync(candidate));
  return path === undefined ? 0 : Number(readFileSync(path, 'latin1')) / PAGE_KB;
}
