import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hostReport } from '../../test/host_report.ts';
import { type Sample, sampleOf } from './sample.ts';
import { Alarms, alarmSentence, measured, parseThreshold } from './thresholds.ts';

const sample = sampleOf(hostReport());

function withTables(pageTablesBytes: number): Sample {
  return { ...sample, host: { ...sample.host, pageTablesBytes } };
}

test('parseThreshold() reads sizes and percents', () => {
  assert.equal(parseThreshold('tables=2%')?.unit, 'percent');
  assert.equal(parseThreshold('duplicates=1.5GiB')?.limit, 1.5 * 2 ** 30);
  assert.equal(parseThreshold('savings=500M')?.limit, 500 * 2 ** 20);
  assert.equal(parseThreshold('tables=4096')?.limit, 4096);
  const group = parseThreshold('group:a=b=10K');
  assert.equal(group?.group, 'a=b');
  assert.equal(group?.limit, 10 * 2 ** 10);
});

test('parseThreshold() refuses what is no limit', () => {
  for (const text of [
    '',
    'tables',
    'tables=',
    'tables=-1',
    'tables=0',
    'tables=2%%',
    'tables=1X',
    'group=1G',
    'group:=1G',
    'other=1',
    'tables=1e9',
    'tables=2 %',
  ]) {
    assert.equal(parseThreshold(text), undefined, text);
  }
});

test('what is measured is what the report says', () => {
  const report = hostReport();
  const of = (text: string): number => measured(parseThreshold(text)!, sample);
  assert.equal(of('tables=1'), report.pageTables.reportedBytes);
  assert.equal(of('tables=1%'), report.pageTables.percentOfMemory);
  assert.equal(of('group:postgres=1'), report.groups[0]!.vmPteBytes);
  assert.equal(of('group:nobody=1'), 0);
  const best = report.designs.filter(({ id }) => id !== 'identical').map((d) => d.savesBytes);
  assert.equal(of('savings=1'), Math.max(...best));
});

test('an alarm is raised once, and cleared when the value is clearly below the limit', () => {
  const alarms = new Alarms([parseThreshold('tables=100M')!]);
  const states = [90, 101, 105, 99, 96, 94, 99, 101].map((mebibytes) =>
    alarms.next(withTables(mebibytes * 2 ** 20)).map(({ state }) => state),
  );
  assert.deepEqual(states, [[], ['raised'], [], [], [], ['cleared'], [], ['raised']]);
  assert.deepEqual(alarms.raised, ['tables=100M']);
  const [cleared] = alarms.next(withTables(2 ** 20));
  assert.equal(alarmSentence(cleared!), 'cleared tables=100M: 1 MiB');
});
