/** Answers about fleets that can be counted by hand, and what DuckDB makes of the same files. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type FleetReport, fleetReportSchema } from '../../src/fleet/schema.ts';
import { encodeSnapshot } from '../../src/snapshot/encode.ts';
import type { HostSnapshot } from '../../src/snapshot/records.ts';
import { ptshare } from '../command_line.ts';
import { GIB, generateHost, segmentTableBytes } from '../fixtures/generate_host.ts';
import { runFleet, writeSnapshots } from '../fleet_run.ts';

const HOSTS = 12;
const SNAPSHOTS = 60;
const MANY = 300;
const BYTES_MAX = 1e9;
let folder: string;
/** Of the varied hosts, which are written as a dataset meanwhile. */
let varied: FleetReport;
const at = (...names: string[]): string => join(folder, ...names);

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'ptshare-fleet-'));
  const small = generateHost({ processes: 6, segmentBytes: GIB, statusOnly: 2 });
  const large = generateHost({ processes: 20, segmentBytes: GIB / 4 });
  writeSnapshots(at('varied'), [small, large], SNAPSHOTS);
  varied = runFleet(at('varied'), '--save', at('dataset')).report;
});
after(() => rmSync(folder, { recursive: true }));

/** A host with so many processes that map one segment of 1 GiB, the first of some day. */
function hostOf(index: number, processes: number, day = 1): HostSnapshot {
  const host = generateHost({ processes, segmentBytes: GIB });
  const takenAt = `2026-02-0${day}T00:00:00.000Z`;
  return { ...host, takenAt, host: { ...host.host, hostname: `db${index}` } };
}

/** What a fleet is told about, from snapshots in a fresh folder. */
function answer(name: string, snapshots: readonly HostSnapshot[]): FleetReport {
  const path = mkdtempSync(at(name));
  for (const [i, snapshot] of snapshots.entries()) {
    writeFileSync(join(path, `${i}.parquet`), encodeSnapshot(snapshot));
  }
  const { status, stdout, stderr } = ptshare(['fleet', path, '--json']);
  assert.equal(status, 0, stderr);
  return fleetReportSchema.parse(JSON.parse(stdout));
}

test('tables of segments add up over hosts as arithmetic says', () => {
  const report = answer(
    'sums',
    Array.from({ length: HOSTS }, (_, i) => hostOf(i, i + 1)),
  );
  const segment = report.segments.find(({ kind }) => kind === 'sysv');
  const processes = (HOSTS * (HOSTS + 1)) / 2;
  assert.equal(report.hosts, HOSTS);
  assert.equal(report.software[0]?.name, 'postgres');
  assert.equal(report.software[0]?.processes, processes);
  assert.equal(segment?.mappers, processes);
  // PTE tables of all processes, and a PMD and a PUD table in each.
  const pteBytes = segmentTableBytes({ processes, segmentBytes: GIB });
  assert.equal(segment?.tableBytes, pteBytes + processes * 2 * 4096);
  // One whole tree of each host is no duplicate.
  const tree = segmentTableBytes({ processes: 1, segmentBytes: GIB }) + 2 * 4096;
  assert.equal(segment?.duplicateBytes, segment!.tableBytes - HOSTS * tree);
});

test('the design that saves most is named, with the host and the software it saves most on', () => {
  const report = answer('designs', [hostOf(1, 2), hostOf(2, 40), hostOf(3, 3)]);
  const best = report.designs.filter(({ bestOn }) => bestOn > 0);
  assert.equal(
    best.reduce((hosts, { bestOn }) => hosts + bestOn, 0),
    3,
  );
  assert.equal(best[0]?.hosts[0]?.name, 'db2');
  assert.equal(best[0]?.software[0]?.name, 'postgres');
  assert.equal(report.costliest[0]?.hostname, 'db2');
});

test('only the last sample of a host counts, in whatever order files come', () => {
  const days = [hostOf(1, 9, 3), hostOf(1, 2, 1), hostOf(1, 5, 2)];
  const report = answer('last', days);
  assert.equal(report.samples, 3);
  assert.equal(report.hosts, 1);
  assert.equal(report.cost.processes, 9);
  assert.deepEqual(
    report.trend.days.map(({ day }) => day),
    ['2026-02-01', '2026-02-02', '2026-02-03'],
  );
  const { growing, throughout } = report.trend;
  const [from, to] = [days[1]!, days[0]!].map(({ host }) => host.pageTablesBytes);
  assert.deepEqual(throughout, { hosts: 1, fromBytes: from, toBytes: to });
  // Processes from 2 over 5 to 9: slopes of 3, 4 and 3.5 of them a day, whose median is 3.5.
  assert.equal(growing[0]?.bytesPerDay, (to! - from!) / 2);
});

