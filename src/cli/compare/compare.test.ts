import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { ptshare } from '../../../test/command_line.ts';
import { judgedTest, programs } from '../../../test/live/judge.ts';
import { type AccessComparison, accessComparisonSchema } from '../../report/accesses/schema.ts';
import { DESIGN_IDS } from '../../report/designs/build.ts';
import { type DesignComparison, designComparisonSchema } from '../../report/designs/schema.ts';
import { type PostCopyComparison, postCopySchema } from '../../report/post_copy/schema.ts';
import { NAMED, WORKLOADS } from '../../workload/index.ts';

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
    assert.equal(comparison.engine?.agrees, true);
    assert.ok(comparison.engine.designs.every(({ phases }) => phases.length === 4));
    assert.equal(comparison.engine.crowd?.designs.length, DESIGN_IDS.length - 1);
    for (const sharing of ['pt2006-pte', 'pt2006-pmd', 'mshare', 'on-demand-fork']) {
      // The region of mshare has a root of its own, which no table equals.
      const roots = sharing === 'mshare' ? 100 * 4096 : 0;
      assert.ok(tablesOf(comparison, 'identical') <= tablesOf(comparison, sharing) + roots);
    }
    const file = join(folder, `${id}.html`);
    const { stdout } = ptshare(['compare', id, '--designs', 'today,mshare', '--html', file]);
    assert.ok(Math.max(...stdout.split('\n').map((line) => line.length)) <= 100);
    assert.match(stdout, /What they wait for, all at once/);
    assert.match(readFileSync(file, 'utf8'), /What each costs.*What they wait for, all at once/s);
  });
}

test('post-copy-guest: 4 KiB at a time takes below 100 us, 2 MiB above 10 ms, and the engine agrees', () => {
  const file = join(folder, 'guest.html');
  const { status, stdout, stderr } = ptshare([
    'compare',
    'post-copy-guest',
    '--json',
    '--html',
    file,
  ]);
  assert.equal(status, 0, stderr);
  const data: unknown = JSON.parse(stdout);
  const guest: PostCopyComparison = postCopySchema.parse(data);
  assert.deepEqual(data, guest);
  assert.deepEqual([guest.processes, guest.bytes, guest.engine.bytes], [48, 2 ** 30, 2 ** 30]);
  for (const { id, medianUs, collapses } of guest.designs) {
    if (id.startsWith('hgm-')) assert.ok(medianUs < 100, id);
    else assert.ok(medianUs > 10_000, id);
    assert.equal(collapses.length, id.startsWith('hgm-') ? 2 : 0);
  }
  assert.equal(guest.engine.agrees, true);
  assert.match(readFileSync(file, 'utf8'), /MADV_COLLAPSE in two rounds/);
});

test('a guest is whole pages of 1 GiB on a link, of designs of its own, and no host', () => {
  for (const wrong of [
    ['post-copy-guest', '--size', '3M'],
    ['post-copy-guest', '--processes', '2000'],
    ['post-copy-guest', '--sweep', 'size=1G'],
    ['post-copy-guest', '--designs', 'mshare'],
    ['post-copy-guest', '--link', '1K'],
    ['database', '--designs', 'hgm-v2'],
    ['database', '--link', '10G'],
  ]) {
    assert.equal(ptshare(['compare', ...wrong]).status, 2, wrong.join(' '));
  }
  const slow = ['--designs', 'hugetlb-2m', '--processes', '1', '--link', '1G', '--width', '60'];
  const { status, stdout } = ptshare(['compare', 'post-copy-guest', ...slow]);
  assert.equal(status, 0);
  // A page alone takes 2^21 * 8 bits at 1 Gbit/s.
  assert.match(stdout, /hugetlb-2m +2 MiB +(?:1[6-9]|2\d|3[0-4])\.\d ms/);
  assert.ok(Math.max(...stdout.split('\n').map((line) => line.length)) <= 60);
});

test('--list names what can be compared', () => {
  const { stdout } = ptshare(['compare', '--list']);
  const ids = stdout
    .trim()
    .split('\n')
    .map((line) => line.split(' ')[0]);
  assert.deepEqual(ids, [...WORKLOADS.map(({ id }) => id), 'post-copy-guest']);
  assert.deepEqual(JSON.parse(ptshare(['compare', '--list', '--json']).stdout), NAMED);
});

test('on-demand-fork helps who forks, and mshare who maps the same object', () => {
  const forked = compare('snapshot-store');
  assert.ok(tablesOf(forked, 'on-demand-fork') < 0.6 * tablesOf(forked, 'today'));
  assert.equal(tablesOf(forked, 'mshare'), tablesOf(forked, 'today'));
  const mapped = compare('database', '--processes', '100', '--size', '10G');
  assert.ok(tablesOf(mapped, 'mshare') < 0.1 * tablesOf(mapped, 'today'));
  assert.equal(tablesOf(mapped, 'on-demand-fork'), tablesOf(mapped, 'today'));
});

