/** What a walk holds where it looks at a page, in both forms; docs/walker.md says the same. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { WalkForm } from '../../src/mm/index.ts';
import { CALLS, callTable, heldDuring, lockTable, MEMORIES, mostLocks } from './lock_trace.ts';

const MEND = 'run: node tools/walker_doc.mjs docs/walker.md';
const MMAP = 'mmap_lock (read)';
const VMA = 'hugetlb_vma_lock (read)';
const I_MMAP = 'i_mmap_rwsem (write)';
const TABLE = 'page-table lock (write)';

/** The locks of the first look at a page. */
function locksOf(name: string, form: WalkForm): readonly string[] {
  const memory = MEMORIES.find((one) => one.name === name)!;
  return heldDuring(memory, form).find(({ entry }) => entry === 'look')!.locks;
}

test('a page is looked at under the mmap lock, that of its VMA of hugetlb, and of its table', () => {
  for (const form of [WalkForm.LEGACY, WalkForm.UNIFIED]) {
    const locks = (name: string): readonly string[] => locksOf(name, form);
    assert.deepEqual(locks('a small page'), [MMAP, TABLE]);
    assert.deepEqual(locks('a transparent huge page'), [MMAP, TABLE]);
    assert.deepEqual(locks('hugetlb, in a table that two processes share'), [MMAP, VMA, TABLE]);
    assert.deepEqual(locks('hugetlb, private'), [MMAP, VMA, TABLE]);
    assert.deepEqual(locks('hugetlb in a VMA without VM_HUGETLB, as proposed'), [MMAP, TABLE]);
  }
});

test('the unified walk comes to huge pages of hugetlb by their upper tables', () => {
  const [memory] = MEMORIES.filter(({ pages, isHugetlb }) => isHugetlb && pages > 512);
  const entries = (form: WalkForm): string[] => heldDuring(memory!, form).map(({ entry }) => entry);
  assert.deepEqual(entries(WalkForm.LEGACY), ['hugetlbEntry', 'look']);
  assert.deepEqual(entries(WalkForm.UNIFIED), ['pudEntry', 'pmdEntry', 'look']);
});

test('what changes tables that may be shared holds the locks of hugetlb for writing', () => {
  const [memory] = MEMORIES.filter(({ pages, isHugetlb }) => isHugetlb && pages > 512);
  const locks = (name: string, form: WalkForm): readonly string[] =>
    mostLocks(memory!, CALLS.find((call) => call.name === name)!, form);
  const written = ['mmap_lock (write)', 'hugetlb_vma_lock (write)', I_MMAP, TABLE];
  for (const form of [WalkForm.LEGACY, WalkForm.UNIFIED]) {
    assert.deepEqual(locks('mprotect by a walk', form), written);
    assert.deepEqual(locks('PAGEMAP_SCAN, protecting', form), [MMAP, VMA, I_MMAP, TABLE]);
    assert.deepEqual(locks('PAGEMAP_SCAN', form), [MMAP, VMA, TABLE]);
    assert.deepEqual(locks('GUP', form), [MMAP, VMA, TABLE]);
  }
});

test('docs/walker.md shows the locks as they are taken', () => {
  const text = readFileSync('docs/walker.md', 'utf8');
  for (const table of [lockTable(), callTable()]) assert.ok(text.includes(`\n${table}\n`), MEND);
});
