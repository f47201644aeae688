/** Files about the whole machine that are not about memory: it has just started, and does nothing. */
import type { Machine } from '../mm/index.ts';
import type { ProcHost } from './host.ts';

const CPU_TIMES = '0 0 0 0 0 0 0 0 0 0';

export function renderSystemStat({ machine, processes }: ProcHost): string {
  const cpus = Array.from({ length: machine.size.cpus }, (_, cpu) => `cpu${cpu} ${CPU_TIMES}`);
  const last = Math.max(0, ...processes.map(({ pid }) => pid));
  return [
    `cpu  ${CPU_TIMES}`,
    ...cpus,
    'intr 0',
    'ctxt 0',
    'btime 0',
    `processes ${last}`,
    'procs_running 1',
    'procs_blocked 0',
    'softirq 0 0 0 0 0 0 0 0 0 0 0',
    '',
  ].join('\n');
}

export function renderCpuinfo({ size }: Machine): string {
  return Array.from({ length: size.cpus }, (_, cpu) => `processor\t: ${cpu}\n\n`).join('');
}

export function renderLoadavg({ processes }: ProcHost): string {
  const last = Math.max(0, ...processes.map(({ pid }) => pid));
  return `0.00 0.00 0.00 1/${processes.length} ${last}\n`;
}

export function renderUptime(): string {
  return '1.00 1.00\n';
}

export function renderVersion(): string {
  return 'Linux version 6.18.0-ptshare (ptshare) #1\n';
}

const SWAP_HEAD = 'Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n';

/** @source mm/swapfile.c swap_show() */
export function renderSwaps({ size, swapCount, format }: Machine): string {
  if (size.swapSlots === 0) return SWAP_HEAD;
  const kibibytes = 2 ** (format.pageShift - 10);
  const used = swapCount.reduce((sum, count) => sum + (count === 0 ? 0 : 1), 0) * kibibytes;
  return `${SWAP_HEAD}/dev/zram0                              partition\t${size.swapSlots * kibibytes}\t\t${used}\t\t-2\n`;
}
