/** Who waits for whom: grace periods, interrupts that are kept off, and deadlocks of the two. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mapPages, newWorld, unmapPages } from '../../test/mm/small_world.ts';
import { vpn } from '../arch/index.ts';
import * as mm from '../mm/index.ts';
import {
  Access,
  handleUserFault,
  localIrqDisable,
  localIrqEnable,
  type Machine,
  rcuReadLock,
  rcuReadUnlock,
  reading,
  run,
  synchronizeRcu,
  taskOn,
  violate,
  writing,
} from '../mm/index.ts';
import { explore, MachineScenario, type Program, replay } from './index.ts';

const PAGE = vpn(5 * 512);

function newMachine(): Machine {
  const machine = newWorld(mm, { cpus: 2 });
  const task = taskOn(machine, 0, 0);
  run(mapPages(mm, task, PAGE, PAGE + 1));
  run(handleUserFault(task, PAGE, Access.WRITE));
  return machine;
}

/** Two words: whether the other one may be used, and the one that is to be freed. */
const PUBLISHED = 14;
const CONTENT = 15;
const FREED = -1;

const reader: Program = {
  name: 'RCU reader',
  *run({ machine, cpu }) {
    yield* rcuReadLock(machine, cpu);
    yield reading(machine.objects.frame(PUBLISHED));
    const isPublished = machine.frameData[PUBLISHED] === 1;
    yield reading(machine.objects.frame(CONTENT));
    if (isPublished && machine.frameData[CONTENT] === FREED) violate(machine, 'P-DATA');
    yield* rcuReadUnlock(machine, cpu);
  },
};

const updater = (waits: boolean): Program => ({
  name: 'RCU updater',
  *run({ machine }) {
    yield writing(machine.objects.frame(PUBLISHED));
    machine.frameData[PUBLISHED] = 0;
    if (waits) yield* synchronizeRcu(machine);
    yield writing(machine.objects.frame(CONTENT));
    machine.frameData[CONTENT] = FREED;
  },
});

function readAndUpdate(waits: boolean): MachineScenario {
  const machine = newMachine();
  machine.frameData[PUBLISHED] = 1;
  return new MachineScenario(machine, [reader, updater(waits)]);
}

test('a grace period lasts until readers that may have seen the old state have left', () => {
  const result = explore(readAndUpdate(true));
  assert.equal(result.finding, undefined);
  assert.ok(result.isComplete);
});

test('without a grace period a reader meets what was freed', () => {
  const { finding } = explore(readAndUpdate(false));
  assert.equal(finding?.property, 'P-DATA');
  assert.deepEqual(replay(readAndUpdate(false), finding.schedule), finding);
});

test('waiting for the mmap lock with interrupts off, while its holder waits for an interrupt', () => {
  const stubborn: Program = {
    name: 'mmap with interrupts off',
    *run(task) {
      const { machine, cpu } = task;
      yield* localIrqDisable(machine, cpu);
      yield* mapPages(mm, task, PAGE + 8, PAGE + 9);
      yield* localIrqEnable(machine, cpu);
    },
  };
  const unmapping: Program = {
    name: 'munmap',
    run: (task) => unmapPages(mm, task, PAGE, PAGE + 1),
  };
  const { finding } = explore(new MachineScenario(newMachine(), [unmapping, stubborn]));
  assert.equal(finding?.property, 'deadlock');
  assert.ok(finding.steps.some(({ does }) => does.startsWith('CLEAR table')));
});
