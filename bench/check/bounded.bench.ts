/**
 * What is run for what is asked for: `npm run bench -- bounded`.
 *
 * With a limit on preemptions: executions within it, those run beside them (beyond the limit, or given
 * up), and how many times as many that makes. With identical threads: executions with and without
 * telling them apart.
 */
import { explore, type Scenario } from '../../src/check/index.ts';
import { findEntry } from '../../src/zoo/index.ts';
import {
  fetchAdds,
  fileSystem,
  identicalAdds,
  identicalReaders,
  indexer,
  lastZero,
  readers,
} from '../../test/check/literature.ts';

/** An entry of the zoo, without its bug. */
const entry = (id: string): Scenario => findEntry(id)!.scenario(false) as unknown as Scenario;

const LIMITED: readonly (readonly [string, () => Scenario])[] = [
  ['3 threads x 3 fetch_add', () => fetchAdds(3, 3)],
  ['4 threads x 2 fetch_add', () => fetchAdds(4, 2)],
  ['readers(8)', () => readers(8)],
  ['lastzero(7)', () => lastZero(7)],
  ['indexer(13)', () => indexer(13)],
  ['filesystem(17)', () => fileSystem(17)],
  ['B7, copy on write', () => entry('B7')],
  ['C1, mremap', () => entry('C1')],
];
const SAME: readonly (readonly [string, () => Scenario, () => Scenario])[] = [
  ['3 threads x 3 fetch_add', () => fetchAdds(3, 3), () => identicalAdds(3, 3)],
  ['8 threads x 1 fetch_add', () => fetchAdds(8, 1), () => identicalAdds(8, 1)],
  ['readers(13)', () => readers(13), () => identicalReaders(13)],
];

const print = (line: string): boolean => process.stdout.write(`${line}\n`);
const column = (value: number | string): string => String(value).padStart(12);

print(`${''.padEnd(26)}${['preemptions', 'accepted', 'beside', 'ratio'].map(column).join('')}`);
for (const [name, program] of LIMITED) {
  for (const max of [0, 1, 2]) {
    const strategy = { name: 'preemptions', max } as const;
    const { executions, beyond, blocked } = explore(program(), { strategy });
    const ratio = ((executions + beyond + blocked) / executions).toFixed(2);
    print(name.padEnd(26) + [max, executions, beyond + blocked, ratio].map(column).join(''));
  }
}
print('');
print(`${''.padEnd(26)}${['told apart', 'identical', 'fewer'].map(column).join('')}`);
for (const [name, apart, same] of SAME) {
  const [all, once] = [explore(apart()).executions, explore(same()).executions];
  print(name.padEnd(26) + [all, once, `${(all / once).toFixed(0)}x`].map(column).join(''));
}
