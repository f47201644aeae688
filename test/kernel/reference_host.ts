/** The kind of host that the rules describe. */
import { readFileSync, statfsSync } from 'node:fs';
import { release } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Judge } from '../live/judge.ts';

const EXT4 = 0xef53;
const SETTINGS: readonly (readonly [string, string])[] = [
  ['/sys/kernel/mm/transparent_hugepage/enabled', '[madvise]'],
  ['/sys/kernel/mm/transparent_hugepage/shmem_enabled', '[never]'],
  ['/proc/sys/vm/overcommit_memory', '0'],
];

/** Linux 6.18 with the settings that the rules were measured with, and a checkout on ext4. */
export const referenceHost: Judge = {
  missing() {
    if (!release().startsWith('6.18.')) return `not Linux 6.18: ${release()}`;
    if (statfsSync(fileURLToPath(new URL('.', import.meta.url))).type !== EXT4) {
      return 'the checkout is not on ext4';
    }
    const other = SETTINGS.find(([path, value]) => !readFileSync(path, 'latin1').includes(value));
    return other && `${other[0]} is not ${other[1]}`;
  },
};
