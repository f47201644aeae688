/** On-demand-fork against writes, forks, reclaim and pins, in every order that makes a difference. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { x86_64Like } from '../../src/arch/index.ts';
import { explore, MachineScenario, type Program } from '../../src/check/index.ts';
import { COW_PTE, ON_DEMAND_FORK, onDemandFork } from '../../src/designs/index.ts';
import {
  exit,
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

/** A write of a process of its own, which it then reads. */
const storing = (mm: number, value: number): Program => ({
  name: `store ${value}`,
  mm,
  *run(task) {
    yield* store(task, PAGE, value);
    const read = yield* load(task, PAGE);
    if (read !== value) violate(task.machine, 'P-COW');
  },
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
const forking = (mm: number, cpu: number): Program =>
  call('fork', mm, function* forkAndExit(task) {
    const child = yield* fork(task, cpu);
    if (typeof child !== 'number') yield* exit({ ...child, cpu });
  });

/** A parent, number 0, that has written 1 to each page of a table, and its child, number 1. */
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
  run(fork(task, 0));
  machine.mmCpus.fill(0);
  return new MachineScenario(machine, programs);
}

const RACES: readonly (readonly [string, readonly [Program, Program]])[] = [
  ['a store by each', [storing(0, 5), storing(1, 7)]],
  ['a store against a load by the other', [storing(0, 5), reading(1)]],
  ['a store against munmap by the other', [storing(0, 5), unmapping(1)]],
  ['munmap by each', [unmapping(0), unmapping(1)]],
  ['a store against MADV_DONTNEED by the other', [storing(0, 5), discarding(1)]],
  ['a store against mprotect by the other', [storing(0, 5), protecting(1)]],
  ['a store against another by the same', [storing(1, 7), call('load', 1, (t) => load(t, PAGE))]],
];

for (const [name, options] of [
  ['on-demand-fork', ON_DEMAND_FORK],
  ['COW-PTE', COW_PTE],
] as const) {
  for (const [race, programs] of RACES) {
    test(`${name}: ${race}: verified`, () => {
      const result = explore(family(programs, options));
      assert.equal(result.finding?.property, undefined, result.finding?.schedule);
      assert.ok(result.isComplete);
    });
  }

  test(`${name}: a fork against a store by another thread: nothing with two preemptions`, () => {
    const programs = [forking(0, 0), storing(0, 5)];
    const strategy = { name: 'preemptions', max: 2 } as const;
    const result = explore(family(programs, options), { strategy, executionsMax: 3000 });
    assert.equal(result.finding?.property, undefined, result.finding?.schedule);
  });
}
