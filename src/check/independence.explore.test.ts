/**
 * What the engine calls independent does commute: in random schedules, two neighbouring steps of
 * different CPUs are taken in both orders, and must lead to the same state, with all that follows
 * still possible. Sleep sets are unsound without.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../test/kernel/random.ts';
import { mapPages, newWorld, unmapPages } from '../../test/mm/small_world.ts';
import { vpn } from '../arch/index.ts';
import * as mm from '../mm/index.ts';
import {
  areDependent,
  checksum,
  choose,
  describePoint,
  gupFast,
  kindOf,
  load,
  type Machine,
  NONE,
  PointKind,
  run,
  store,
  taskOn,
  unpin,
} from '../mm/index.ts';
import { Execution } from './execution.ts';
import { MachineScenario, type Program, type Turn } from './index.ts';

const PAGE = vpn(5 * 512);

const everything: Program = {
  name: 'store, GUP-fast, munmap, mmap, load',
  *run(task) {
    yield* store(task, PAGE, 1 + task.cpu);
    const frame = yield* gupFast(task, PAGE, true);
    yield* unmapPages(mm, task, PAGE, PAGE + 1);
    yield* mapPages(mm, task, PAGE, PAGE + 1);
    if (frame !== NONE) yield* unpin(task, frame);
    yield* load(task, PAGE);
  },
};

function newMachine(flush: 'interrupt' | 'broadcast'): Machine {
  const machine = newWorld(mm, { cpus: 3, frames: 24, tables: 16, flush });
  run(mapPages(mm, taskOn(machine, 0, 0), PAGE, PAGE + 1));
  return machine;
}

/** The state behind `turns`, or `undefined` if one of them cannot be taken. */
function stateAfter(
  machine: Machine,
  scenario: MachineScenario,
  turns: readonly Turn[],
): number | undefined {
  const execution = new Execution(scenario);
  for (const turn of turns) {
    const isAble = execution
      .turns()
      .some(({ actor, choice }) => actor === turn.actor && choice === turn.choice);
    if (!isAble) return undefined;
    execution.take(turn);
  }
  choose(machine, 0);
  return checksum(machine);
}

for (const flush of ['interrupt', 'broadcast'] as const) {
  test(`steps that are called independent commute, flushes by ${flush}`, () => {
    const seed = Date.now() % 2 ** 31;
    const random = new Random(seed);
    const machine = newMachine(flush);
    const scenario = new MachineScenario(machine, [everything, everything, everything]);
    let swapped = 0;
    for (let round = 0; round < 60; round++) {
      const execution = new Execution(scenario);
      const turns: Turn[] = [];
      const swaps: number[] = [];
      let before: ReturnType<typeof execution.points> = [];
      for (let able = execution.turns(); able.length > 0; able = execution.turns()) {
        const last = turns.at(-1);
        const turn = able[random.below(able.length)]!;
        const points = execution.points();
        const [one, other] = [last && before[last.actor], points[turn.actor]!];
        const isOther = last !== undefined && last.actor !== turn.actor;
        if (isOther && before[turn.actor] === other && !areDependent(machine, one!, other)) {
          // The ledger lists what two CPUs have cleared in the order in which they did.
          const areClears = [one!, other].every((at) => kindOf(at) === PointKind.CLEAR);
          if (!areClears) swaps.push(turns.length - 1);
        }
        before = points;
        execution.take(turn);
        turns.push(turn);
      }
      for (let count = 0; count < 8 && swaps.length > 0; count++) {
        const at = swaps[random.below(swaps.length)]!;
        const inOrder = turns.slice(0, at + 2);
        const exchanged = [...turns.slice(0, at), turns[at + 1]!, turns[at]!];
        const expected = stateAfter(machine, scenario, inOrder);
        const names = new Execution(scenario);
        for (const turn of turns.slice(0, at)) names.take(turn);
        const text = [turns[at]!, turns[at + 1]!]
          .map(({ actor }) => describePoint(machine, names.points()[actor]!))
          .join(' and ');
        assert.equal(
          stateAfter(machine, scenario, exchanged),
          expected,
          `seed ${seed}, round ${round}, step ${at}: ${text}`,
        );
        swapped++;
      }
    }
    assert.ok(swapped > 300, `${swapped} pairs were exchanged`);
  });
}
