/** The host's pool of 2 MiB pages, raised for a test and put back after it. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { atEnd } from './at_end.ts';

const POOL = '/proc/sys/vm/nr_hugepages';

/** Pages of 2 MiB in the pool. */
export function hugePages(): number {
  return Number(readFileSync(POOL, 'latin1'));
}

/**
 * Adds pages of 2 MiB to the pool.
 *
 * @returns puts the pool back; happens by itself at the end of the process
 */
export function raiseHugePages(count: number): () => void {
  const before = hugePages();
  const restore = atEnd(() => writeFileSync(POOL, String(before)));
  writeFileSync(POOL, String(before + count));
  const after = hugePages();
  if (after < before + count) restore();
  assert.equal(after, before + count, 'the host has memory for as many huge pages');
  return restore;
}