test('on-demand-fork lets each process count what it shares; COW-PTE its owner alone', () => {
  const { engine } = compare('snapshot-store', '--processes', '3', '--size', '8M');
  const countsOf = (id: string): [number, number][] =>
    engine!.designs
      .find((design) => design.id === id)!
      .payers.map(({ vmPteBytes, rssBytes }) => [vmPteBytes, rssBytes]);
  const [today, each, owner] = ['today', 'on-demand-fork', 'cow-pte'].map(countsOf);
  assert.deepEqual(each, today);
  assert.deepEqual(owner![0], today![0]);
  // A child counts what it has copied, not what it shares.
  assert.ok(owner![1]![0] < today![1]![0]);
  assert.ok(owner![1]![1] < today![1]![1]);
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
  // COW-PTE differs from on-demand-fork in who is charged, which no capture tells.
  const shown = made.designs.filter(({ id }) => id !== 'cow-pte');
  assert.deepEqual(JSON.parse(read.stdout).designs, shown);
  assert.match(readFileSync(page, 'utf8'), /Content-Security-Policy/);
});

test('what each design costs is counted: faults, flushes, IPIs, walks, and who is charged', () => {
  const { engine } = compare('database', '--processes', '4', '--size', '8M');
  assert.ok(engine);
  assert.deepEqual([engine.processes, engine.bytes], [4, 8 * 2 ** 20]);
  const costOf = (id: string): NonNullable<typeof engine>['designs'][number] =>
    engine.designs.find((design) => design.id === id)!;
  const [today, pte, mshare, huge] = ['today', 'pt2006-pte', 'mshare', 'hugetlb-2m'].map(costOf);
  // Of 2048 pages of the segment, a process that shares its tables faults on none, or once to link.
  const faults = (id: string): number => costOf(id).phases[0]!.faults;
  assert.equal(faults('today') - faults('pt2006-pte'), 3 * (2048 - 4));
  // One for each table; one for each region, and a second one of whoever is there first.
  assert.equal(faults('pt2006-pte') - faults('mshare'), 3 * 4 - (3 + 1));
  // Who comes by the reverse map flushes all CPUs under both; today the entries are flushed one by one.
  const migrate = (id: string) => costOf(id).phases[2]!;
  assert.equal(migrate('today').fullFlushes, 0);
  assert.equal(migrate('pt2006-pte').fullFlushes, 64 * 4);
  assert.equal(migrate('mshare').fullFlushes, 64 * 4);
  assert.ok(huge!.phases[1]!.tlbMisses < today!.phases[1]!.tlbMisses);
  // The first pays for what all have.
  const charged = (cost: typeof today): number[] =>
    cost!.payers.map(({ memcgTableBytes }) => memcgTableBytes);
  assert.equal(new Set(charged(today)).size, 1);
  assert.equal(charged(pte)[0]! - charged(pte)[1]!, 4 * 4096);
  assert.equal(charged(mshare)[0]! - charged(mshare)[1]!, (4 + 3) * 4096);
});

test('a script is run under each design that needs nothing moved', () => {
  const script = join(folder, 'scenario.txt');
  writeFileSync(
    script,
    `a = mmap(NULL, 4*M, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)
     write(a, 4*M)
     child = fork()
     as(child); write(a, 1)`,
  );
  const { engine, workload } = compare(script);
  assert.equal(workload.id, 'script');
  const ids = ['today', 'pt2006-pte', 'pt2006-pmd', 'on-demand-fork', 'cow-pte', 'identical'];
  assert.deepEqual(
    engine?.designs.map(({ id }) => id),
    ids,
  );
  assert.equal(engine.agrees, true);
  const bytes = (id: string) => engine.designs.find((design) => design.id === id)!.tableBytes;
  assert.ok(bytes('on-demand-fork') < bytes('today'));
  const { status, stderr } = ptshare(['compare', script, '--size', '1G']);
  assert.deepEqual([status, /as large as it is/.test(stderr)], [2, true]);
});

test('a host that was saved is put into the engine, and its tables are those that it had', () => {
  const file = join(folder, 'saved.parquet');
  compare('containers', '--processes', '3', '--size', '4M', '--save', file);
  const { workload, engine, designs } = compare(file);
  assert.ok(engine);
  assert.deepEqual([workload.id, engine.agrees], ['snapshot', true]);
  assert.equal(engine.designs[0]!.tableBytes, designs[0]!.bytes);
});

