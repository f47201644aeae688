/** On-demand-fork against writes and unmapping, in as many orders as there is time for. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { x86_64Like } from '../../src/arch/index.ts';
import { explore, MachineScenario, type Program } from '../../src/check/index.ts';
import { COW_PTE, ON_DEMAND_FORK, onDemandFork } from '../../src/designs/index.ts';
import {
  fork,
  load,
  Machine,
  madvise,
  mmap,
  mprotect,
  munmap,
  newProcess,
  run,
  store,
  taskOn,
  violate,
} from '../../src/mm/index.ts';

const TABLE = 4;
const PAGE = 64;
const [ADDRESS, LENGTH] = [PAGE * 4096, TABLE * 4096];
const SMALL = x86_64Like('x86_64-small', [2, 2, 2, 9]);
const MADV_DONTNEED = 4;
/** The number of the first address space that is made by fork on CPU 0. */
const CHILD = 2;

const storing = (mm: number, value: number): Program => ({
  name: `store ${value}`,
  mm,
  run: (task) => store(task, PAGE, value),
});
/** What nobody else may write to stays what it was. */
const reading = (mm: number): Program => ({
  name: 'load',
  mm,
  *run(task) {
    const value = yield* load(task, PAGE);
    if (value !== 1) violate(task.machine, 'P-COW');
  },
});
const call = (name: string, mm: number, operation: Program['run']): Program => ({
  name,
  mm,
  run: operation,
});
const discarding = (mm: number): Program =>
  call('MADV_DONTNEED', mm, (task) => madvise(task, ADDRESS, 4096, MADV_DONTNEED));
const unmapping = (mm: number): Program =>
  call('munmap', mm, (task) => munmap(task, ADDRESS, LENGTH));
const protecting = (mm: number): Program =>
  call('mprotect', mm, (task) => mprotect(task, ADDRESS, 4096, 1));

/** A parent, number 0, that has written 1 to pages of a table, and its child. */
function family(programs: readonly Program[], options = ON_DEMAND_FORK): MachineScenario {
  const machine = new Machine(
    { format: SMALL, cpus: programs.length, mms: 3, tables: 14, frames: 16, thp: 'never' },
    {},
    [onDemandFork(options)],
  );
  run(newProcess(machine, 0));
  const task = taskOn(machine, 0, 0);
  const flags = 0x32;
  run(mmap(task, { address: ADDRESS, length: LENGTH, prot: 3, flags, file: undefined, offset: 0 }));
  for (const page of [PAGE, PAGE + 1]) run(store(task, page, 1));
  const child = run(fork(task, 0));
  assert.ok(typeof child !== 'number');
  assert.equal(child.mm.id, CHILD);
  machine.mmCpus.fill(0);
  return new MachineScenario(machine, programs);
}

/** Not all of them: a long run takes more. */
const EXECUTIONS = Number(process.env.PTSHARE_EXECUTIONS ?? 300);
const RACES: readonly (readonly [string, readonly [Program, Program]])[] = [
  ['a store by each', [storing(0, 5), storing(CHILD, 7)]],
  ['a store against a load by the other', [storing(0, 5), reading(CHILD)]],
  ['a store against munmap by the other', [storing(0, 5), unmapping(CHILD)]],
  ['munmap by each', [unmapping(0), unmapping(CHILD)]],
  ['a store against MADV_DONTNEED by the other', [storing(0, 5), discarding(CHILD)]],
  ['a store against mprotect by the other', [storing(0, 5), protecting(CHILD)]],
  [
    'a store against another by the same',
    [storing(CHILD, 7), call('load', CHILD, (t) => load(t, PAGE))],
  ],
];

for (const [name, options] of [
  ['on-demand-fork', ON_DEMAND_FORK],
  ['COW-PTE', COW_PTE],
] as const) {
  for (const [race, programs] of RACES) {
    test(`${name}: ${race}: nothing violated in ${EXECUTIONS} executions`, () => {
      const result = explore(family(programs, options), { executionsMax: EXECUTIONS });
      assert.equal(result.finding?.property, undefined, result.finding?.schedule);
      assert.ok(result.executions > 0);
    });
  }
}