test('a host that is unlike the others is found, and named with what makes it so', () => {
  const usual = Array.from({ length: HOSTS }, (_, i) => hostOf(i, 10 + (i % 3)));
  assert.deepEqual(answer('usual', usual).outliers, []);
  const [found] = answer('odd', [...usual, hostOf(99, 200)]).outliers;
  assert.equal(found?.hostname, 'db99');
  assert.equal(found?.measure, 'percentOfMemory');
  assert.equal(found?.payer, 'postgres');
});

test('a sample that is both in a dataset and in a snapshot counts once', () => {
  const both = ptshare(['fleet', at('varied'), at('dataset'), '--json']);
  assert.equal(both.status, 0, both.stderr);
  assert.deepEqual(JSON.parse(both.stdout), varied);
  assert.deepEqual(runFleet(at('dataset')).report, varied);
});

test('a file that cannot be used is named, and the others count', () => {
  const path = mkdtempSync(at('bad'));
  writeFileSync(join(path, 'a.parquet'), encodeSnapshot(hostOf(1, 3)));
  writeFileSync(join(path, 'b.parquet'), 'PAR1 and nothing else');
  const { status, stdout } = ptshare(['fleet', path, '--json']);
  assert.equal(status, 1);
  const { hosts, refused } = fleetReportSchema.parse(JSON.parse(stdout));
  assert.equal(hosts, 1);
  assert.equal(refused.length, 1);
  assert.match(refused[0]!.file, /b\.parquet$/);
  assert.match(refused[0]!.why, /does not begin and end as a Parquet file/);
  const alone = ptshare(['fleet', join(path, 'b.parquet')]);
  assert.equal(alone.status, 2);
  assert.match(alone.stderr, /Cannot use any of 1 files/);
});

test('folders, patterns and lists name the same files', () => {
  const path = at('varied');
  writeFileSync(at('list.txt'), '# of 2026\nvaried/*.parquet\n\nvaried/0.parquet\n');
  const fromFolder = ptshare(['fleet', path, '--json']).stdout;
  assert.equal(ptshare(['fleet', `${path}/*.parquet`, '--json']).stdout, fromFolder);
  assert.equal(ptshare(['fleet', at('list.txt'), '--json']).stdout, fromFolder);
  writeFileSync(at('broken.txt'), 'varied/0.parquet\nnothing/here.parquet\n');
  const { status, stderr } = ptshare(['fleet', at('broken.txt')]);
  assert.equal(status, 2);
  assert.match(stderr, /nothing\/here\.parquet: no such file.*listed in .*broken\.txt:2/s);
});

test('a dataset is written into an empty folder only, and not at all if that fails', () => {
  const { status, stderr } = ptshare(['fleet', at('varied'), '--save', folder]);
  assert.equal(status, 2);
  assert.match(stderr, /it is not empty/);
  assert.ok(!readdirSync(folder).some((name) => name.endsWith('.partial')));
});

interface Row {
  readonly [column: string]: string | number;
}

