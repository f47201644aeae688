/**
 * What a report on a large host costs, and how that grows: 300 GiB mapped by 1500 processes, and by
 * ten times as many. It follows the processes and their mappings, never the pages.
 */
import { reportOnLargeHost } from '../../test/large_host.ts';

const ROUNDS = 3;
const SECONDS_MAX = 2;
const RATIO_MAX = 10;

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

function measure(processes: number): number {
  const runs = Array.from({ length: ROUNDS }, () => reportOnLargeHost(processes));
  const seconds = median(runs.map((run) => run.seconds));
  const peak = Math.max(...runs.map((run) => run.rssBytesMax)) / 1e6;
  process.stdout.write(
    `${String(processes).padStart(6)} processes: ${seconds.toFixed(2)} s, ${peak.toFixed(0)} MB\n`,
  );
  return seconds;
}

const one = measure(1500);
const ten = measure(15_000);
process.stdout.write(`ten times as many processes: ${(ten / one).toFixed(1)} times the time\n`);
process.exitCode = one > SECONDS_MAX || ten > RATIO_MAX * one ? 1 : 0;
