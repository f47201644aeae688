/** What /proc says of swapped pages. @source Documentation/admin-guide/mm/pagemap.rst, filesystems/proc.rst */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mapPages, newWorld } from '../../test/mm/small_world.ts';
import * as mm from '../mm/index.ts';
import {
  type ProcHost,
  type ProcProcess,
  pagemapOf,
  renderMeminfo,
  renderSmaps,
  renderStatus,
} from './index.ts';

const PAGE = 5 * 512;
const MADV_PAGEOUT = 21;
const BIT_63_PRESENT = 2 ** 31;
const BIT_62_SWAPPED = 2 ** 30;

/** Four pages, of which two are swapped out, then shared with a child. */
function swappedAndForked(): { host: ProcHost; processes: ProcProcess[] } {
  const machine = newWorld(mm, { mms: 2, frames: 64, tables: 24, swapSlots: 8 });
  const task = mm.taskOn(machine, 0, 0);
  mm.run(mapPages(mm, task, PAGE, PAGE + 4));
  for (let page = PAGE; page < PAGE + 4; page++) mm.run(mm.store(task, page, 1));
  assert.equal(mm.run(mm.madvise(task, PAGE * 4096, 2 * 4096, MADV_PAGEOUT)), 0);
  const child = mm.run(mm.fork(task, 0));
  assert.ok(typeof child === 'object');
  const processes = [task, child].map((of, index) => ({
    pid: 1 + index,
    parent: index,
    name: 'test',
    mm: of.mm,
    cpu: 0,
  }));
  const nameOf = (): never => assert.fail('nothing is a file');
  return { host: { machine, processes, nameOf }, processes };
}

const kibibytes = (text: string, name: string): number =>
  Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1]);

test('swapped pages are in Swap, and halved in SwapPss where two share them', () => {
  const { host, processes } = swappedAndForked();
  for (const process of processes) {
    const smaps = renderSmaps(host, process);
    assert.equal(kibibytes(smaps, 'Rss'), 8);
    assert.equal(kibibytes(smaps, 'Swap'), 8);
    assert.equal(kibibytes(smaps, 'SwapPss'), 4);
    assert.equal(kibibytes(renderStatus(host, process), 'VmSwap'), 8);
  }
});

test('pagemap has the type and the offset of the slot, which differs from page to page', () => {
  const { host, processes } = swappedAndForked();
  const lanes = new Uint32Array(8);
  pagemapOf(host.machine, processes[1]!.mm).read(PAGE, lanes);
  const [first, firstHigh, second, secondHigh, , third] = lanes;
  assert.equal(firstHigh, BIT_62_SWAPPED);
  assert.equal(secondHigh, BIT_62_SWAPPED);
  assert.equal(first! % 32, 0);
  assert.notEqual(first, second);
  assert.ok(Math.max(first!, second!) / 32 < 8);
  assert.equal(third! & BIT_63_PRESENT, BIT_63_PRESENT | 0);
});

test('meminfo has the slots that are left', () => {
  const { host } = swappedAndForked();
  const meminfo = renderMeminfo(host.machine);
  assert.equal(kibibytes(meminfo, 'SwapTotal'), 32);
  assert.equal(kibibytes(meminfo, 'SwapFree'), 24);
  assert.equal(kibibytes(meminfo, 'AnonPages'), 8);
});
