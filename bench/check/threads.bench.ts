/**
 * How much faster two threads search than one: `npm run bench -- check/threads`.
 *
 * What two threads can gain at most on this machine is measured beside it: two searches at once, which
 * share nothing, against one alone. All three take turns, so that a machine that slows down meanwhile
 * slows all of them down. Nothing is looked at while they run: whatever did would take a part of a CPU.
 */
import { readFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Farm } from '../../src/cli/check/farm.ts';
import type { SearchResult, Subject } from '../../src/cli/check/job.ts';

const fileOf = (name: string): string =>
  fileURLToPath(new URL(`./programs/${name}.js`, import.meta.url));

function textOf(name: string): Subject {
  const file = `bench/check/programs/${name}.txt`;
  const text = readFileSync(file, 'utf8');
  return {
    kind: 'race',
    file,
    source: { text, format: 'x86_64-4level', design: 'none', bugs: [] },
  };
}

/** With how often each is searched. */
const PROGRAMS: readonly (readonly [string, Subject, number])[] = [
  ['mshare: exit against UNMAP', { kind: 'question', id: 'mshare-pud-table', at: 11 }, 5],
  ['B7, copy on write', { kind: 'zoo', id: 'B7', isBroken: false }, 5],
  ['3 CPUs: drop, store, munmap', { kind: 'file', file: fileOf('three_cpus') }, 5],
  ['3 CPUs: drop, store and load, munmap', { kind: 'file', file: fileOf('three_cpus_long') }, 3],
  ['the same race as text', textOf('three_cpus_long'), 3],
  ['with a second load', textOf('three_cpus_minutes'), 1],
  ['lastzero(15)', { kind: 'file', file: fileOf('last_zero') }, 3],
];

interface Run {
  readonly executions: number;
  readonly wall: number;
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
  const [begun, before] = [performance.now(), process.cpuUsage()];
  const job = { subject, strategy: 'optimal', isSaved: false, shareAfterMs: 500 } as const;
  const jobs = Array.from({ length: searches }, () => job);
  await new Farm(listener, new AbortController().signal).run(jobs, threads);
  const wall = performance.now() - begun;
  const { user, system } = process.cpuUsage(before);
  return { executions: results[0]!.executions, wall, cpu: (user + system) / 1000 };
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[values.length >> 1]!;
}

const seconds = (ms: number): string => (ms / 1000).toFixed(1).padStart(9);
const print = (line: string): boolean => process.stdout.write(`${line}\n`);

print(`load ${loadavg()[0]!.toFixed(1)}; medians, in s`);
print('                                   threads   executions     wall      CPU');
for (const [name, subject, rounds] of PROGRAMS) {
  const [one, two, apart]: [Run[], Run[], Run[]] = [[], [], []];
  for (let round = 0; round < rounds; round++) {
    one.push(await runOnce(subject, 1));
    two.push(await runOnce(subject, 2));
    apart.push(await runOnce(subject, 2, 2));
  }
  const totals = new Set([...one, ...two, ...apart].map(({ executions }) => executions));
  if (totals.size !== 1) throw new Error(`${name}: not the same executions: ${[...totals]}`);
  const wallOf = (runs: readonly Run[]): number => median(runs.map(({ wall }) => wall));
  for (const [threads, runs] of [one, two].entries()) {
    const times = [wallOf(runs), median(runs.map(({ cpu }) => cpu))].map(seconds).join('');
    const executions = String(runs[0]!.executions).padStart(13);
    print(name.padEnd(40) + (threads + 1) + executions + times);
  }
  const gain = (wallOf(one) / wallOf(two)).toFixed(2);
  const limit = ((2 * wallOf(one)) / wallOf(apart)).toFixed(2);
  print(`${''.padEnd(36)}2 threads: ${gain}x; two searches at once: ${limit}x`);
}
