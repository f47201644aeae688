/** A huge page of hugetlb that a run of entries maps (arm64): one page to all who look at it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatById } from '../../src/arch/index.ts';
import * as mm from '../../src/mm/index.ts';
import { pagemapOf, renderNumaMaps, renderSmaps } from '../../src/procfs/index.ts';

const PAGE = 4096;
const SHARED_FIXED = 0x11;
const MFD_HUGETLB = 4;
const { LEGACY, UNIFIED } = mm.WalkForm;
/** 64 KiB, by entries of level 0. */
const PAGES = 16;

function mapped(): readonly [mm.Task, number] {
  const format = formatById('arm64-4k-48bit')!;
  const machine = new mm.Machine({ format, frames: 4 * PAGES, tables: 24, hugeSizes: [PAGES] });
  mm.run(mm.setMaxHugePages({ machine, cpu: 0 }, machine.hugetlb.hstates[0]!, 2));
  const task = mm.run(mm.newProcess(machine, 0))!;
  const file = mm.memfdCreate(task, 1, MFD_HUGETLB) as mm.OpenFile;
  const page = 64 * PAGES;
  const call = { address: page * PAGE, length: 2 * PAGES * PAGE, prot: 3, flags: SHARED_FIXED };
  assert.equal(mm.run(mm.mmap(task, { ...call, file, offset: 0 })), page * PAGE);
  assert.equal(mm.run(mm.store(task, page, 1)), 0);
  return [task, page];
}

test('GUP finds each small page of a run', () => {
  const [task, page] = mapped();
  const frames = [0, 1, 7, PAGES - 1].map((index) => {
    const frame = mm.run(mm.getUserPageSlow(task, page + index, mm.FOLL.GET));
    mm.run(mm.unpin(task, frame));
    return frame - index;
  });
  assert.deepEqual(new Set(frames).size, 1, 'a folio lies in one piece');
  mm.audit(task.machine);
  assert.equal(mm.violationOf(task.machine), undefined);
});

test('smaps, numa_maps and pagemap count a run once', () => {
  const [{ machine, mm: space }, page] = mapped();
  const nameOf = (): { device: string; inode: string; path: string } => ({
    ...{ device: '00:01', inode: '1', path: '/file' },
  });
  const process = { pid: 1, parent: 0, name: 'one', mm: space, cpu: 0 };
  const kibibytes = PAGES * 4;
  for (const walkForm of [LEGACY, UNIFIED]) {
    const host = { machine, processes: [], walkForm, nameOf };
    const smaps = renderSmaps(host, process);
    assert.match(smaps, new RegExp(`^Private_Hugetlb: +${kibibytes} kB$`, 'm'));
    assert.match(smaps, new RegExp(`^KernelPageSize: +${kibibytes} kB$`, 'm'));
    const line = new RegExp(` huge dirty=1 N0=1 kernelpagesize_kB=${kibibytes}\n`);
    assert.match(renderNumaMaps(host, process), line);
    const words = new Uint32Array(2 * PAGES);
    pagemapOf(machine, space, walkForm).read(page, words);
    for (let index = 1; index < PAGES; index++) {
      assert.equal(words[2 * index], words[0]! + index);
      assert.equal(words[2 * index + 1], words[1]);
    }
  }
});
