/** Records three samples a day until it is killed; says each when it is on the disk. */
import { loadExchange } from '../../src/dataset/exchange.ts';
import { History } from '../../src/dataset/history.ts';
import { sampleOf } from '../../src/fleet/sample.ts';
import { hostReport } from '../host_report.ts';

const HOURS = 8;
const [, , root, firstHour] = process.argv;
const history = await History.open({
  root: root!,
  hostname: 'db7',
  days: 10_000,
  bytes: 2 ** 40,
  exchange: loadExchange(),
});
const sample = sampleOf(hostReport());
for (let hour = Number(firstHour); ; hour += HOURS) {
  const takenAt = new Date(Date.UTC(2026, 0, 1, hour)).toISOString();
  await history.add({ ...sample, takenAt });
  process.stdout.write(`${takenAt}\n`);
}
