/** Faults that find nothing to do, one after the other. */
import type { Machine } from '../machine.ts';
import { violate } from '../world/property.ts';

/**
 * Counts them: two in a row in which nobody has written an entry of a table, and the next ones will
 * end like them, for good.
 *
 * @param writes entries of tables written when the last one began
 * @param idle   how many there were before it
 * @returns how many there are with it, or -1 if it goes on for good
 */
export function idleFaults(machine: Machine, writes: number, idle: number): number {
  if (machine.entryWrites[0] !== writes) return 0;
  if (idle === 0) return 1;
  violate(machine, 'P-LIVE');
  return -1;
}
