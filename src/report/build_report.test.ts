import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GIB, host, mm, object, populated, workers } from '../../test/fixtures/hand_made_host.ts';
import { type HostSnapshot, type Mm, RunKind } from '../snapshot/records.ts';
import { buildHostReport } from './build_report.ts';
import { hostReportSchema } from './schema.ts';

const MIB = 1024 * 1024;
const ALIGNED = 4 * GIB;

function named(comm: string, mms: readonly Mm[]): Mm[] {
  return mms.map((entry) => ({ ...entry, comm, commandLine: comm }));
}

/** PostgreSQL with 8 GiB of shared buffers and twenty backends. */
function postgresHost(pool: Partial<HostSnapshot['host']['hugetlbPools'][number]> = {}) {
  const segment = populated(ALIGNED, 8 * GIB + 5);
  const snapshot = host(
    [object('shared-anon', '/dev/zero')],
    named('postgres', workers(20, 8 * 513 + 3, [segment])),
  );
  const hugetlbPools = snapshot.host.hugetlbPools.map((entry) => ({ ...entry, ...pool }));
  return { ...snapshot, host: { ...snapshot.host, hugetlbPools } };
}

test('buildHostReport() gives a report that its own schema accepts', () => {
  const report = buildHostReport(postgresHost());
  assert.deepEqual(hostReportSchema.parse(report), report);
});

test('buildHostReport() splits what the kernel reports without a remainder', () => {
  const snapshot = postgresHost();
  const kernelBytes = 136 * 4096;
  const { pageTables } = buildHostReport({
    ...snapshot,
    host: { ...snapshot.host, pageTablesBytes: snapshot.host.pageTablesBytes + kernelBytes },
  });
  assert.equal(pageTables.kernelBytes, kernelBytes);
  assert.equal(pageTables.unexplainedBytes, 0);
  assert.equal(pageTables.explainedBytes + kernelBytes, pageTables.reportedBytes);
});

test('buildHostReport() does not call tables the kernel’s when not all processes were seen', () => {
  const snapshot = postgresHost();
  const { pageTables } = buildHostReport({
    ...snapshot,
    host: { ...snapshot.host, pageTablesBytes: snapshot.host.pageTablesBytes + 4096 },
    coverage: { ...snapshot.coverage, wholeHost: false },
  });
  assert.equal(pageTables.kernelBytes, 0);
  assert.equal(pageTables.unexplainedBytes, 4096);
});

test('a saving is a lower bound while a process is known by its size only', () => {
  const snapshot = postgresHost();
  const bound = (mms: readonly Mm[], design = 'mshare') =>
    buildHostReport({ ...snapshot, mms }).designs.find(({ id }) => id === design)?.bound;
  assert.equal(bound(snapshot.mms), 'exact');
  const unseen: Mm = { ...mm(1, 30, []), visibility: 'status' };
  assert.equal(bound([...snapshot.mms, unseen]), 'lower');
  assert.equal(bound([...snapshot.mms, unseen], 'today'), 'exact', 'it saves nothing, for certain');
});

test('advice for PostgreSQL computes vm.nr_hugepages from what is mapped and what is free', () => {
  const advice = (pool: object) => {
    const [entry] = buildHostReport(postgresHost(pool)).advice;
    assert.equal(entry?.id, 'postgres-huge-pages');
    return entry.steps.map(({ command }) => command ?? '').join('\n');
  };
  // 8 GiB and 5 pages are 4097 huge pages.
  assert.match(advice({}), /sysctl -w vm\.nr_hugepages=4097\n/);
  assert.match(advice({ total: 100, free: 60, reserved: 10 }), /vm\.nr_hugepages=4147\n/);
  assert.doesNotMatch(advice({ total: 5000, free: 5000 }), /nr_hugepages/);
});

test('advice saves what the design says its segments save', () => {
  const report = buildHostReport(postgresHost());
  const hugetlb = report.designs.find(({ id }) => id === 'hugetlb-2m');
  assert.ok(hugetlb);
  assert.equal(report.advice[0]?.savesBytes, hugetlb.savesBytes);
  assert.equal(hugetlb.gains[0]?.group, 'postgres');
});

test('SysV, unknown programs and Java each get their own steps, and nothing twice', () => {
  const objects = [object('sysv', '/SYSV00000000'), object('memfd', '/memfd:cache')];
  const memfd = populated(ALIGNED, GIB, RunKind.PTE, { object: 1 });
  const heap = populated(20 * GIB, GIB, RunKind.THP_ANON, { object: -1, shared: false });
  const report = buildHostReport(
    host(objects, [
      ...named('oracle_12_orcl', workers(4, 514, [populated(ALIGNED, GIB)])),
      ...named('cached', workers(3, 514, [memfd])),
      { ...mm(900, 514, [heap]), comm: 'java' },
    ]),
  );
  assert.deepEqual(
    report.advice.map(({ id }) => id),
    ['sysv-hugetlb:oracle_12_orcl', 'shmem-hugetlb:cached', 'jvm-large-pages:900'],
  );
  const java = report.advice[2]!;
  assert.equal(java.savesBytes, 2 * MIB, 'a deposited table for each of 512 huge pages');
});

test('a host where nothing is worth a restart gets no advice', () => {
  const snapshot = host([], [mm(1, 3, [populated(ALIGNED, 10, RunKind.PTE, { object: -1 })])]);
  assert.deepEqual(buildHostReport(snapshot).advice, []);
});

test('a projection adds copies of a process, and PageTables follows', () => {
  const snapshot = postgresHost();
  const projections = [{ group: 'postgres', processes: 200 }];
  const report = buildHostReport(snapshot, { projections });
  assert.equal(report.processes.length, 200);
  assert.equal(
    report.pageTables.reportedBytes - snapshot.host.pageTablesBytes,
    180 * (8 * 513 + 3 + 1) * 4096,
  );
  assert.equal(report.pageTables.unexplainedBytes, 0);
  assert.match(report.notes.at(-1) ?? '', /Predicted, not seen: 200 processes/);
  const fewer = buildHostReport(snapshot, { projections: [{ group: 'postgres', processes: 2 }] });
  assert.equal(fewer.processes.length, 2);
});

test('a projection of a group that is not there is refused', () => {
  const projections = [{ group: 'mysqld', processes: 2 }];
  assert.throws(() => buildHostReport(postgresHost(), { projections }), RangeError);
});

test('the kernel’s own tables are a group only when asked for', () => {
  const snapshot = postgresHost();
  const reported = { ...snapshot.host, pageTablesBytes: snapshot.host.pageTablesBytes + 8192 };
  const groups = (includeKernel: boolean) =>
    buildHostReport({ ...snapshot, host: reported }, { includeKernel }).groups;
  assert.deepEqual(
    groups(false).map(({ name }) => name),
    ['postgres'],
  );
  assert.equal(groups(true).find(({ name }) => name === '[kernel]')?.vmPteBytes, 8192);
});
