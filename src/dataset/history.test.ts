import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import fsPromises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { hostReport } from '../../test/host_report.ts';
import { decodeDataset } from '../fleet/decode.ts';
import { type Sample, sampleOf } from '../fleet/sample.ts';
import { loadExchange } from './exchange.ts';
import { History, HistoryInUse, type HistoryOptions } from './history.ts';

const report = sampleOf(hostReport());
const sampleAt = (takenAt: string): Sample => ({ ...report, takenAt });

function optionsIn(context: TestContext, more: Partial<HistoryOptions> = {}): HistoryOptions {
  const root = mkdtempSync(join(tmpdir(), 'ptshare-history-'));
  context.after(() => rmSync(root, { recursive: true }));
  return { root, hostname: 'db7', days: 30, bytes: 2 ** 30, exchange: loadExchange(), ...more };
}

/** Names of the files below a history, each with the times of its samples. */
function filesOf({ root }: HistoryOptions): Record<string, string[]> {
  const folder = join(root, 'host=db7');
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  return Object.fromEntries(
    names
      .filter((name) => /^day=[^/]+\/[^.].*\.parquet$/.test(name))
      .map((name) => [
        name,
        decodeDataset(readFileSync(join(folder, name))).map(({ takenAt }) => takenAt),
      ]),
  );
}

async function record(options: HistoryOptions, times: readonly string[]): Promise<void> {
  const history = await History.open(options);
  for (const time of times) await history.add(sampleAt(time));
  history.close();
}

test('samples of an hour are one file, and each is there when add() returns', async (context) => {
  const options = optionsIn(context);
  const history = await History.open(options);
  const times = [
    '2026-01-15T10:00:00.000Z',
    '2026-01-15T10:01:00.000Z',
    '2026-01-15T11:00:00.000Z',
  ];
  const seen: string[][] = [];
  for (const time of times) {
    await history.add(sampleAt(time));
    seen.push(Object.values(filesOf(options)).flat());
  }
  history.close();
  assert.deepEqual(seen, [times.slice(0, 1), times.slice(0, 2), times]);
  assert.deepEqual(Object.keys(filesOf(options)), [
    'day=2026-01-15/part-20260115T100000000Z.parquet',
    'day=2026-01-15/part-20260115T110000000Z.parquet',
  ]);
});

test('a day that is over becomes one file', async (context) => {
  const options = optionsIn(context);
  const times = [
    '2026-01-15T10:00:00.000Z',
    '2026-01-15T11:00:00.000Z',
    '2026-01-15T12:00:00.000Z',
  ];
  await record(options, [...times, '2026-01-16T00:00:00.000Z']);
  assert.deepEqual(filesOf(options), {
    'day=2026-01-15/part-20260115T100000000Z.parquet': times,
    'day=2026-01-16/part-20260116T000000000Z.parquet': ['2026-01-16T00:00:00.000Z'],
  });
});

test('without a way to swap folders, a day stays in its files', async (context) => {
  const options = optionsIn(context, { exchange: undefined });
  const times = [
    '2026-01-15T10:00:00.000Z',
    '2026-01-15T11:00:00.000Z',
    '2026-01-16T00:00:00.000Z',
  ];
  await record(options, times);
  assert.deepEqual(
    Object.values(filesOf(options)),
    times.map((time) => [time]),
  );
});

test('a file that cannot be read is left as it is, with those beside it', async (context) => {
  const options = optionsIn(context);
  await record(options, ['2026-01-15T10:00:00.000Z', '2026-01-15T11:00:00.000Z']);
  const bad = join(options.root, 'host=db7/day=2026-01-15/part-20260115T093000000Z.parquet');
  writeFileSync(bad, 'PAR1');
  await record(options, ['2026-01-16T00:00:00.000Z']);
  assert.equal(readFileSync(bad, 'utf8'), 'PAR1');
  rmSync(bad);
  assert.equal(Object.keys(filesOf(options)).length, 3);
});

