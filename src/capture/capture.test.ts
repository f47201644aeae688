/** Captures of a /proc made for the test: what no live host shows when it is asked to. */
import assert from 'node:assert/strict';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../../test/live/at_end.ts';
import { RunKind } from '../snapshot/records.ts';
import { validateSnapshot } from '../snapshot/validate.ts';
import { captureHost } from './capture.ts';
import { CaptureError } from './capture_error.ts';

const golden = (name: string): string =>
  readFileSync(new URL(`../../../src/proc/golden/${name}.txt`, import.meta.url), 'utf8');

/** Two pages of 2^63 (present) and a frame number each. */
type Entries = Readonly<Record<number, bigint>>;
const PRESENT = 2n ** 63n;

class FakeProc {
  readonly root = temporaryFolder();

  constructor() {
    this.write('meminfo', golden('meminfo'));
    this.write('cpuinfo', 'flags\t\t: fpu pti\n');
    this.write('sys/kernel/hostname', 'fake\n');
    this.write('sys/kernel/osrelease', '6.1.0-test\n');
    this.write('2/status', golden('kthreadd.status'));
  }

  write(name: string, text: string): void {
    const path = join(this.root, name);
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, text);
  }

  /** @param pteKilobytes undefined for a process without an address space */
  process(pid: number, pteKilobytes: number | undefined): void {
    const status = golden('postgres.status').replaceAll('17664', String(pid));
    const pte = pteKilobytes === undefined ? '' : `VmPTE:\t${pteKilobytes} kB\n`;
    this.write(`${pid}/status`, status.replace(/^VmPTE:.*\n/m, pte));
    this.write(`${pid}/stat`, `${pid} (postgres) S ${'1 '.repeat(48)}\n`);
    this.write(`${pid}/cgroup`, '0::/system.slice/postgresql.service\n');
    this.write(`${pid}/cmdline`, 'postgres:\0checkpointer\0');
  }

  maps(pid: number, text: string, entries: Entries): void {
    this.write(`${pid}/maps`, text);
    this.write(`${pid}/pagemap`, '');
    const pagemap = openSync(join(this.root, String(pid), 'pagemap'), 'r+');
    for (const [page, entry] of Object.entries(entries)) {
      writeSync(pagemap, new BigUint64Array([entry]), 0, 8, Number(page) * 8);
    }
    // The kernel's file reaches to the end of the address space.
    writeSync(pagemap, new Uint8Array(1), 0, 1, 2 ** 30);
    closeSync(pagemap);
  }
}

const PRIVATE = '10000000-10400000 rw-p 00000000 00:00 0 \n';
/** First page of that mapping. */
const PAGE = 0x10000;

test('captureHost() counts what vanishes, what is not understood, and what has no memory', async () => {
  const proc = new FakeProc();
  proc.process(100, 12);
  proc.maps(100, PRIVATE, { [PAGE]: PRESENT + 7n, [PAGE + 1]: PRESENT + 8n });
  proc.process(101, 8);
  proc.process(102, undefined);
  proc.process(103, 16);
  proc.maps(103, 'No such thing\n', {});
  const snapshot = await captureHost({ procRoot: proc.root });
  validateSnapshot(snapshot);

  const { coverage, host, mms } = snapshot;
  assert.deepEqual(
    mms.map(({ pid, visibility }) => [pid, visibility]),
    [
      [103, 'status'],
      [100, 'tables'],
    ],
  );
  assert.equal(coverage.processes, 3);
  assert.equal(coverage.vanished, 1);
  assert.equal(coverage.statusOnly, 1);
  assert.equal(coverage.wholeHost, true);
  assert.match(coverage.notes.join(' '), /were not understood.*maps:1.*No such thing/);
  assert.equal(host.hostname, 'fake');
  assert.equal(host.rootPages, 2);
  assert.equal(host.countersFolded, false);
  assert.equal(host.pageTablesBytes % 4096, 0);

  const [, mm] = mms;
  assert.equal(mm!.comm, 'postgres');
  assert.equal(mm!.commandLine, 'postgres: checkpointer');
  assert.equal(mm!.cgroup, '/system.slice/postgresql.service');
  assert.deepEqual(
    [mm!.vmPtePages, [...mm!.runs.kind], [...mm!.runs.pages]],
    [3, [RunKind.PTE], [2]],
  );
});

test('captureHost() tells tables with the same frames in the same places', async () => {
  const proc = new FakeProc();
  const same: Entries = { [PAGE]: PRESENT + 7n, [PAGE + 600]: PRESENT + 8n };
  const contents = async (second: Entries): Promise<number[][]> => {
    for (const [pid, entries] of [[100, same] as const, [101, second] as const]) {
      proc.process(pid, 16);
      proc.maps(pid, PRIVATE, entries);
    }
    const { mms } = await captureHost({ procRoot: proc.root });
    return mms.map(({ runs }) => [...runs.content]);
  };
  assert.deepEqual(await contents(same), [[1], [1]]);
  const otherFrame = { ...same, [PAGE + 600]: PRESENT + 9n };
  assert.deepEqual(await contents(otherFrame), [[1], [1, 3]]);
  const otherPlace = { [PAGE + 1]: PRESENT + 7n, [PAGE + 600]: PRESENT + 8n };
  assert.deepEqual(await contents(otherPlace), [[1], [3, 2]]);
});

test('captureHost() says so where frame numbers are hidden', async () => {
  const proc = new FakeProc();
  for (const pid of [100, 101]) {
    proc.process(pid, 12);
    proc.maps(pid, PRIVATE, { [PAGE]: PRESENT });
  }
  const { mms, coverage } = await captureHost({ procRoot: proc.root });
  assert.deepEqual(
    mms.map(({ runs }) => [...runs.content]),
    [[0], [0]],
  );
  assert.match(coverage.notes.join(' '), /only root may see/);
});

test('captureHost() selects a control group and those below it', async () => {
  const proc = new FakeProc();
  proc.process(100, 12);
  proc.maps(100, PRIVATE, {});
  const found = async (cgroup: string): Promise<number> =>
    (await captureHost({ procRoot: proc.root, cgroup })).mms.length;
  assert.equal(await found('/system.slice'), 1);
  assert.equal(await found('/system.slice/'), 1);
  assert.equal(await found('/'), 1);
  assert.equal(await found('/system'), 0);
  assert.equal((await captureHost({ procRoot: proc.root, cgroup: '/x' })).coverage.skipped, 1);
});

test('captureHost() is not the whole host where kthreadd is not to be seen', async () => {
  const proc = new FakeProc();
  // In a container, pid 2 is a process like any other, and may have any name.
  proc.process(2, 12);
  proc.write('2/status', golden('postgres.status').replace('Name:\tpostgres', 'Name:\tkthreadd'));
  const { coverage } = await captureHost({ procRoot: proc.root });
  assert.equal(coverage.wholeHost, false);
  assert.match(coverage.notes.join(' '), /this is a container/);
});

test('captureHost() says what to do where there is no /proc', async () => {
  await assert.rejects(captureHost({ procRoot: join(temporaryFolder(), 'none') }), (error) => {
    assert.ok(error instanceof CaptureError);
    assert.match(error.message, /none\/meminfo cannot be read: run on Linux/);
    return true;
  });
});
