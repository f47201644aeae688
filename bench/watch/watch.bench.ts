/**
 * What watching costs on a loaded host, as the kernel counts it: ten minutes beside programs that
 * compute, start and end. Its limits are those that docs/watch.md states.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MAIN } from '../../test/command_line.ts';

const MINUTES = 10;
const CPU_PERCENT_MAX = 1;
const MEBIBYTES_MAX = 256;
/** Of the clock that /proc counts CPU time by: USER_HZ, which is 100 on every Linux. */
const TICKS_PER_SECOND = 100;
const SLEEPERS = 100;

/** One computes, one starts programs all the time, and many sleep. */
const LOAD = [
  'while :; do :; done',
  'while :; do ls / >/dev/null; done',
  ...Array.from({ length: SLEEPERS }, () => 'sleep 3600; :'),
];

function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const [utime, stime] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13);
  return (Number(utime) + Number(stime)) / TICKS_PER_SECOND;
}

function peakMebibytes(pid: number): number {
  const [, kilobytes] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))!;
  return Number(kilobytes) / 1024;
}

const folder = mkdtempSync(join(tmpdir(), 'ptshare-bench-'));
const load = LOAD.map((script) => spawn('sh', ['-c', script], { stdio: 'ignore', detached: true }));
try {
  const began = performance.now();
  const watch = spawn(
    process.execPath,
    [MAIN, 'watch', '--store', folder, '--listen', '127.0.0.1:0', '--every', '60s'],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const { pid } = watch;
  if (pid === undefined) throw new Error('ptshare watch does not start');
  for (let minute = 1; minute <= MINUTES; minute++) {
    await new Promise((resolve) => setTimeout(resolve, 60_000));
    const percent = (cpuSeconds(pid) / (performance.now() - began)) * 100_000;
    process.stdout.write(
      `${String(minute).padStart(3)} min: ${percent.toFixed(2)}% of a CPU, ${peakMebibytes(pid).toFixed(0)} MiB at most\n`,
    );
    const isFine = percent <= CPU_PERCENT_MAX && peakMebibytes(pid) <= MEBIBYTES_MAX;
    if (minute === MINUTES) process.exitCode = isFine ? 0 : 1;
  }
  watch.kill('SIGTERM');
  await once(watch, 'exit');
} finally {
  for (const { pid } of load) if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  rmSync(folder, { recursive: true });
}