test('days that are too old go, and then the oldest files until the rest is small enough', async (context) => {
  const day = (n: number): string => `2026-01-${String(n).padStart(2, '0')}T00:00:00.000Z`;
  const days = Array.from({ length: 10 }, (_, i) => day(i + 1));
  const kept = optionsIn(context, { days: 3 });
  await record(kept, days);
  assert.deepEqual(Object.values(filesOf(kept)).flat(), days.slice(-3));
  assert.deepEqual(readdirSync(join(kept.root, 'host=db7')).length, 3);

  const probe = optionsIn(context);
  await record(probe, days.slice(0, 1));
  const [name] = Object.keys(filesOf(probe));
  const { length } = readFileSync(join(probe.root, 'host=db7', name!));
  const small = optionsIn(context, { bytes: Math.floor(length * 4.5) });
  await record(small, days);
  assert.deepEqual(Object.values(filesOf(small)).flat(), days.slice(-4));
});

test('what a crash left is removed, and nothing else', async (context) => {
  const options = optionsIn(context);
  await record(options, ['2026-01-15T10:00:00.000Z']);
  const folder = join(options.root, 'host=db7');
  const partial = join(folder, 'day=2026-01-15', '.part-x.parquet.0123456789ab.partial');
  writeFileSync(partial, 'PAR1');
  mkdirSync(join(folder, '.compact'));
  writeFileSync(join(folder, '.compact', 'part-x.parquet'), 'PAR1');
  writeFileSync(join(folder, 'notes.txt'), 'of the owner');
  await record(options, ['2026-01-15T10:01:00.000Z']);
  assert.ok(!existsSync(partial));
  assert.deepEqual(readdirSync(folder).sort(), ['day=2026-01-15', 'notes.txt']);
});

test('two cannot record one host into one dataset', async (context) => {
  const options = optionsIn(context);
  const first = await History.open(options);
  await assert.rejects(History.open(options), HistoryInUse);
  first.close();
  (await History.open(options)).close();
});

/** What changes a file system, or makes a change last. */
const STEPS = ['open', 'rename', 'unlink', 'mkdir', 'rm', 'rmdir'] as const;

/**
 * From now on the step after `count` others, and all behind it, never happen: what is on the disk
 * then is what a process leaves that is killed there.
 *
 * @returns `stopped` when it came so far, and what undoes it
 */
function stopAfter(count: number): { stopped: Promise<true>; undo: () => void } {
  let steps = 0;
  let tell: (value: true) => void;
  const stopped = new Promise<true>((resolve) => {
    tell = resolve;
  });
  const originals = STEPS.map((name) => [name, fsPromises[name]] as const);
  for (const [name, original] of originals) {
    Object.assign(fsPromises, {
      [name]: (...args: never[]) => {
        if (steps++ < count) return (original as (...args: never[]) => unknown)(...args);
        tell(true);
        return new Promise(() => {});
      },
    });
  }
  syncBuiltinESMExports();
  const undo = (): void => {
    for (const [name, original] of originals) Object.assign(fsPromises, { [name]: original });
    syncBuiltinESMExports();
  };
  return { stopped, undo };
}

/** Two days that end, each of three files. */
const EIGHT_HOURS = 8 * 3_600_000;
const TIMES = Array.from({ length: 7 }, (_, i) =>
  new Date(Date.UTC(2026, 0, 15) + i * EIGHT_HOURS).toISOString(),
);

test('wherever its writer is stopped, a history has every finished sample, and each once', async (context) => {
  let steps = 0;
  for (let isStopped = true; isStopped; steps++) {
    const options = optionsIn(context);
    const history = await History.open(options);
    const finished: string[] = [];
    const { stopped, undo } = stopAfter(steps);
    const write = async (): Promise<false> => {
      for (const time of TIMES) {
        await history.add(sampleAt(time));
        finished.push(time);
      }
      return false;
    };
    isStopped = await Promise.race([write(), stopped]);
    undo();
    history.close();

    const found = Object.values(filesOf(options)).flat();
    const place = `after ${steps} steps`;
    assert.deepEqual(found, [...new Set(found)].sort(), place);
    assert.deepEqual(finished, found.slice(0, finished.length), place);
    assert.ok(found.length <= finished.length + 1, place);

    const later = '2026-02-01T00:00:00.000Z';
    await record(options, [later]);
    assert.deepEqual(Object.values(filesOf(options)).flat(), [...found, later], place);
  }
  context.diagnostic(`${steps} places`);
  assert.ok(steps > (10 * TIMES.length) / 2);
});
