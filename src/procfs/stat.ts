/**
 * /proc/PID/stat and statm. What is not about memory is 0, or of a process that waits.
 *
 * @source fs/proc/array.c do_task_stat(), proc_pid_statm(); fs/proc/task_mmu.c task_statm()
 *         (Linux 6.18)
 */
import type { ProcHost, ProcProcess } from './host.ts';
import { countersOf, residentOf } from './mm_counters.ts';
import { codePages } from './status.ts';

/** In pages: size, resident, of that shared, code, libraries, data and stack, dirty. */
export function renderStatm({ machine }: ProcHost, process: ProcProcess): string {
  const counters = countersOf(process.mm);
  const fields = [
    counters.total,
    residentOf(counters),
    counters.rssFile + counters.rssShmem,
    codePages(process, 2 ** machine.format.pageShift),
    0,
    counters.data + counters.stack,
    0,
  ];
  return `${fields.join(' ')}\n`;
}

const NO_LIMIT = '18446744073709551615';
const SIGCHLD = 17;
const PRIORITY = 20;

export function renderStat({ machine }: ProcHost, process: ProcProcess): string {
  const { pid, parent, name, mm, cpu, codeStart = 0, codeEnd = 0, stackStart = 0 } = process;
  const counters = countersOf(mm);
  const bytes = 2 ** machine.format.pageShift;
  const fields = [
    // pgrp, session, tty, its pgrp, flags; faults, and those of children; times
    ...[pid, pid, 0, -1, 0, ...zeroes(4), ...zeroes(4)],
    // priority, nice, threads, an interval timer of old, when it started
    ...[PRIORITY, 0, 1, 0, 0],
    ...[counters.total * bytes, residentOf(counters), NO_LIMIT],
    ...[codeStart, codeEnd, stackStart],
    // registers, signals, where it waits, its swapped pages of old
    ...[...zeroes(2), ...zeroes(4), ...zeroes(3)],
    ...[SIGCHLD, cpu],
    // its scheduling, delays, time of guests
    ...zeroes(5),
    // data, heap, arguments, environment, exit code
    ...[...zeroes(2), mm.layout.brkStartBytes, ...zeroes(4), 0],
  ];
  return `${pid} (${name}) S ${parent} ${fields.join(' ')}\n`;
}

const zeroes = (count: number): number[] => Array<number>(count).fill(0);
