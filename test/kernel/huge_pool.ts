/** Whether the host can set huge pages aside for a test, and nobody else uses its pool. */
import { readFileSync } from 'node:fs';
import type { Judge } from '../live/judge.ts';

const HUGE_KIB = 2048;
/** What is left to everybody else. */
const SPARE_KIB = 1 << 20;

/** A pool of 2 MiB pages that is empty, and memory to have `pages` of them. */
export function hugePool(pages: number): Judge {
  return {
    missing() {
      const text = readFileSync('/proc/meminfo', 'latin1');
      const amountOf = (name: string): number =>
        Number(new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(text)?.[1] ?? 0);
      const isUsed = amountOf('HugePages_Total') > amountOf('HugePages_Free');
      if (isUsed || amountOf('HugePages_Rsvd') > 0) return 'others use huge pages of this host';
      const isEnough = amountOf('MemAvailable') > pages * HUGE_KIB + SPARE_KIB;
      return isEnough ? undefined : `not enough memory for ${pages} huge pages`;
    },
  };
}
