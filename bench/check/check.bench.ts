/**
 * How fast the explorer is on one core, and beside spin on the same programs.
 *
 * The two work differently: spin stores states and joins executions that reach the same one, the
 * explorer runs one execution for each order of dependent steps, of programs in TypeScript. spin gets
 * its partial-order reduction, -O3, with -DCOLLAPSE and without, and the best size of its hash table. Ratios are how many times
 * longer spin takes: its search alone, and with the time to generate and compile it.
 */
import { explore, type Scenario } from '../../src/check/index.ts';
import {
  fetchAdds,
  fileSystem,
  identicalAdds,
  identicalReaders,
  lastZero,
  readers,
} from '../../test/check/literature.ts';
import { scenarioOf, straightLine } from '../../test/check/straight_line.ts';
import {
  fetchAddsModel,
  fileSystemModel,
  isSpinInstalled,
  lastZeroModel,
  readersModel,
  ringModel,
  TIMEOUT_MS,
  timeSpin,
} from './promela.ts';
import { vmaLock, vmaLockModel } from './vma_lock.ts';

const ring = (count: number): Scenario =>
  scenarioOf(straightLine(Array.from({ length: count }, (_, at) => `W${at} R${(at + 1) % count}`)));

/** Name, scenario, number of executions (published, but of the VMA lock), bar in ms, in Promela. */
const PROGRAMS: readonly (readonly [string, Scenario, number, number | undefined, string])[] = [
  ['3 threads x 3 fetch_add', fetchAdds(3, 3), 1680, 50, fetchAddsModel(3, 3)],
  ['readers(8)', readers(8), 256, undefined, readersModel(8)],
  ['readers(13)', readers(13), 8192, undefined, readersModel(13)],
  ['store buffering, ring of 8', ring(8), 255, undefined, ringModel(8)],
  ['filesystem(16)', fileSystem(16), 8, undefined, fileSystemModel(16)],
  ['filesystem(19)', fileSystem(19), 64, undefined, fileSystemModel(19)],
  ['lastzero(5)', lastZero(5), 64, undefined, lastZeroModel(5)],
  ['lastzero(10)', lastZero(10), 3328, undefined, lastZeroModel(10)],
  ['lastzero(15)', lastZero(15), 147_456, 20_000, lastZeroModel(15)],
  // Threads that are said to be identical; spin knows none.
  ['3 threads x 3, identical', identicalAdds(3, 3), 280, undefined, fetchAddsModel(3, 3)],
  ['readers(13), identical', identicalReaders(13), 14, undefined, readersModel(13)],
  ['VMA lock, 1 fault, 2 munmap', vmaLock(1, 2), 62, undefined, vmaLockModel(1, 2)],
  ['VMA lock, 2 faults, munmap', vmaLock(2, 1), 537, undefined, vmaLockModel(2, 1)],
  ['VMA lock, 2 faults, 2 munmap', vmaLock(2, 2), 10_799, undefined, vmaLockModel(2, 2)],
];

const ROUNDS = 5;
/** A search that takes as long is not run again. */
const SLOW_MS = 1000;

/** The fastest of several complete searches, in ms. */
function timeSearch(scenario: Scenario, expected: number): number {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS && (round === 0 || best < SLOW_MS); round++) {
    const start = performance.now();
    const { executions, blocked, isComplete } = explore(scenario);
    best = Math.min(best, performance.now() - start);
    if (!isComplete || executions !== expected || blocked > 0) {
      throw new Error(`${executions} executions and ${blocked} in vain instead of ${expected}`);
    }
  }
  return best;
}

const print = (line: string): boolean => process.stdout.write(`${line}\n`);
const short = (value: number): string => (value < 10 ? value.toFixed(1) : value.toFixed(0));

/** Times of spin, and how many times longer than `time` its search and its whole verdict take. */
function besideSpin(model: string, time: number): string {
  const { build, search } = timeSpin(model);
  if (search === Number.POSITIVE_INFINITY) return `${`over ${TIMEOUT_MS}`.padStart(15)}`;
  const ratios = `${(search / time).toFixed(2)} / ${((build + search) / time).toFixed(1)}`;
  return [short(search).padStart(15), short(build).padStart(9), ratios.padStart(18)].join('');
}

const hasSpin = isSpinInstalled();
if (!hasSpin) print('spin is not installed (Debian: apt-get install spin): no comparison');
print(
  '                            executions      ms    per s    spin: search    build            ratios',
);
for (const [name, scenario, executions, bar, model] of PROGRAMS) {
  const time = timeSearch(scenario, executions);
  const rate = (executions / time) * 1000;
  const cells = [String(executions).padStart(11), short(time).padStart(8), short(rate).padStart(9)];
  if (hasSpin) cells.push(besideSpin(model, time));
  let line = name.padEnd(27) + cells.join('');
  if (bar !== undefined) line += `   bar ${bar} ms: ${time <= bar ? 'met' : 'missed'}`;
  print(line);
}
