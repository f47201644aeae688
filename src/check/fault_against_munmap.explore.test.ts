/** The engine's first race, in every order that can make a difference, and its known mistakes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isClean, isFound } from '../../test/mm/races.ts';
import { mapPages, newWorld, unmapPages } from '../../test/mm/small_world.ts';
import { type Vpn, vpn } from '../arch/index.ts';
import * as mm from '../mm/index.ts';
import {
  Access,
  type Bugs,
  gupFast,
  handleUserFault,
  load,
  type Machine,
  NONE,
  run,
  store,
  type Task,
  taskOn,
  unpin,
  violate,
  type WorldSize,
} from '../mm/index.ts';
import { explore, MachineScenario, type Program } from './index.ts';

/** The page that is fought for, and one of another VMA under the same tables. */
const PAGE = vpn(5 * 512);
const NEIGHBOUR = vpn(5 * 512 + 2);

const unmapping: Program = { name: 'munmap', run: (task) => unmapPages(mm, task, PAGE, PAGE + 1) };
const storing = (value: number): Program => ({
  name: `store ${value}`,
  run: (task) => store(task, PAGE, value),
});
const loading: Program = { name: 'load', run: (task) => load(task, PAGE) };
const pinning: Program = {
  name: 'GUP-fast',
  *run(task) {
    const frame = yield* gupFast(task, PAGE, true);
    if (frame !== NONE) yield* unpin(task, frame);
  },
};
/** Maps the page anew, once it is free, and expects to read what it has written. */
const mappingAnew: Program = {
  name: 'mmap, store, load',
  *run(task) {
    const result = yield* mapPages(mm, task, PAGE, PAGE + 1);
    if (result < 0) return;
    yield* store(task, PAGE, 9);
    const value = yield* load(task, PAGE);
    if (value !== 9) violate(task.machine, 'P-DATA');
  },
};

interface World extends Partial<WorldSize>, Bugs {
  /** Pages to touch before: a neighbour's builds the tables, the page itself is then present. */
  readonly touched?: readonly Vpn[];
  /** Without a neighbour, unmapping the page frees its tables. */
  readonly isAlone?: boolean;
}

function scenario(programs: readonly Program[], world: World = {}): MachineScenario {
  const { touched = [], isAlone = false, ...rest } = world;
  const machine = newWorld(mm, { ...rest, cpus: programs.length }, rest);
  const task = taskOn(machine, 0, 0);
  run(mapPages(mm, task, PAGE, PAGE + 1));
  if (!isAlone) run(mapPages(mm, task, NEIGHBOUR, NEIGHBOUR + 1));
  for (const page of touched) run(handleUserFault(task, page, Access.WRITE));
  return new MachineScenario(machine, programs);
}

const CLEAN: readonly (readonly [string, readonly Program[], World])[] = [
  ['munmap against a store to a page that is there', [unmapping, storing(7)], { touched: [PAGE] }],
  ['munmap against a fault, tables there', [unmapping, storing(7)], { touched: [NEIGHBOUR] }],
  ['munmap against a fault, no tables', [unmapping, storing(7)], {}],
  ['two faults of one page', [storing(5), storing(7)], { touched: [NEIGHBOUR] }],
  ['munmap against a fault and a load', [unmapping, storing(7), loading], { touched: [NEIGHBOUR] }],
  [
    'munmap against a store and a load of a page that is there',
    [unmapping, storing(7), loading],
    { touched: [PAGE] },
  ],
  ['munmap against a new mapping', [unmapping, mappingAnew], { touched: [PAGE] }],
  [
    'munmap with its tables against GUP-fast',
    [unmapping, pinning],
    { touched: [PAGE], isAlone: true },
  ],
  [
    'munmap with its tables against GUP-fast, flushes broadcast',
    [unmapping, pinning],
    { touched: [PAGE], isAlone: true, flush: 'broadcast' },
  ],
];

for (const [name, programs, world] of CLEAN) {
  isClean(name, () => scenario(programs, world));
}

const BROKEN: readonly (readonly [string, string, readonly Program[], World])[] = [
  [
    'pages freed before the flush',
    'P-UAF-PAGE',
    [unmapping, storing(7)],
    { touched: [PAGE], pagesFreedBeforeFlush: true },
  ],
  [
    'the mmap lock dropped before the flush, while another thread maps there again',
    'P-DATA',
    [unmapping, mappingAnew],
    { touched: [PAGE], unlockedBeforeFlush: true },
  ],
  [
    'a table freed without waiting for lockless walkers',
    'P-UAF-PT',
    [unmapping, pinning],
    { touched: [PAGE], isAlone: true, flush: 'broadcast', tablesFreedAtOnce: true },
  ],
  [
    'an entry not read again under the page-table lock',
    'P-COUNT',
    [storing(5), storing(7)],
    { touched: [NEIGHBOUR], noRecheckUnderPageTableLock: true },
  ],
];

for (const [name, property, programs, world] of BROKEN) {
  isFound(name, property, () => scenario(programs, world));
}

test('a table freed at once is safe where the flush itself waits for every CPU', () => {
  const world = { touched: [PAGE], isAlone: true, tablesFreedAtOnce: true };
  assert.ok(explore(scenario([unmapping, pinning], world)).isComplete);
});

/** What a program got and what it left, for every complete execution. */
function outcomes(
  programs: readonly Program[],
  world: World,
  reduction: 'sleep' | 'none',
): { readonly seen: readonly string[]; readonly executions: number } {
  const results: unknown[] = [];
  const noting = programs.map(({ name, run: body }, index) => ({
    name,
    *run(task: Task) {
      machines[0] = task.machine;
      results[index] = yield* body(task);
    },
  }));
  const machines: Machine[] = [];
  const seen = new Set<string>();
  const { executions, isComplete } = explore(scenario(noting, world), {
    strategy: reduction,
    onComplete: () => seen.add(`${results.join()} | ${machines[0]!.frameReferences.join()}`),
  });
  assert.ok(isComplete);
  return { seen: [...seen].sort(), executions };
}

const SMALL: readonly (readonly [string, readonly Program[], World])[] = [
  ['munmap against a load', [unmapping, loading], { touched: [PAGE] }],
  ['munmap against a store', [unmapping, storing(7)], { touched: [PAGE] }],
  ['GUP-fast against a store', [pinning, storing(7)], { touched: [PAGE] }],
  ['a store, a store and a load', [storing(5), storing(7), loading], { touched: [PAGE] }],
];

for (const [name, programs, world] of SMALL) {
  test(`${name}: sleep sets see every outcome of the plain search, in no more executions`, () => {
    const plain = outcomes(programs, world, 'none');
    const reduced = outcomes(programs, world, 'sleep');
    assert.deepEqual(reduced.seen, plain.seen);
    assert.ok(reduced.executions <= plain.executions);
  });
}
