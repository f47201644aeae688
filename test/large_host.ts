/** Runs the command line on the snapshot of a host too large to have, and says what that took. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type HostReport, hostReportSchema } from '../src/report/schema.ts';
import { encodeSnapshot } from '../src/snapshot/encode.ts';
import { ptshare } from './command_line.ts';
import { GIB, generateHost } from './fixtures/generate_host.ts';

export interface LargeHostRun {
  readonly report: HostReport;
  /** From the start of the process to its end. */
  readonly seconds: number;
  readonly rssBytesMax: number;
}

/** Has the child say its peak when it ends: nothing else of a child outlives it. */
const SAY_PEAK = `data:text/javascript,${encodeURIComponent(
  "process.on('exit', () => process.stderr.write('peak ' + process.resourceUsage().maxRSS))",
)}`;

/** 300 GiB of System V shared memory, mapped and touched by all of `processes`. */
export function reportOnLargeHost(processes: number): LargeHostRun {
  const folder = mkdtempSync(join(tmpdir(), 'ptshare-large-'));
  try {
    const file = join(folder, 'host.parquet');
    writeFileSync(file, encodeSnapshot(generateHost({ processes, segmentBytes: 300 * GIB })));
    const started = performance.now();
    const { status, stdout, stderr } = ptshare(['host', '--from', file, '--json'], {
      env: { PATH: process.env.PATH, NODE_OPTIONS: `--import=${SAY_PEAK}` },
    });
    const seconds = (performance.now() - started) / 1000;
    if (status !== 0) throw new Error(`ptshare ended with ${status}: ${stderr}`);
    const peak = Number(/peak (\d+)/.exec(stderr)?.[1]);
    return {
      report: hostReportSchema.parse(JSON.parse(stdout)),
      seconds,
      rssBytesMax: peak * 1024,
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
