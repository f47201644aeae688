/**
 * How much faster two threads search than one: `npm run bench -- threads`.
 *
 * On a machine that does other work, too, wall-clock time says little. So the CPU time that the
 * threads took is printed beside it: with as many CPUs as threads of its own, a search takes no less
 * than what its busiest thread took. What two threads can gain at most on this machine is measured
 * beside it: two searches at once, which share nothing, against one alone.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Farm } from '../../src/cli/check/farm.ts';
import type { SearchResult, Subject } from '../../src/cli/check/job.ts';

const fileOf = (name: string): string =>
  fileURLToPath(new URL(`./programs/${name}.js`, import.meta.url));

/** With how often each is searched. */
const PROGRAMS: readonly (readonly [string, Subject, number])[] = [
  ['mshare: exit against UNMAP', { kind: 'question', id: 'mshare-pud-table', at: 11 }, 3],
  ['B7, copy on write', { kind: 'zoo', id: 'B7', isBroken: false }, 3],
  ['3 CPUs: drop, store, munmap', { kind: 'file', file: fileOf('three_cpus') }, 3],
  ['3 CPUs: drop, store and load, munmap', { kind: 'file', file: fileOf('three_cpus_long') }, 1],
  ['lastzero(15)', { kind: 'file', file: fileOf('last_zero') }, 3],
];
const MS_OF_TICK = 10;

interface Run {
  readonly result: SearchResult;
  readonly wall: number;
  /** CPU time of the thread that took the most, in ms. */
  readonly busiest: number;
  /** Of the process, with its compiler and garbage collector, in ms. */
  readonly cpu: number;
}

/** @param searches how many of them at once, one thread for each if there are several */
async function runOnce(subject: Subject, threads: number, searches = 1): Promise<Run> {
  const results: SearchResult[] = [];
  const listener = {
    onProgress: () => {},
    onSaved: () => {},
    onDone: (_: number, result: SearchResult) => results.push(result),
  };
  const [before, cpuBefore] = [ticksOfThreads(), process.cpuUsage()];
  const last = new Map(before);
  // The threads are gone when the search is over.
  const timer = setInterval(() => {
    for (const [thread, ticks] of ticksOfThreads()) last.set(thread, ticks);
  }, MS_OF_TICK);
  const begun = performance.now();
  const job = { subject, strategy: 'optimal', isSaved: false, shareAfterMs: 500 } as const;
  const jobs = Array.from({ length: searches }, () => job);
  await new Farm(listener, new AbortController().signal).run(jobs, threads);
  const wall = performance.now() - begun;
  clearInterval(timer);
  const { user, system } = process.cpuUsage(cpuBefore);
  const spent = Array.from(last, ([thread, ticks]) => ticks - (before.get(thread) ?? 0));
  const busiest = Math.max(...spent) * MS_OF_TICK;
  return { result: results[0]!, wall, busiest, cpu: (user + system) / 1000 };
}

/** CPU time of all threads of this process: `utime` and `stime` of proc(5). */
function ticksOfThreads(): Map<string, number> {
  const ticks = new Map<string, number>();
  for (const thread of readdirSync('/proc/self/task')) {
    try {
      const stat = readFileSync(`/proc/self/task/${thread}/stat`, 'latin1');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      ticks.set(thread, Number(fields[11]) + Number(fields[12]));
    } catch {
      // The thread has ended meanwhile.
    }
  }
  return ticks;
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[values.length >> 1]!;
}

/** How many times faster two searches are at once than one after the other, of which each takes `one`. */
async function limitOf(subject: Subject, one: number, rounds: number): Promise<string> {
  const walls: number[] = [];
  for (let round = 0; round < rounds; round++) walls.push((await runOnce(subject, 2, 2)).wall);
  return ((2 * one) / median(walls)).toFixed(2);
}

const print = (line: string): boolean => process.stdout.write(`${line}\n`);
const seconds = (ms: number): string => (ms / 1000).toFixed(1).padStart(9);

print(`load ${loadavg()[0]!.toFixed(1)}; medians, in s`);
print('                                   threads   executions     wall  busiest      CPU');
for (const [name, subject, rounds] of PROGRAMS) {
  const seen: { readonly wall: number; readonly busiest: number }[] = [];
  const totals = new Set<number>();
  for (const threads of [1, 2]) {
    const runs: Run[] = [];
    for (let round = 0; round < rounds; round++) runs.push(await runOnce(subject, threads));
    const of = (value: (run: Run) => number): number => median(runs.map(value));
    const [wall, busiest] = [of((run) => run.wall), of((run) => run.busiest)];
    for (const { result } of runs) totals.add(result.executions);
    seen.push({ wall, busiest });
    const executions = String(runs[0]!.result.executions).padStart(13);
    const times = [wall, busiest, of((run) => run.cpu)].map(seconds).join('');
    print(name.padEnd(40) + threads + executions + times);
  }
  if (totals.size !== 1) throw new Error(`${name}: not the same executions: ${[...totals]}`);
  const [one, two] = seen;
  const ratios = [one!.wall / two!.wall, one!.busiest / two!.busiest];
  const limit = await limitOf(subject, one!.wall, rounds);
  const cells = ratios.map((ratio) => `${ratio.toFixed(2)}x`).join(', ');
  print(`${''.padEnd(36)}2 threads: ${cells}; two searches at once: ${limit}x`);
}
