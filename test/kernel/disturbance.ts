/** What the kernel does now and then by itself, counted: no rule to learn, but a reason to ask again. */
import { readFileSync } from 'node:fs';

const COLLAPSED = '/sys/kernel/mm/transparent_hugepage/khugepaged/pages_collapsed';
/** Huge pages that were not to be had. */
const FAILED = /^thp_(?:fault_fallback|collapse_alloc_failed) (\d+)$/gm;

/** Huge pages that khugepaged has made, and those that could not be had, since the host was started. */
export function countDisturbances(): number {
  const failed = [...readFileSync('/proc/vmstat', 'latin1').matchAll(FAILED)];
  return failed.reduce(
    (sum, [, count]) => sum + Number(count),
    Number(readFileSync(COLLAPSED, 'latin1')),
  );
}
