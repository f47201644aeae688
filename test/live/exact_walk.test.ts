/** The walk of the real tables, judged by what the kernel itself counts. */
import assert from 'node:assert/strict';
import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { before } from 'node:test';
import { openKernelReader } from '../../src/capture/exact/kernel_reader.ts';
import { countAccountedPages } from '../../src/capture/exact/kernel_tables.ts';
import { ExactModeUnavailable } from '../../src/capture/exact/unavailable.ts';
import { alone } from './alone.ts';
import { eventually, Missed } from './eventually.ts';
import { raiseHugePages } from './huge_pages.ts';
import { judgedTest, programs, root, tableWalk } from './judge.ts';
import { pageTablesPages, vmPtePages } from './kernel_counters.ts';
import { compileRegion, REGION_HUGE_PAGES, startRegion } from './regions.ts';
import { regionTables, walkHost } from './walks.ts';

before(alone);

const KPF_PGTABLE_BIT = 26n;
const MOMENTS = 5;

/**
 * Kind of region; of two processes together that map it: distinct PTE and PMD tables, empty ones of
 * either level, deposited ones.
 */
const REGIONS = [
  ['none', 0, 0, 0, 0, 0],
  ['hugetlb-aligned', 0, 1, 0, 0, 0],
  ['hugetlb-unaligned', 0, 4, 0, 0, 0],
  ['shmem-4k', 1024, 2, 0, 0, 0],
  ['shmem-thp', 0, 2, 0, 0, 0],
  ['anon-4k', 1024, 2, 0, 0, 0],
  ['anon-thp', 0, 2, 0, 0, 1024],
  ['empty-pte', 1024, 2, 1024, 0, 0],
  ['empty-pmd', 0, 2, 0, 2, 0],
] as const;

judgedTest('the walk finds as many tables of every process as VmPTE says', [tableWalk], () => {
  const sizes = (): Map<number, number | undefined> =>
    new Map(
      readdirSync('/proc')
        .map(Number)
        .filter((pid) => pid > 0)
        .map((pid) => [pid, vmPtePages(pid)]),
    );
  const [earlier, { mms }, later] = [sizes(), walkHost(), sizes()];
  const counted = mms
    .filter(({ stable, pids }) => stable && pids.length > 0)
    .map(({ pids, tables, deposited }) => [pids[0]!, tables.length + deposited.length] as const)
    .filter(([pid]) => earlier.get(pid) !== undefined && earlier.get(pid) === later.get(pid));
  assert.ok(counted.length >= 3, 'most processes hold still for a moment');
  assert.deepEqual(
    counted,
    counted.map(([pid]) => [pid, later.get(pid)]),
  );
});

judgedTest('every frame of the walk is a page table to the kernel', [tableWalk], () => {
  const flags = openSync('/proc/kpageflags', 'r');
  const isPageTable = (frame: number): boolean => {
    const entry = Buffer.alloc(8);
    readSync(flags, entry, 0, 8, frame * 8);
    return ((entry.readBigUInt64LE() >> KPF_PGTABLE_BIT) & 1n) === 1n;
  };
  const parent = walkHost().mms.find(({ pids }) => pids.includes(process.ppid))!;
  const frames = [parent.rootFrame, ...parent.tables.map(({ frame }) => frame)];
  assert.ok(frames.length > 5);
  assert.deepEqual(
    frames.filter((frame) => !isPageTable(frame)),
    [],
  );
  closeSync(flags);
});

judgedTest('user and kernel tables add up to PageTables of meminfo', [tableWalk], async () => {
  // A table on its way to be freed is still counted, but hangs in no tree any more: with processes
  // that start and end all the time, only some moments hold still.
  for (let moment = 0; moment < MOMENTS; moment++) {
    await eventually('the walk finds every page that PageTables counts', () => {
      const { user, kernel } = countAccountedPages(walkHost());
      const unseen = pageTablesPages() - user - kernel;
      return unseen === 0 || new Missed(`${unseen} pages beyond the walk`);
    });
  }
});

judgedTest(
  'the walk sees shared tables, empty tables and deposits where the kernel leaves them',
  [root, tableWalk, programs('gcc')],
  async () => {
    const program = compileRegion();
    const restore = raiseHugePages(REGION_HUGE_PAGES);
    try {
      const seen = [];
      for (const [kind] of REGIONS) seen.push([kind, ...(await tablesOfTwo(program, kind))]);
      assert.deepEqual(seen, REGIONS);
    } finally {
      restore();
    }
  },
);

async function tablesOfTwo(program: string, kind: string): Promise<number[]> {
  const region = await startRegion(program, kind, 2);
  try {
    const mms = walkHost().mms.filter(({ pids }) => region.pids.includes(pids[0]!));
    const { tables, deposited } = regionTables(mms);
    const levels = [0, 1].map((level) => tables.filter((table) => table.level === level));
    const empty = levels.map((level) => level.filter(({ used }) => used === 0));
    return [...levels, ...empty].map(({ length }) => length).concat(deposited);
  } finally {
    await region.end();
  }
}

judgedTest('without the rights, the reader says what is missing and how to get it', [root], () => {
  process.seteuid?.('nobody');
  try {
    assert.throws(openKernelReader, (error) => {
      assert.ok(error instanceof ExactModeUnavailable);
      assert.match(error.message, /bpf\(BPF_MAP_CREATE\) is not permitted/);
      assert.match(error.mend, /run as root/);
      return true;
    });
  } finally {
    process.seteuid?.(0);
  }
});

judgedTest('a reader that was closed leaves nothing behind', [tableWalk], () => {
  const held = (): number[] => [
    readdirSync('/proc/self/fd').length,
    readFileSync('/proc/self/maps', 'utf8').match(/bpf-map/g)?.length ?? 0,
  ];
  const reader = openKernelReader();
  const open = held();
  reader.close();
  const closed = held();
  for (let i = 0; i < 5; i++) openKernelReader().close();
  assert.deepEqual(held(), closed);
  assert.deepEqual(
    open.map((count, index) => count - closed[index]!),
    [2, 1],
  );
});
