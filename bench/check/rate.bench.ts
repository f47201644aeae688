/**
 * How many complete executions a second the explorer runs of races in the engine: `npm run bench -- rate`.
 *
 * On one core, of CPU time, so that other work on the machine does not show. Each search is run
 * several times: the first one is what a user waits for, with a cold compiler; the fastest one is what
 * searches of minutes come to.
 */
import { readFileSync } from 'node:fs';
import { explore, type Scenario } from '../../src/check/index.ts';
import { raceScenario } from '../../src/race/race.ts';
import { findEntry } from '../../src/zoo/index.ts';

/** Races of 50 to 200 shared steps. */
const ENTRIES = ['B7', 'C1', 'C2', 'B5', 'F7', 'M3', 'S7'];
const SIXTEEN_CPUS = 'bench/check/programs/sixteen_cpus.txt';
const ROUNDS = 6;
const EXECUTIONS_MAX = 3000;
const BAR = 2000;
const NS_OF_MS = 1e6;

/** CPU time of this thread, in ms: the first field of /proc/PID/schedstat. */
function cpuTime(): number {
  return Number(readFileSync('/proc/thread-self/schedstat', 'latin1').split(' ')[0]) / NS_OF_MS;
}

function sixteenCpus(): Scenario {
  const text = readFileSync(SIXTEEN_CPUS, 'utf8');
  const race = { text, format: 'x86_64-4level', design: 'none', bugs: [] };
  return raceScenario(race) as unknown as Scenario;
}

const scenarios: readonly (readonly [string, () => Scenario])[] = [
  ...ENTRIES.map((id) => [id, (): Scenario => findEntry(id)!.scenario(false)] as const),
  ['16 CPUs', sixteenCpus],
];
const print = (line: string): boolean => process.stdout.write(`${line}\n`);
const column = (value: number | string): string => String(value).padStart(12);

print(['', 'executions', 'steps', 'probes', 'cold/s', 'warm/s'].map(column).join(''));
for (const [name, newScenario] of scenarios) {
  const rates: number[] = [];
  let cells: (number | string)[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const scenario = newScenario();
    const begun = cpuTime();
    const result = explore(scenario, { executionsMax: EXECUTIONS_MAX });
    rates.push((result.executions / (cpuTime() - begun)) * 1000);
    const probes = (result.probes / result.executions).toFixed(2);
    cells = [name, result.executions, result.deepest, probes];
  }
  const best = Math.max(...rates);
  const verdict = best >= BAR ? 'met' : 'missed';
  const line = [...cells, rates[0]!.toFixed(0), best.toFixed(0)].map(column).join('');
  print(`${line}   bar ${BAR}/s: ${verdict}`);
}
