/** What `huge_pages=on` saves a busy PostgreSQL: predicted, done as advised, measured. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { captureHost } from '../../src/capture/capture.ts';
import { buildHostReport } from '../../src/report/build_report.ts';
import { compareReports } from '../../src/report/compare/compare.ts';
import type { HostReport } from '../../src/report/schema.ts';
import { alone } from './alone.ts';
import { hugePages, raiseHugePages } from './huge_pages.ts';
import { judgedTest, postgres, root, tableWalk } from './judge.ts';
import { childrenOf, vmPtePages } from './kernel_counters.ts';
import { PostgresServer } from './postgres.ts';
import { distinctFrames, walkHost } from './walks.ts';

before(alone);

const BACKENDS = 16;
const PAGE_BYTES = 4096;
const TOLERANCE = 0.02;
const SETTINGS = {
  shared_buffers: '1100MB',
  max_parallel_workers_per_gather: '0',
  max_wal_size: '8GB',
};
/** One row a page: 1 GiB of pages that a scan reads quickly. */
const FILL = `
  CREATE EXTENSION pg_prewarm;
  CREATE TABLE big WITH (fillfactor = 10, autovacuum_enabled = false)
    AS SELECT i, repeat('x', 700) AS filler FROM generate_series(1, 131072) AS i;
  VACUUM (FREEZE) big`;
const STEADY_LOOKS = 4;
const LOOKS_MAX = 120;

interface Measured {
  readonly report: HostReport;
  /** Pages of tables of the server's processes: the sum of VmPTE. */
  readonly vmPte: number;
  /** The same as PageTables counts them: shared ones once, and with their roots. */
  readonly distinct: number;
}

judgedTest(
  'huge_pages=on saves a busy PostgreSQL what was predicted',
  [root, tableWalk, postgres],
  async (context) => {
    const server = new PostgresServer();
    await server.start(SETTINGS);
    context.after(() => server.stop());
    for (const sql of FILL.split(';')) server.query(sql);
    await server.stop();

    const before = await underLoad(server, 'off');
    const advice = before.report.advice.find(({ id }) => id === 'postgres-huge-pages')!;
    const restore = followPoolStep(advice);
    const after = await underLoad(server, 'on').finally(restore);

    const predicted = advice.savesBytes / PAGE_BYTES;
    const vmPte = before.vmPte - after.vmPte;
    const distinct = before.distinct - after.distinct;
    const comparison = compareReports(before.report, after.report);
    const verdict = comparison.designs.find(({ id }) => id === advice.design)!;
    context.diagnostic(
      `of ${before.vmPte} pages ${predicted.toFixed(1)} predicted, ` +
        `${vmPte} saved by VmPTE, ${distinct} in the walk, ${verdict.percent?.toFixed(2)} % compared`,
    );
    assert.ok(predicted > BACKENDS * 512, 'every backend fills its tables');
    assertClose(vmPte, predicted, 'by VmPTE');
    assertClose(distinct, predicted, 'in the walk');
    assertClose(verdict.measuredBytes, verdict.predictedBytes, 'as compared');
    assert.equal(comparison.inForce, advice.design);
  },
);

/** Starts the server, has every backend scan the whole table again and again, and looks. */
async function underLoad(server: PostgresServer, setting: 'on' | 'off'): Promise<Measured> {
  await server.start({ ...SETTINGS, huge_pages: setting });
  server.query("SELECT pg_prewarm('big')");
  const script = join(server.folder, 'scan.sql');
  writeFileSync(script, 'SELECT count(*) FROM big;\n', { mode: 0o644 });
  const options = ['-n', '-c', String(BACKENDS), '-j', '2', '-T', '3600', '-f', script];
  const load = server.startBench(...options);
  try {
    const vmPte = await steadyVmPte(server.pid);
    const pids = [server.pid, ...childrenOf(server.pid)];
    const report = buildHostReport(await captureHost({ pids }));
    const mms = walkHost().mms.filter((mm) => pids.includes(mm.pids[0]!));
    return { report, vmPte, distinct: distinctFrames(mms) };
  } finally {
    await load.end();
    await server.stop();
  }
}

async function steadyVmPte(server: number): Promise<number> {
  const looks: string[] = [];
  for (let i = 0; i < LOOKS_MAX; i++) {
    const sizes = [server, ...childrenOf(server)].map((pid) => vmPtePages(pid) ?? 0);
    looks.push(sizes.join());
    const isSteady = new Set(looks.slice(-STEADY_LOOKS)).size === 1 && i >= STEADY_LOOKS;
    if (isSteady && sizes.length > BACKENDS) return sizes.reduce((sum, pages) => sum + pages, 0);
    await sleep(1000);
  }
  assert.fail(`tables become steady: ${looks.slice(-2).join(' then ')}`);
}

/** Does what the advice says about the pool, to the letter; returns what undoes it. */
function followPoolStep(advice: HostReport['advice'][number]): () => void {
  const command = advice.steps.find((step) => step.command?.startsWith('sysctl -w'))?.command;
  const wanted = /^sysctl -w vm\.nr_hugepages=(\d+)$/.exec(command ?? '')?.[1];
  assert.ok(wanted, `a step sets the pool: ${JSON.stringify(advice.steps)}`);
  return raiseHugePages(Number(wanted) - hugePages());
}

function assertClose(measured: number, predicted: number, whose: string): void {
  const error = Math.abs(measured - predicted) / predicted;
  assert.ok(error <= TOLERANCE, `saving ${whose}: ${measured}, predicted ${predicted}`);
}
