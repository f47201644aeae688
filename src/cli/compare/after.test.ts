import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ptshare } from '../../../test/command_line.ts';
import type { After, AfterStep } from '../../report/designs/after_schema.ts';
import { type DesignComparison, designComparisonSchema } from '../../report/designs/schema.ts';
import { WORKLOADS } from '../../workload/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'ptshare-after-'));
after(() => rmSync(folder, { recursive: true }));

const PAGE = 4096;

/** The arguments for events. */
const afterAll = (...events: readonly string[]): string[] =>
  events.flatMap((event) => ['--after', event]);

function compare(...args: readonly string[]): DesignComparison & { readonly after: After } {
  const { status, stdout, stderr } = ptshare(['compare', ...args, '--json']);
  assert.equal(status, 0, stderr);
  const data: unknown = JSON.parse(stdout);
  const comparison = designComparisonSchema.parse(data);
  // Strictly: the schema would let further fields pass.
  assert.deepEqual(data, comparison);
  assert.ok(comparison.after);
  return { ...comparison, after: comparison.after };
}

/** Tables that an event adds under each design, or why none. */
function added({ designs }: AfterStep): Record<string, number | string> {
  return Object.fromEntries(
    designs.map(({ id, addedBytes, refused }) => [id, refused > 0 ? 'EINVAL' : addedBytes / PAGE]),
  );
}

test('1500 backends over 300 GiB: what one mprotect, one fork and one end take, counted by hand', () => {
  const ids = 'today,hugetlb-2m,shmem-thp,pt2006-pte,pt2006-pmd,mshare';
  const { after: happened } = compare(
    'database',
    '--designs',
    ids,
    ...afterAll('mprotect:1M', 'mprotect:2M', 'dontneed:4K', 'exit'),
  );
  const [protect, more, discard, exit] = happened.steps.map(added);
  assert.deepEqual(protect, {
    today: 0,
    // A huge page changes as a whole.
    'hugetlb-2m': 'EINVAL',
    // A huge page is divided; of 2006 a PTE table is left, or a PMD table with all that it leads to.
    'shmem-thp': 1,
    'pt2006-pte': 1,
    'pt2006-pmd': 1 + 512,
    mshare: 'EINVAL',
  });
  // What it has alone it changes in place; hugetlb gives up the PMD table of a GiB.
  assert.deepEqual(more, {
    today: 0,
    'hugetlb-2m': 1,
    'shmem-thp': 0,
    'pt2006-pte': 0,
    'pt2006-pmd': 0,
    mshare: 'EINVAL',
  });
  assert.deepEqual(new Set(Object.values(discard!)), new Set([0]));
  // 300 GiB are 153,600 PTE tables, 300 PMD tables and a PUD table; besides, each has its own memory.
  const own = -exit!.mshare!;
  assert.equal(exit!.today, -(own + 153_600 + 300 + 1));
});

const EVERYTHING = afterAll(
  'mprotect:1M',
  'mprotect:1M:rw',
  'dontneed:2M:all',
  'write:64K:2',
  'mremap:2M',
  'fork:2',
  'munmap:3M:2',
  'write:1M:all',
  'exit:2',
  'exit:all',
);

for (const { id } of WORKLOADS) {
  test(`${id}: after every event the engine has the tables of the shapes, and makes the same errors`, () => {
    const { after: happened, designs } = compare(
      id,
      '--processes',
      '2',
      '--size',
      '4M',
      ...EVERYTHING,
    );
    const { engine, steps } = happened;
    assert.deepEqual([engine?.agrees, engine?.processes, engine?.notRun], [true, 2, []]);
    for (const { id: name } of designs) {
      const cost = engine!.designs.find((design) => design.id === name)!;
      const tables = steps.map((step) => step.designs.find((one) => one.id === name)!.tableBytes);
      assert.deepEqual(
        cost.steps.map(({ tableBytes }) => tableBytes),
        tables,
        name,
      );
    }
    const [, , , , , fork] = engine!.designs[0]!.steps;
    assert.ok(fork!.faults > 0 && fork!.flushes > 0);
  });
}

test('a saved host can change, too; on a page and on a terminal it is a section', () => {
  const [saved, page] = [join(folder, 'host.parquet'), join(folder, 'after.html')];
  ptshare(['compare', 'fork-server', '--processes', '3', '--size', '8M', '--save', saved]);
  const { after: happened } = compare(saved, ...afterAll('fork', 'write:2M'));
  assert.equal(happened.engine?.agrees, true);
  const [, write] = happened.steps.map(added);
  // Of what was written, on-demand-fork copies the one table.
  assert.deepEqual([write!.today, write!['on-demand-fork']], [0, 1]);
  const { stdout } = ptshare(['compare', saved, ...afterAll('fork', 'munmap:1M'), '--html', page]);
  assert.match(stdout, /After a change/);
  assert.ok(Math.max(...stdout.split('\n').map((line) => line.length)) <= 100);
  assert.match(readFileSync(page, 'utf8'), /munmap:1M: munmap\(2\) of 1 MiB of private memory/);
});

const WRONG = [
  [['database', '--after', 'split'], /Wanted: mprotect:SIZE/],
  [['database', '--after', 'munmap'], /A size has a unit/],
  [['database', '--after', 'munmap:2'], /A size has a unit/],
  [['database', '--after', 'munmap:2M:x'], /A number from 1 to/],
  [['database', '--after', 'fork:1000'], /from 1 to 100/],
  [['database', '--after', 'munmap:2M:r'], /A number from 1 to/],
  [['database', '--after', 'mprotect:2M:rw:2:3'], /then :PROCESSES/],
  [['database', '--processes', '3', '--after', 'exit:4'], /only 3 processes can do that by then/],
  [['database', '--processes', '3', ...afterAll('exit:all', 'fork')], /fork: nobody is there/],
  [['database', ...afterAll(...Array.from({ length: 17 }, () => 'fork'))], /At most 16 events/],
  [['post-copy-guest', '--after', 'fork'], /Only to a workload or a captured host/],
] as const;

for (const [args, message] of WRONG) {
  test(`wrong use of --after is told: ${args.slice(0, 7).join(' ')}`, () => {
    const { status, stdout, stderr } = ptshare(['compare', ...args]);
    assert.deepEqual([status, stdout], [2, '']);
    assert.match(stderr, message);
  });
}

test('a script says itself what happens', () => {
  const script = join(folder, 'scenario.txt');
  writeFileSync(script, 'a = mmap(0, 8192, rw, private|anonymous)\n');
  const { status, stderr } = ptshare(['compare', script, '--after', 'fork']);
  assert.equal(status, 2);
  assert.match(stderr, /in a script, write the calls there/);
});
