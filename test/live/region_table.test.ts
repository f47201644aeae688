/** How tables grow with the number of processes: predicted from two of them, then measured. */
import assert from 'node:assert/strict';
import { before } from 'node:test';
import { captureHost } from '../../src/capture/capture.ts';
import type { HostSnapshot } from '../../src/snapshot/records.ts';
import { explainHost } from '../../src/twin/explain.ts';
import { projectGroup } from '../../src/whatif/project.ts';
import { alone } from './alone.ts';
import { raiseHugePages } from './huge_pages.ts';
import { judgedTest, programs, root, tableWalk } from './judge.ts';
import { vmPtePages } from './kernel_counters.ts';
import {
  compileRegion,
  REGION_COMM,
  REGION_HUGE_PAGES,
  REGION_PAGES,
  REGION_START,
  startRegion,
} from './regions.ts';
import { distinctFrames, regionTables, walkHost } from './walks.ts';

before(alone);

const COUNTS = [1, 2, 4, 8, 16, 32] as const;

/** Pages of tables that one process needs for the region; all processes together if shared. */
const KINDS = [
  { kind: 'hugetlb-aligned', pages: 1, shared: true },
  { kind: 'hugetlb-unaligned', pages: 2, shared: false },
  { kind: 'shmem-4k', pages: 513, shared: false },
  { kind: 'shmem-thp', pages: 1, shared: false },
  { kind: 'anon-4k', pages: 513, shared: false },
  { kind: 'anon-thp', pages: 513, shared: false },
] as const;

/** In pages of tables. */
interface Cost {
  readonly processes: number;
  /** Distinct tables that map the region. */
  readonly region: number;
  /** Distinct tables of the processes, roots included. */
  readonly all: number;
  /** Sum of VmPTE. */
  readonly vmPte: number;
}

for (const { kind, pages, shared } of KINDS) {
  judgedTest(
    `tables of 1 to 32 processes that map 1 GiB of ${kind} are as predicted from two`,
    [root, tableWalk, programs('gcc')],
    async (context) => {
      const program = compileRegion();
      const restore = raiseHugePages(kind.startsWith('hugetlb') ? REGION_HUGE_PAGES : 0);
      try {
        const two = await captureTwo(program, kind);
        const predicted = COUNTS.map((count) => predict(two, count));
        const measured: Cost[] = [];
        for (const count of COUNTS) measured.push(await measure(program, kind, count));
        context.diagnostic(JSON.stringify(measured));
        assert.deepEqual(predicted, measured);
        assert.deepEqual(
          measured.map(({ region }) => region),
          COUNTS.map((count) => (shared ? pages : pages * count)),
        );
      } finally {
        restore();
      }
    },
  );
}

async function captureTwo(program: string, kind: string): Promise<HostSnapshot> {
  const region = await startRegion(program, kind, 2);
  try {
    return await captureHost();
  } finally {
    await region.end();
  }
}

function predict(two: HostSnapshot, processes: number): Cost {
  const host = projectGroup(two, ({ comm }) => comm === REGION_COMM, processes);
  const group = { ...host, mms: host.mms.filter(({ comm }) => comm === REGION_COMM) };
  const { identity, today } = explainHost(group);
  return {
    processes: group.mms.length,
    region: today.distinct - explainHost(withoutRegion(group)).today.distinct,
    all: today.distinct + identity.roots,
    vmPte: today.mms.reduce((sum, { total }) => sum + total, 0),
  };
}

async function measure(program: string, kind: string, processes: number): Promise<Cost> {
  const region = await startRegion(program, kind, processes);
  try {
    const mms = walkHost().mms.filter(({ pids }) => region.pids.includes(pids[0]!));
    const { tables, deposited } = regionTables(mms);
    return {
      processes: mms.length,
      region: tables.length + deposited,
      all: distinctFrames(mms),
      vmPte: region.pids.reduce((sum, pid) => sum + vmPtePages(pid)!, 0),
    };
  } finally {
    await region.end();
  }
}

/** The same processes, had they not touched the region. */
function withoutRegion(snapshot: HostSnapshot): HostSnapshot {
  const mms = snapshot.mms.map((mm) => {
    const inRegion = mm.vmas.map(
      ({ start }) => start >= REGION_START && start < REGION_START + REGION_PAGES,
    );
    const kept = [...mm.runs.vma.keys()].filter((row) => !inRegion[mm.runs.vma[row]!]);
    const { vma, slot, count, kind, pages, content } = mm.runs;
    const runs = {
      length: kept.length,
      vma: Int32Array.from(kept, (row) => vma[row]!),
      slot: Float64Array.from(kept, (row) => slot[row]!),
      count: Int32Array.from(kept, (row) => count[row]!),
      kind: Uint8Array.from(kept, (row) => kind[row]!),
      pages: Float64Array.from(kept, (row) => pages[row]!),
      content: Int32Array.from(kept, (row) => content[row]!),
    };
    return { ...mm, runs };
  });
  return { ...snapshot, mms };
}
