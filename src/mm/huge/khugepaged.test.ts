/** khugepaged's limits. Facts: Documentation/admin-guide/mm/transhuge.rst of Linux 6.18. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OneProcess, PAGE_BYTES, TABLE } from '../../../test/mm/one_process.ts';
import { MADV } from '../../uapi/mman.ts';
import { fork, load, madvise, run } from '../index.ts';
import { khugepagedScan } from './khugepaged.ts';
import { KHUGEPAGED_LIMITS, Scan } from './scan.ts';

const START = 16 * TABLE;

/** Memory whose first `pages` pages are small. */
function withSmallPages(pages: number, mms = 1): OneProcess {
  const process = new OneProcess({ frames: 8192, mms });
  process.map(START, TABLE);
  process.fill(START, pages);
  return process;
}

const scan = (process: OneProcess, limits = KHUGEPAGED_LIMITS): number =>
  process.call(khugepagedScan(process.task, START, limits));

const allow = ({ task }: OneProcess): number =>
  run(madvise(task, START * PAGE_BYTES, TABLE * PAGE_BYTES, MADV.HUGEPAGE));

test('it goes where MADV_HUGEPAGE lets it, and one page is enough', () => {
  const process = withSmallPages(1);
  assert.equal(scan(process), Scan.VMA_CHECK);
  assert.equal(allow(process), 0);
  assert.equal(scan(process), Scan.SUCCEED);
  assert.equal(process.anonymousPages, TABLE);
  assert.equal(process.load(START), START);
  assert.equal(scan(process), Scan.PMD_MAPPED);
});

test('more pages missing than max_ptes_none are too many', () => {
  const process = withSmallPages(3);
  allow(process);
  assert.equal(scan(process, { ...KHUGEPAGED_LIMITS, maxNone: TABLE - 4 }), Scan.EXCEED_NONE_PTE);
  assert.equal(scan(process, { ...KHUGEPAGED_LIMITS, maxNone: TABLE - 3 }), Scan.SUCCEED);
});

test('more pages of others than max_ptes_shared are too many', () => {
  const process = withSmallPages(3, 2);
  allow(process);
  assert.ok(typeof run(fork(process.task, 0)) !== 'number');
  assert.equal(run(load(process.task, START)), START);
  assert.equal(scan(process, { ...KHUGEPAGED_LIMITS, maxShared: 2 }), Scan.EXCEED_SHARED_PTE);
  assert.equal(scan(process, { ...KHUGEPAGED_LIMITS, maxShared: 3 }), Scan.SUCCEED);
});
