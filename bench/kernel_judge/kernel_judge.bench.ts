/**
 * The engine against the running kernel at length: random programs until there are enough of them
 * and of their operations, what differs counted by kind, and of each kind the smallest program found.
 *
 * `npm run bench -- kernel_judge`; as root, on the host that `test/kernel/reference_host.ts` wants.
 * PTSHARE_SEED=1 repeats the programs of a run that printed that seed.
 */
import {
  compareRandomPrograms,
  describeMismatch,
  type Mismatch,
  shrinkMismatch,
} from '../../test/kernel/judge_engine.ts';
import { referenceHost } from '../../test/kernel/reference_host.ts';
import { newSeed } from '../../test/seed.ts';

const OPERATIONS_MIN = 200_000;
const PROGRAMS_MIN = 300;
const BATCH = 50;

const unfit = referenceHost.missing();
if (unfit !== undefined) {
  console.error(`Cannot judge the engine: ${unfit}`);
  process.exit(3);
}

const first = newSeed();
const calls = new Map<string, number>();
const mismatches: Mismatch[] = [];
let disturbed = 0;
let programs = 0;
let operations = 0;
const start = performance.now();
while (operations < OPERATIONS_MIN || programs < PROGRAMS_MIN) {
  const seeds = Array.from({ length: BATCH }, (_, index) => first + programs + index);
  const result = compareRandomPrograms(seeds);
  programs += result.programs;
  operations += result.operations;
  mismatches.push(...result.mismatches);
  disturbed += result.disturbed.length;
  for (const [name, count] of result.calls) calls.set(name, (calls.get(name) ?? 0) + count);
}
const seconds = (performance.now() - start) / 1000;

console.log(`seeds ${first} to ${first + programs - 1}`);
console.log(`${programs} programs, ${operations} operations, ${seconds.toFixed(1)} s`);
console.log([...calls].map(([name, count]) => `${name} ${count}`).join(', '));
console.log(`${mismatches.length} programs differ`);
console.log(`${disturbed} more differed, but not each time: huge pages came or failed meanwhile`);

const byKind = new Map<string, Mismatch[]>();
for (const mismatch of mismatches) {
  const { kind } = mismatch.difference;
  byKind.set(kind, [...(byKind.get(kind) ?? []), mismatch]);
}
for (const [kind, list] of byKind) {
  console.log(`\n${list.length} programs differ in: ${kind}`);
  console.log(describeMismatch(shrinkMismatch(list[0]!)));
}
process.exitCode = mismatches.length > 0 ? 1 : 0;
