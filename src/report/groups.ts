/** Groups of processes: what a report adds up by. */
import type { Mm } from '../snapshot/records.ts';

/** Name of the group of the kernel's own tables. */
export const KERNEL_GROUP = '[kernel]';

/** The group that a process is counted in: programs of one name, as `comm` has it. */
export function groupOf(mm: Mm): string {
  return mm.comm;
}
