/** Runs `ptshare fleet` on hosts that were made up from given ones, and says what that took. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type FleetReport, fleetReportSchema } from '../src/fleet/schema.ts';
import { encodeSnapshot } from '../src/snapshot/encode.ts';
import type { HostSnapshot } from '../src/snapshot/records.ts';
import { ptshare } from './command_line.ts';
import { varyHost } from './fixtures/vary_host.ts';

/** Has the child say its peak when it ends: nothing else of a child outlives it. */
const SAY_PEAK = `data:text/javascript,${encodeURIComponent(
  "process.on('exit', () => process.stderr.write('peak ' + process.resourceUsage().maxRSS + ' '))",
)}`;

export const DAYS = 5;

/** Writes `count` snapshots, of a fifth as many hosts on five days. */
export function writeSnapshots(
  folder: string,
  bases: readonly HostSnapshot[],
  count: number,
): void {
  mkdirSync(folder);
  for (let i = 0; i < count; i++) {
    const place = { host: Math.floor(i / DAYS), day: i % DAYS };
    const snapshot = varyHost(bases[place.host % bases.length]!, place);
    writeFileSync(join(folder, `${i}.parquet`), encodeSnapshot(snapshot));
  }
}

export interface FleetRun {
  readonly report: FleetReport;
  /** From the start of the process to its end. */
  readonly seconds: number;
  readonly rssBytesMax: number;
}

export function runFleet(folder: string, ...more: readonly string[]): FleetRun {
  const started = performance.now();
  const { status, stdout, stderr } = ptshare(['fleet', folder, '--json', ...more], {
    env: { PATH: process.env.PATH, NODE_OPTIONS: `--import=${SAY_PEAK}` },
  });
  const seconds = (performance.now() - started) / 1000;
  if (status !== 0) throw new Error(`ptshare ended with ${status}: ${stderr}`);
  const peaks = [...stderr.matchAll(/peak (\d+)/g)].map(([, kilobytes]) => Number(kilobytes));
  return {
    report: fleetReportSchema.parse(JSON.parse(stdout)),
    seconds,
    rssBytesMax: Math.max(...peaks) * 1024,
  };
}