const ACCESSES = `==7== Lackey, an example Valgrind tool
==7== Command: made by hand
I  00400000,4
 L 00601000,8
 S 00601008,8
 M 00602ffc,8
what the program itself has printed
 L 00a00000,8
`;

function accesses(...args: readonly string[]): AccessComparison {
  const { status, stdout, stderr } = ptshare(['compare', ...args, '--json']);
  assert.equal(status, 0, stderr);
  const data: unknown = JSON.parse(stdout);
  const comparison = accessComparisonSchema.parse(data);
  assert.deepEqual(data, comparison);
  return comparison;
}

test('a trace of memory accesses goes through TLBs, also compressed, and with others', () => {
  const [plain, packed] = [join(folder, 'a.lackey'), join(folder, 'b.lackey.gz')];
  writeFileSync(plain, ACCESSES);
  writeFileSync(packed, gzipSync(ACCESSES));
  const { processes, designs } = accesses(plain, packed, '--common', 'all');
  // One that crosses into the next page is two, and M is a load and a store.
  const made = { name: 'made by hand', accesses: 7, pages: 4, fetches: 1 };
  assert.deepEqual(processes, [made, made]);
  const today = designs.find(({ id }) => id === 'today')!;
  // Each page misses, faults, and misses again. Where the second process is the first in a table, its
  // fault brings in what is around, too: two pages that then miss once.
  assert.equal(today.accesses, 14);
  assert.equal(today.faults, 4 + 2);
  assert.equal(today.misses, 4 * 2 + 2 * 2 + 2);
  assert.equal(designs.find(({ id }) => id === 'hugetlb-2m')!.faults, 4);
  const html = join(folder, 'accesses.html');
  const { stdout } = ptshare(['compare', plain, '--html', html]);
  assert.ok(Math.max(...stdout.split('\n').map((line) => line.length)) <= 100);
  assert.match(readFileSync(html, 'utf8'), /Content-Security-Policy/);
});

judgedTest('what lackey records of ls is read to the last access', [programs('valgrind')], () => {
  const file = join(folder, 'ls.lackey');
  const args = ['--tool=lackey', '--trace-mem=yes', '--basic-counts=no', `--log-file=${file}`];
  const ran = spawnSync('valgrind', [...args, 'ls', '/'], { encoding: 'utf8' });
  assert.equal(ran.status, 0, ran.stderr);
  const lines = readFileSync(file, 'latin1').split('\n');
  const count = (pattern: RegExp): number => lines.filter((line) => pattern.test(line)).length;
  const crossing = lines.filter((line) => {
    const [, address, size] = /^ [LSM] ([0-9a-f]+),(\d+)$/.exec(line) ?? [];
    if (address === undefined) return false;
    return (Number.parseInt(address, 16) % 4096) + Number(size) > 4096;
  });
  assert.equal(crossing.filter((line) => line[1] === 'M').length, 0);
  const loads = count(/^ [LM] [0-9a-f]+,\d+$/);
  const stores = count(/^ [SM] [0-9a-f]+,\d+$/);
  const { processes, designs } = accesses(file);
  assert.equal(processes[0]!.name, 'ls /');
  assert.equal(processes[0]!.fetches, count(/^I {2}/));
  assert.equal(processes[0]!.accesses, loads + stores + crossing.length);
  for (const design of designs) {
    const hits = design.sizes.flatMap((size) => size.hits).reduce((sum, some) => sum + some, 0);
    assert.equal(hits + design.misses, design.accesses + design.faults, design.id);
  }
});

test('what is no trace, or damaged, is refused', () => {
  const file = join(folder, 'wrong.lackey');
  const wrong: readonly (readonly [string | Buffer, RegExp])[] = [
    ['==1== Lackey\n L zzzz,8\n L 1000\n L 1000,0\n L ffffffffffffffff,8\n', /no memory accesses/],
    [gzipSync('nothing of the kind'), /no memory accesses/],
    [gzipSync(ACCESSES).subarray(0, 60), /damaged or cut off/],
  ];
  for (const [content, message] of wrong) {
    writeFileSync(file, content);
    const { status, stderr, stdout } = ptshare(['compare', file]);
    assert.deepEqual([status, stdout], [2, '']);
    assert.match(stderr, message);
  }
});

test('what is wrong is said with its mend', () => {
  const wrong: readonly (readonly [readonly string[], RegExp])[] = [
    [[], /Which workload\?.*database/s],
    [['nonsense'], /Unknown workload: nonsense.*database/s],
    [['no/such/file'], /Cannot read no\/such\/file/],
    [['database', 'zygote'], /Only traces are compared together/],
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
