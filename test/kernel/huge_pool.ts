/** Whether the host can set huge pages aside for a test, and nobody else uses its pool. */
import { readFileSync } from 'node:fs';
import type { Judge } from '../live/judge.ts';

const HUGE_KIB = 2048;
/** What is left to everybody else. */
const SPARE_KIB = 1 << 20;

function amountOf(name: string): number {
  const text = readFileSync('/proc/meminfo', 'latin1');
  return Number(new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(text)?.[1] ?? 0);
}

/** Memory for `pages` huge pages. */
export function hugePool(pages: number): Judge {
  return {
    missing() {
      const isEnough = amountOf('MemAvailable') > pages * HUGE_KIB + SPARE_KIB;
      return isEnough ? undefined : `not enough memory for ${pages} huge pages`;
    },
  };
}

/** Why what is counted in the pool would not be the test's own. Asked when other tests are over. */
export function poolIsUsed(): string | undefined {
  const isUsed = amountOf('HugePages_Total') > amountOf('HugePages_Free');
  return isUsed || amountOf('HugePages_Rsvd') > 0
    ? 'others use huge pages of this host'
    : undefined;
}
