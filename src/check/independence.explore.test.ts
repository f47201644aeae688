/**
 * What the engine calls independent does commute: in random schedules, two neighbouring steps of
 * different CPUs are taken in both orders, and must lead to the same state, with all that follows
 * still possible. Sleep sets are unsound without.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../test/kernel/random.ts';
import { mapPages, newWorld, unmapPages } from '../../test/mm/small_world.ts';
import { newSeed } from '../../test/seed.ts';
import { type Vpn, vpn } from '../arch/index.ts';
import * as mm from '../mm/index.ts';
import {
  areDependent,
  canChoose,
  checksum,
  choose,
  describePoint,
  fork,
  gupFast,
  kindOf,
  load,
  type Machine,
  NONE,
  type Point,
  PointKind,
  run,
  store,
  taskOn,
  unpin,
} from '../mm/index.ts';
import { Execution } from './execution.ts';
import { MachineScenario, type Program, type Turn } from './index.ts';

const PAGE = vpn(5 * 512);
/** At another index of the same table. */
const NEIGHBOUR = vpn(5 * 512 + 2);

const everything = (page: Vpn, process = 0): Program => ({
  name: 'store, GUP-fast, munmap, mmap, load',
  mm: process,
  *run(task) {
    results[task.cpu] = yield* store(task, page, 1 + task.cpu);
    const frame = yield* gupFast(task, page, true);
    yield* unmapPages(mm, task, page, page + 1);
    yield* mapPages(mm, task, page, page + 1);
    if (frame !== NONE) yield* unpin(task, frame);
    results[task.cpu] = yield* load(task, page);
  },
});
/** Is likely to be about to access the page when others change its entry. */
const watching = (page: Vpn, process = 0): Program => ({
  name: 'load, again and again',
  mm: process,
  *run(task) {
    for (let time = 0; time < 24; time++) results[task.cpu] = yield* load(task, page);
  },
});
/** What the program of each CPU has got so far. */
const results: number[] = [];

/** Who runs on three CPUs: one address space and page, several pages, several address spaces. */
const PROGRAMS = {
  'of one page': [everything(PAGE), everything(PAGE), watching(PAGE)],
  'of two pages': [everything(PAGE), everything(NEIGHBOUR), watching(PAGE)],
  'of two processes': [everything(PAGE), everything(PAGE, 1), watching(PAGE, 1)],
} as const;

function newMachine(flush: 'interrupt' | 'broadcast'): Machine {
  const machine = newWorld(mm, { cpus: 3, mms: 2, frames: 24, tables: 16, flush });
  const task = taskOn(machine, 0, 0);
  run(mapPages(mm, task, PAGE, PAGE + 3));
  for (const page of [PAGE, NEIGHBOUR]) run(store(task, page, 9));
  run(fork(task, 1));
  return machine;
}

/**
 * The state behind `turns`, and where everybody stands in it with what they have got, or `undefined`
 * if one of the turns cannot be taken.
 */
function stateAfter(
  machine: Machine,
  scenario: MachineScenario,
  turns: readonly Turn[],
): string | undefined {
  results.length = 0;
  const execution = new Execution(scenario);
  for (const turn of turns) {
    const isAble = execution
      .turns()
      .some(({ actor, choice }) => actor === turn.actor && choice === turn.choice);
    if (!isAble) return undefined;
    execution.take(turn);
  }
  choose(machine, 0);
  return [checksum(machine), ...execution.points(), ...results].join();
}

const CASES = Object.entries(PROGRAMS).flatMap(([name, programs]) =>
  (['interrupt', 'broadcast'] as const).map((flush) => ({ name, programs, flush })),
);

/** Two turns that can be taken from the state behind `turns`, and are said to be independent. */
interface Pair {
  readonly turns: readonly Turn[];
  readonly one: Turn;
  readonly other: Turn;
}

/** All such pairs along a random schedule, by `kindOfPair()`. */
function independentPairs(machine: Machine, scenario: MachineScenario, random: Random): Pair[][] {
  const execution = new Execution(scenario);
  const turns: Turn[] = [];
  const pairs: Pair[][] = [[], []];
  for (let able = execution.turns(); able.length > 0; able = execution.turns()) {
    for (const [index, one] of able.entries()) {
      for (const other of able.slice(index + 1)) {
        const points = [one, other].map(({ actor }) => execution.pointOf(actor)!);
        if (one.actor === other.actor || areDependent(machine, points[0]!, points[1]!)) continue;
        const list = pairs[kindOfPair(points)];
        list?.push({ turns: turns.slice(), one, other });
      }
    }
    const turn = random.pick(able);
    execution.take(turn);
    turns.push(turn);
  }
  return pairs;
}

/** 0 with an access and a change, 1 without; 2 is not compared. */
function kindOfPair(points: readonly Point[]): number {
  const kinds = points.map(kindOf);
  // The ledger lists what two CPUs have cleared in the order in which they did.
  if (kinds.every((kind) => kind === PointKind.CLEAR)) return 2;
  return points.some(canChoose) && kinds.some((kind) => CHANGES.has(kind)) ? 0 : 1;
}

/** What an access may depend on. */
const CHANGES: ReadonlySet<number> = new Set([
  PointKind.SET,
  PointKind.CLEAR,
  PointKind.PUT,
  PointKind.INVALIDATE,
  PointKind.INTERRUPT,
]);

for (const { name, programs, flush } of CASES) {
  test(`steps ${name} that are called independent commute, flushes by ${flush}`, () => {
    const seed = newSeed();
    const random = new Random(seed);
    const machine = newMachine(flush);
    const scenario = new MachineScenario(machine, programs);
    let swapped = 0;
    for (let round = 0; round < 60; round++) {
      const pairs = independentPairs(machine, scenario, random);
      const chosen = pairs.flatMap((list, kind) =>
        Array.from({ length: Math.min(kind === 0 ? 40 : 8, list.length) }, () => random.pick(list)),
      );
      for (const { turns, one, other } of chosen) {
        assert.equal(
          stateAfter(machine, scenario, [...turns, other, one]),
          stateAfter(machine, scenario, [...turns, one, other]),
          `seed ${seed}, round ${round}: ${nameSteps(machine, scenario, turns, [one, other])}`,
        );
        swapped++;
      }
    }
    assert.ok(swapped > 300, `${swapped} pairs were exchanged`);
  });
}

/** What two steps from the state behind `turns` are. */
function nameSteps(
  machine: Machine,
  scenario: MachineScenario,
  turns: readonly Turn[],
  steps: readonly Turn[],
): string {
  const execution = new Execution(scenario);
  for (const turn of turns) execution.take(turn);
  return steps.map(({ actor }) => describePoint(machine, execution.pointOf(actor)!)).join(' and ');
}
