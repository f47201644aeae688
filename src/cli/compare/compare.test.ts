import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ptshare } from '../../../test/command_line.ts';
import { DESIGN_IDS } from '../../report/designs/build.ts';
import { type DesignComparison, designComparisonSchema } from '../../report/designs/schema.ts';
import { WORKLOADS } from '../../workload/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'ptshare-compare-'));
after(() => rmSync(folder, { recursive: true }));

function compare(...args: readonly string[]): DesignComparison {
  const { status, stdout, stderr } = ptshare(['compare', ...args, '--json']);
  assert.equal(status, 0, stderr);
  const data: unknown = JSON.parse(stdout);
  const comparison = designComparisonSchema.parse(data);
  // Strictly: the schema would let further fields pass.
  assert.deepEqual(data, comparison);
  return comparison;
}

const tablesOf = ({ designs }: DesignComparison, id: string): number =>
  designs.find((design) => design.id === id)!.bytes;

for (const { id, usual } of WORKLOADS) {
  test(`${id}: every design at the usual size, none better than the upper bound of sharing`, () => {
    const comparison = compare(id);
    assert.deepEqual([comparison.processes, comparison.bytes], [usual.processes, usual.bytes]);
    assert.deepEqual(
      comparison.designs.map((design) => design.id),
      DESIGN_IDS,
    );
    for (const sharing of ['pt2006-pte', 'pt2006-pmd', 'mshare', 'on-demand-fork']) {
      // The region of mshare has a root of its own, which no table equals.
      const roots = sharing === 'mshare' ? 100 * 4096 : 0;
      assert.ok(tablesOf(comparison, 'identical') <= tablesOf(comparison, sharing) + roots);
    }
    const lines = ptshare(['compare', id]).stdout.split('\n');
    assert.ok(Math.max(...lines.map((line) => line.length)) <= 100);
  });
}

test('on-demand-fork helps who forks, and mshare who maps the same object', () => {
  const forked = compare('snapshot-store');
  assert.ok(tablesOf(forked, 'on-demand-fork') < 0.6 * tablesOf(forked, 'today'));
  assert.equal(tablesOf(forked, 'mshare'), tablesOf(forked, 'today'));
  const mapped = compare('database', '--processes', '100', '--size', '10G');
  assert.ok(tablesOf(mapped, 'mshare') < 0.1 * tablesOf(mapped, 'today'));
  assert.equal(tablesOf(mapped, 'on-demand-fork'), tablesOf(mapped, 'today'));
});

test('a sweep has a row for each size, and agrees with the comparison at that size', () => {
  const { sweep } = compare('database', '--size', '1GiB', '--sweep', 'processes=1,10');
  assert.deepEqual(
    sweep.map(({ processes, bytes }) => [processes, bytes]),
    [
      [1, 2 ** 30],
      [10, 2 ** 30],
    ],
  );
  const alone = compare('database', '--size', '1G', '--processes', '10');
  for (const { id, tableBytes } of sweep[1]!.designs) {
    assert.equal(tableBytes, tablesOf(alone, id), id);
  }
});

test('--save writes the host that was compared, and --html a page of it', () => {
  const [snapshot, page] = [join(folder, 'host.parquet'), join(folder, 'page.html')];
  const made = compare('zygote', '--processes', '5', '--save', snapshot, '--html', page);
  const read = ptshare(['host', '--from', snapshot, '--json']);
  assert.equal(read.status, 0, read.stderr);
  assert.deepEqual(JSON.parse(read.stdout).designs, made.designs);
  assert.match(readFileSync(page, 'utf8'), /Content-Security-Policy/);
});

test('what is wrong is said with its mend', () => {
  const wrong: readonly (readonly [readonly string[], RegExp])[] = [
    [[], /Which workload\?.*database/s],
    [['nonsense'], /Unknown workload: nonsense.*database/s],
    [['database', '--processes', '0'], /from 1 to/],
    [['database', '--size', '2000G'], /at most 1000G/],
    [['database', '--size', '3 apples'], /A size is wanted/],
    [['database', '--designs', 'magic'], /No design is called magic/],
    [['database', '--sweep', 'colour=red'], /processes=10,100/],
  ];
  for (const [args, message] of wrong) {
    const { status, stdout, stderr } = ptshare(['compare', ...args]);
    assert.deepEqual([status, stdout], [2, ''], args.join(' '));
    assert.match(stderr, message);
  }
});
