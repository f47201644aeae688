/** What pagemap says where writes are tracked, of a page, a hole and a guard. Facts: kernel 6.18, measured. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mapPages, newWorld } from '../../test/mm/small_world.ts';
import * as mm from '../mm/index.ts';
import { pagemapOf } from './index.ts';

const PAGE = 5 * 512;
const [START, END] = [PAGE * 4096, (PAGE + 3) * 4096];
const MADV_GUARD_INSTALL = 102;
const ALL = { categoryInverted: 0, categoryMask: 0, categoryAnyofMask: 0, returnMask: 0 };

test('a scan protects a guard, too, which stays one', () => {
  const machine = newWorld(mm, { mms: 1, frames: 64, tables: 24 });
  const task = mm.taskOn(machine, 0, 0);
  mm.run(mapPages(mm, task, PAGE, PAGE + 3));
  mm.run(mm.store(task, PAGE, 1));
  mm.run(mm.madvise(task, END - 4096, 4096, MADV_GUARD_INSTALL));
  const uffd = mm.userfaultfd(task, 1) as mm.Userfaultfd;
  const { PAGEFAULT_FLAG_WP, WP_ASYNC } = mm.UffdFeature;
  mm.uffdioApi(task, uffd, 0xaa, PAGEFAULT_FLAG_WP | WP_ASYNC);
  mm.run(mm.uffdioRegister(task, uffd, START, END - START, mm.UffdMode.WP));
  const scan = { ...ALL, start: START, end: END, vecLength: 0, maxPages: 0 };
  mm.run(mm.pagemapScan(task, { ...scan, flags: mm.PmScan.WP_MATCHING }));
  const words = new Uint32Array(6);
  pagemapOf(machine, task.mm).read(PAGE, words);
  const bits = [1, 3, 5].map((lane) => words[lane]! >>> 24);
  assert.deepEqual(bits, [0x83, 0x42, 0x46]);
});
