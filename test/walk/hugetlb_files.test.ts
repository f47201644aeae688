/**
 * What /proc and mincore(2) say of hugetlb, in both forms of the walk. Facts: kernel 6.18, measured by
 * a program that made these calls.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatById } from '../../src/arch/index.ts';
import * as mm from '../../src/mm/index.ts';
import { pagemapOf, renderNumaMaps, renderSmaps } from '../../src/procfs/index.ts';

const PAGE = 4096;
const HUGE = 512;
const GIB = HUGE * HUGE;
const FILE = 8 * GIB;
const ALIAS = 16 * GIB;
const OWN = 32 * GIB;
const PAGES = 4;
const MFD_HUGETLB = 4;
const MAP = { SHARED_FIXED_NORESERVE: 0x4011, PRIVATE_HUGETLB_NORESERVE: 0x44032 } as const;

/** What is said of a mapping: two rows of smaps in kB, counts of numa_maps, and of its first pages. */
interface Said {
  readonly shared: number;
  readonly private: number;
  readonly numa: string;
  /** Bits 56 to 63 of pagemap: 0x80 present, 0x20 file, 0x01 exclusive. */
  readonly pagemap: readonly number[];
  readonly mincore: string;
}

function said(task: mm.Task, page: number, form: mm.WalkForm): Said {
  const { machine } = task;
  const nameOf = (): { device: string; inode: string; path: string } => ({
    ...{ device: '00:01', inode: '1', path: '/file' },
  });
  const process = { pid: 1, parent: 0, name: 'one', mm: task.mm, cpu: 0 };
  const host = { machine, processes: [], walkForm: form, nameOf };
  const address = (page * PAGE).toString(16);
  const block = renderSmaps(host, process).split(new RegExp(`^${address}-`, 'm'))[1]!;
  const row = (name: string): number =>
    Number(new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(block)![1]);
  assert.deepEqual(['Rss', 'Pss', 'KernelPageSize'].map(row), [0, 0, 2048]);
  const line = renderNumaMaps(host, process)
    .split('\n')
    .find((one) => one.startsWith(address))!;
  const heads = Array.from({ length: PAGES }, (_, index) => page + index * HUGE);
  const pagemap = heads.map((head) => {
    const words = new Uint32Array(2);
    pagemapOf(machine, task.mm, form).read(head, words);
    return words[1]! >>> 24;
  });
  const resident = new Uint8Array(PAGES * HUGE);
  const length = resident.length * PAGE;
  assert.equal(mm.run(mm.mincore(task, page * PAGE, length, resident, form)), 0);
  return {
    shared: row('Shared_Hugetlb'),
    private: row('Private_Hugetlb'),
    numa: line.split(' huge')[1]!.trim(),
    pagemap,
    mincore: heads.map((head) => resident[head - page + 1]).join(''),
  };
}

test('hugetlb is told of as the kernel does, whoever shares its tables', () => {
  const format = formatById('x86_64-4level')!;
  const machine = new mm.Machine({ format, mms: 2, frames: 10 * HUGE, tables: 40, hugePages: 8 });
  const task = mm.run(mm.newProcess(machine, 0))!;
  const file = mm.memfdCreate(task, 1, MFD_HUGETLB) as mm.OpenFile;
  const map = (page: number, pages: number, flags: number, its: mm.OpenFile | undefined): void => {
    const call = { address: page * PAGE, length: pages * PAGE, prot: 3, offset: 0 };
    assert.equal(mm.run(mm.mmap(task, { ...call, flags, file: its })), page * PAGE);
  };
  const check = (page: number, expected: Said): void => {
    for (const form of [mm.WalkForm.LEGACY, mm.WalkForm.UNIFIED]) {
      assert.deepEqual(said(task, page, form), expected, form);
    }
  };
  const size = 'kernelpagesize_kB=2048';
  mm.run(mm.ftruncate(task, file, GIB * PAGE));
  map(FILE, GIB, MAP.SHARED_FIXED_NORESERVE, file);
  mm.run(mm.store(task, FILE, 1));
  mm.run(mm.fallocate(task, file, 0, 2 * HUGE * PAGE, HUGE * PAGE));
  const alone = {
    ...{ shared: 0, private: 2048, numa: `dirty=1 N0=1 ${size}` },
    ...{ pagemap: [0xa1, 0, 0, 0], mincore: '1000' },
  };
  check(FILE, alone);
  const child = mm.run(mm.fork(task, 0)) as mm.Task;
  mm.run(mm.load(child, FILE));
  check(FILE, { ...alone, shared: 2048, private: 0, pagemap: [0xa0, 0, 0, 0] });
  mm.run(mm.exit(child));
  check(FILE, alone);
  // Where there is no table, the page cache is asked; where there is one, its entries say all.
  map(ALIAS, PAGES * HUGE, MAP.SHARED_FIXED_NORESERVE, file);
  const none = { shared: 0, private: 0, numa: '', pagemap: [0, 0, 0, 0] };
  check(ALIAS, { ...none, mincore: '1010' });
  mm.run(mm.load(task, ALIAS + HUGE));
  check(ALIAS, { ...alone, pagemap: [0, 0xa1, 0, 0], mincore: '0100' });
  mm.run(mm.load(task, ALIAS));
  check(ALIAS, {
    ...{ shared: 2048, private: 2048, numa: `dirty=2 mapmax=2 N0=2 ${size}` },
    ...{ pagemap: [0xa0, 0xa1, 0, 0], mincore: '1100' },
  });
  map(OWN, PAGES * HUGE, MAP.PRIVATE_HUGETLB_NORESERVE, undefined);
  mm.run(mm.store(task, OWN, 1));
  mm.run(mm.load(task, OWN + HUGE));
  check(OWN, {
    ...{ shared: 0, private: 4096, numa: `anon=2 dirty=1 N0=2 ${size}` },
    ...{ pagemap: [0x81, 0x81, 0, 0], mincore: '1100' },
  });
  mm.audit(machine);
  assert.equal(mm.violationOf(machine), undefined);
});
