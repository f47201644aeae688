import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reportOnLargeHost } from './large_host.ts';

const MIB = 1024 * 1024;

test('300 GiB mapped by 1500 processes: the figures of the mails, in under 300 MB', (context) => {
  const { report, seconds, rssBytesMax } = reportOnLargeHost(1500);
  context.diagnostic(`${seconds.toFixed(2)} s, ${(rssBytesMax / MIB).toFixed(0)} MiB at the most`);
  const segment = report.objects[0];
  assert.equal(segment?.mappers, 1500);
  assert.equal(segment.pteTableBytes, 943_718_400_000);
  const mshare = report.designs.find(({ id }) => id === 'mshare');
  const moved = mshare?.objects.find(({ name }) => name === segment.name);
  assert.equal(moved?.tableBytes, 630_378_496);
  assert.equal(report.pageTables.unexplainedBytes, 0);
  assert.ok(rssBytesMax > 0);
  assert.ok(rssBytesMax < 300e6);
});
