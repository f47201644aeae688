/** What the engine counts while it runs, as JSON. */
import { z } from 'zod';

export const count = z.number().int().nonnegative();
export const bytes = z.number().nonnegative();

/** Of a phase, or of an event. */
export const counters = {
  faults: count.describe('page faults'),
  flushes: count.describe('flushes by a CPU of its own TLB'),
  fullFlushes: count.describe('of these, of all that it holds'),
  ipis: count.describe('interrupts that ask another CPU to flush'),
  locks: count.describe('locks taken'),
  entriesWritten: count.describe('writes to page-table entries'),
  tablesMade: count.describe('page tables allocated'),
  accesses: count.describe('loads and stores of programs'),
  tlbMisses: count.describe('accesses that no TLB could translate'),
  walkReferences: count.describe('entries that page-table walks have read'),
};
