/** Programs as they run on real hosts, at work: are their tables explained to the page? */
import assert from 'node:assert/strict';
import { before, type TestContext } from 'node:test';
import { captureHost } from '../../src/capture/capture.ts';
import type { WalkedMm } from '../../src/capture/exact/walk.ts';
import { buildHostReport } from '../../src/report/build_report.ts';
import type { ProcessEntry } from '../../src/report/schema.ts';
import type { HostSnapshot, Mm } from '../../src/snapshot/records.ts';
import { alone } from './alone.ts';
import { judgedTest, postgres, programs, root, tableWalk } from './judge.ts';
import { captureSettled } from './settled.ts';
import { walkHost } from './walks.ts';
import {
  busyCompiler,
  busyNode,
  busyPython,
  idlePostgres,
  idleRedis,
  loadedPostgres,
  loadedRedis,
  type Workload,
} from './workloads.ts';

before(alone);

const RUNS = 3;
/** Captures of one run: not every process at work holds still during the first. */
const CAPTURES_MAX = 60;
const PAGE_BYTES = 4096;
const JUDGES = [
  root,
  tableWalk,
  postgres,
  programs('redis-server', 'redis-benchmark', 'gcc', 'python3'),
];

/** What one run saw of the workloads' processes. */
interface Observation {
  /** Names of those explained to the page, by pid. */
  readonly exact: Map<number, string>;
  /** Those that held still and were not explained. */
  readonly inexact: ProcessEntry[];
  /** How many had the same tables in a walk, level by level; and those that had others. */
  confirmed: number;
  readonly contradicted: string[];
}

judgedTest(
  'programs at work are explained to the page, level by level',
  JUDGES,
  async (context) => {
    const workloads = await beginAll(context, [
      idlePostgres,
      loadedPostgres,
      loadedRedis,
      busyPython,
      busyNode,
      busyCompiler,
    ]);
    for (let run = 0; run < RUNS; run++) {
      const seen: Observation = { exact: new Map(), inexact: [], confirmed: 0, contradicted: [] };
      for (let i = 0; i < CAPTURES_MAX && !isComplete(seen, workloads); i++) {
        await observe(workloads, seen);
      }
      context.diagnostic(`${seen.exact.size} processes exact, ${seen.confirmed} walks agree`);
      assert.deepEqual(seen.inexact, []);
      assert.deepEqual(seen.contradicted, []);
      assert.ok(isComplete(seen, workloads), `exact are only ${JSON.stringify([...seen.exact])}`);
      assert.ok(seen.confirmed >= workloads.length);
    }
  },
);

judgedTest('PageTables leaves nothing but the tables of the kernel', JUDGES, async (context) => {
  const workloads = await beginAll(context, [idlePostgres, idleRedis]);
  const pids = workloads.flatMap((workload) => workload.pids);
  for (let run = 0; run < RUNS; run++) {
    const { snapshot, kernelPages, otherPages } = await captureSettled(pids);
    const { pageTables, processes } = buildHostReport(snapshot);
    context.diagnostic(
      `${kernelPages} pages of kernel tables beside ${processes.length} processes that held still; ` +
        `${otherPages} pages of others`,
    );
    assert.deepEqual(
      processes.filter(({ seen, exact }) => seen === 'tables' && !exact),
      [],
    );
    assert.equal(pageTables.kernelBytes, kernelPages * PAGE_BYTES);
    assert.equal(pageTables.unexplainedBytes, 0);
  }
});

async function beginAll(
  context: TestContext,
  begin: readonly (() => Promise<Workload>)[],
): Promise<Workload[]> {
  const workloads: Workload[] = [];
  for (const one of begin) {
    const workload = await one();
    context.after(() => workload.end());
    workloads.push(workload);
  }
  return workloads;
}

async function observe(workloads: readonly Workload[], seen: Observation): Promise<void> {
  const snapshot = await captureHost();
  const walked = new Map(walkHost().mms.map((mm) => [mm.pids[0], mm]));
  const { processes } = buildHostReport(snapshot);
  const ours = descendants(
    snapshot,
    workloads.flatMap(({ pids }) => pids),
  );
  for (const [index, mm] of snapshot.mms.entries()) {
    const entry = processes[index]!;
    assert.equal(entry.pid, mm.pid);
    if (!ours.has(mm.pid) || !mm.stable) continue;
    if (!entry.exact) {
      seen.inexact.push(entry);
      continue;
    }
    seen.exact.set(mm.pid, mm.comm);
    confirm(entry, walked.get(mm.pid), seen);
  }
}

/** Holds the report against the walk, unless the process went on between the two. */
function confirm(entry: ProcessEntry, walked: WalkedMm | undefined, seen: Observation): void {
  if (walked === undefined || !walked.stable) return;
  if (walked.pgtablesBytes !== entry.vmPteBytes) return;
  const ofLevel = (level: number): number =>
    walked.tables.filter((table) => table.level === level).length;
  const tables = {
    pte: ofLevel(0),
    pmd: ofLevel(1),
    pud: ofLevel(2),
    p4d: 0,
    deposited: walked.deposited.length,
  };
  const [reported, real] = [JSON.stringify(entry.tables), JSON.stringify(tables)];
  if (reported === real) seen.confirmed++;
  else seen.contradicted.push(`${entry.comm} ${entry.pid}: ${reported}, really ${real}`);
}

/** Whether each started process, and each kind of process they start, was exact once. */
function isComplete({ exact }: Observation, workloads: readonly Workload[]): boolean {
  const names = [...exact.values()];
  return workloads.every(
    ({ comms, pids }) =>
      pids.every((pid) => exact.has(pid)) &&
      comms.every((comm) => names.some((name) => name.startsWith(comm))),
  );
}

function descendants({ mms }: HostSnapshot, pids: readonly number[]): ReadonlySet<number> {
  const found = new Set(pids);
  const isNew = (mm: Mm): boolean => found.has(mm.parentPid) && !found.has(mm.pid);
  for (let mm = mms.find(isNew); mm !== undefined; mm = mms.find(isNew)) found.add(mm.pid);
  return found;
}
