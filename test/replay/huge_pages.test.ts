/** A program that uses huge pages, recorded with pools of different sizes. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { before } from 'node:test';
import type { ReplayReport } from '../../src/replay/index.ts';
import { ptshare } from '../command_line.ts';
import { hugePool, poolIsUsed } from '../kernel/huge_pool.ts';
import { alone } from '../live/alone.ts';
import { atEnd, temporaryFolder } from '../live/at_end.ts';
import { raiseHugePages } from '../live/huge_pages.ts';
import { judgedTest, programs, root } from '../live/judge.ts';
import { recorder, smallPages } from './recorder.ts';

before(alone);

const POOLS = [12, 20, 24, 36];
const needs = [root, programs('strace', 'gcc', 'mount'), hugePool(Math.max(...POOLS))];

judgedTest('huge pages: every address and errno, whatever the pool has', needs, (context) => {
  const used = poolIsUsed();
  if (used !== undefined) return context.skip(used);
  withProgram((program, mount) => {
    const refused = POOLS.map((pages) => refusedOf(program, join(mount, `f${pages}`), pages));
    context.diagnostic(`${refused.join(', ')} calls without pages`);
    assert.ok(refused[0]! > refused.at(-1)!, 'a small pool refuses more');
  });
});

judgedTest('huge pages with page faults', [...needs, recorder, smallPages], (context) => {
  const used = poolIsUsed();
  if (used !== undefined) return context.skip(used);
  withProgram((program, mount) => {
    const restore = raiseHugePages(POOLS.at(-1)!);
    try {
      const report = replayed(['--faults'], program, join(mount, 'f'));
      assert.equal(report.faults.exact, report.faults.total);
      assert.equal(report.counters.length, 2);
      for (const { real, simulated } of report.counters) assert.deepEqual(simulated, real);
    } finally {
      restore();
    }
  });
});

function withProgram(body: (program: string, mount: string) => void): void {
  const folder = temporaryFolder();
  const program = join(folder, 'huge_pages');
  execFileSync('gcc', ['-O1', '-w', '-o', program, 'test/replay/huge_pages.c']);
  const mount = join(folder, 'mount');
  mkdirSync(mount);
  execFileSync('mount', ['-t', 'hugetlbfs', '-o', 'pagesize=2M', 'none', mount]);
  const unmount = atEnd(() => execFileSync('umount', [mount]));
  try {
    body(program, mount);
  } finally {
    unmount();
  }
}

/** How many calls found no pages. */
function refusedOf(program: string, file: string, pages: number): number {
  const restore = raiseHugePages(pages);
  try {
    const saved = `${program}.${pages}.strace`;
    replayed(['--save', saved], program, file);
    return readFileSync(saved, 'latin1').split('ENOMEM').length - 1;
  } finally {
    rmSync(file, { force: true });
    restore();
  }
}

function replayed(options: readonly string[], program: string, file: string): ReplayReport {
  const args = ['replay', '--json', '--strict', ...options, '--', program, file];
  const { status, stdout, stderr } = ptshare(args);
  assert.equal(stderr, '');
  const report = JSON.parse(stdout) as ReplayReport;
  assert.deepEqual([status, report.mismatches, report.unjudged], [0, [], {}]);
  assert.ok(report.addresses.exact === report.addresses.total && report.addresses.total > 10);
  assert.ok(report.errnos.exact === report.errnos.total && report.errnos.total > 40);
  return report;
}