/** What DuckDB finds in the Parquet files of a dataset, without a line of ours. */
async function duckdb(dataset: string, sql: string): Promise<Row[]> {
  const { DuckDBInstance } = await import('@duckdb/node-api');
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    await connection.run(
      `CREATE VIEW last AS SELECT * FROM read_parquet('${dataset}/host=*/day=*/*.parquet')
       QUALIFY taken_at = max(taken_at) OVER (PARTITION BY hostname)`,
    );
    const rows = (await connection.runAndReadAll(sql)).getRowObjectsJson();
    return rows.map((row) =>
      Object.fromEntries(
        Object.entries(row).map(([name, value]) => {
          const number = Number(value);
          return [name, Number.isNaN(number) ? String(value) : number];
        }),
      ),
    );
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

test('SQL on the Parquet files gives the same totals', async () => {
  const { cost, software, segments, designs } = varied;
  const sums = `sum(table_bytes) AS "tableBytes", sum(duplicate_bytes) AS "duplicateBytes"`;
  const [whole] = await duckdb(
    at('dataset'),
    `SELECT count(*) AS hosts, sum(page_tables_bytes) AS "pageTablesBytes",
       sum(memory_bytes) AS "memoryBytes", sum(kernel_bytes) AS "kernelBytes",
       sum(processes) AS processes, ${sums} FROM last WHERE record = 'host'`,
  );
  const { hosts, ...costs } = whole!;
  assert.equal(hosts, SNAPSHOTS / 5);
  for (const [name, value] of Object.entries(costs)) {
    assert.equal(value, cost[name as keyof typeof cost], name);
  }
  const byName = <T extends { readonly name: string }>(rows: readonly T[]): T[] =>
    rows.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const groups = await duckdb(
    at('dataset'),
    `SELECT name, count(*) AS hosts, sum(processes) AS processes, ${sums}
     FROM last WHERE record = 'group' GROUP BY name`,
  );
  assert.deepEqual(byName(groups as never), byName(software));
  const objects = await duckdb(
    at('dataset'),
    `SELECT name, kind, count(*) AS hosts, sum(processes) AS mappers, ${sums}
     FROM last WHERE record = 'object' GROUP BY ALL`,
  );
  assert.deepEqual(byName(objects as never), byName(segments));
  const saved = await duckdb(
    at('dataset'),
    `SELECT name, sum(before_bytes - table_bytes) AS saves FROM last WHERE record = 'design'
     GROUP BY name`,
  );
  assert.deepEqual(
    byName(saved as never),
    byName(designs.map(({ id, savesBytes }) => ({ name: id, saves: savesBytes }))),
  );
});

test('--sql answers from the same files, and reads nothing else', () => {
  const query = (sql: string) => ptshare(['fleet', at('dataset'), '--json', '--sql', sql]);
  const { status, stdout, stderr } = query(
    'SELECT count(DISTINCT hostname) AS hosts, count(*) AS samples, min(day)::VARCHAR AS day FROM hosts',
  );
  assert.equal(status, 0, stderr);
  assert.deepEqual(JSON.parse(stdout), [
    { hosts: varied.hosts, samples: varied.samples, day: varied.firstAt.slice(0, 10) },
  ]);
  for (const sql of [
    "SELECT * FROM read_csv('/etc/hostname')",
    'SELEC 1',
    'SELECT * FROM nothing',
  ]) {
    const wrong = query(sql);
    assert.equal(wrong.status, 2, sql);
    assert.match(wrong.stderr, /Cannot answer the query: .+\nTables are samples, hosts/);
  }
});

test('a host whose name no Linux has is refused, not written somewhere else', () => {
  const path = mkdtempSync(at('names'));
  for (const [i, hostname] of ['x'.repeat(300), 'db\ud800', 'db1'].entries()) {
    const host = hostOf(1, 2);
    const named = { ...host, host: { ...host.host, hostname } };
    if (hostname.includes('\ud800')) assert.throws(() => encodeSnapshot(named), /Unicode/);
    else writeFileSync(join(path, `${i}.parquet`), encodeSnapshot(named));
  }
  const { status, stdout } = ptshare(['fleet', path, '--json', '--save', join(path, 'saved')]);
  assert.equal(status, 1);
  const { hosts, refused } = fleetReportSchema.parse(JSON.parse(stdout));
  assert.equal(hosts, 1);
  assert.match(refused[0]!.why, /hostname: it is no name that Linux allows/);
});

/** Has Node find no DuckDB, as where npm could not install it. */
const WITHOUT_DUCKDB = `data:text/javascript,${encodeURIComponent(`
  import { register } from 'node:module';
  register('data:text/javascript,' + encodeURIComponent(\`
    export async function resolve(name, context, next) {
      if (name.startsWith('@duckdb')) throw new Error('not found');
      return next(name, context);
    }\`));`)}`;

test('where DuckDB is not installed, --sql says so and all else works', () => {
  const env = { PATH: process.env.PATH, NODE_OPTIONS: `--import=${WITHOUT_DUCKDB}` };
  const { status, stderr } = ptshare(['fleet', at('dataset'), '--sql', 'SELECT 1'], { env });
  assert.equal(status, 3);
  assert.match(stderr, /optional package @duckdb\/node-api is not installed here\nInstall it/);
  assert.equal(ptshare(['fleet', at('dataset')], { env }).status, 0);
});

test('a fleet of some hundred snapshots takes little memory', () => {
  const hosts = at('many');
  writeSnapshots(hosts, [generateHost({ processes: 3, segmentBytes: GIB })], MANY);
  const { report, rssBytesMax } = runFleet(hosts);
  assert.equal(report.samples, MANY);
  assert.ok(rssBytesMax <= BYTES_MAX, `${rssBytesMax} bytes`);
});

test('names of hosts and programs do nothing to terminals and pages', () => {
  const hostile = hostOf(1, 3);
  const name = '<script>\u001b[2J\u202e';
  const path = mkdtempSync(at('hostile'));
  const mms = hostile.mms.map((mm) => ({ ...mm, comm: name }));
  const snapshot = { ...hostile, mms, host: { ...hostile.host, hostname: `../${name}` } };
  writeFileSync(join(path, 'a.parquet'), encodeSnapshot(snapshot));
  const page = join(path, 'page.html');
  const saved = join(path, 'saved');
  const { status, stdout } = ptshare(['fleet', path, '--html', page, '--save', saved]);
  assert.equal(status, 0);
  assert.ok(!stdout.includes('\u001b') && !stdout.includes('\u202e'));
  assert.deepEqual(readdirSync(saved), ['host=..%2F%3Cscript%3E%1B%5B2J%E2%80%AE']);
});
