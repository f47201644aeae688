/** The contract of mmu notifiers: who is told what, when, and may refuse. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatById } from '../../arch/index.ts';
import { EAGAIN } from '../../uapi/errno.ts';
import type { Design } from '../design/design.ts';
import {
  exit,
  folioReferenced,
  invalidateRangeStartNonblock,
  lockFolio,
  Machine,
  mappedFrameAt,
  mmap,
  munmap,
  type NotifierOps,
  Notify,
  newProcess,
  notifierRegister,
  run,
  store,
  type Task,
} from '../index.ts';
import { walk } from '../table/pgtable.ts';

const PAGE = 16 * 512;
const PAGE_BYTES = 4096;

/** A process with a page, followed by one design for each of `listeners`. */
function followed(...listeners: readonly NotifierOps[]): Task {
  const designs = listeners.map((notifier, at): Design => ({ name: `listener ${at}`, notifier }));
  const machine = new Machine({ format: formatById('x86_64-4level')! }, {}, designs);
  const task = run(newProcess(machine, 0))!;
  const place = { address: PAGE * PAGE_BYTES, length: PAGE_BYTES, prot: 3, flags: 0x32, offset: 0 };
  run(mmap(task, { ...place, file: undefined }));
  run(store(task, PAGE, 1));
  for (const { name } of designs) run(notifierRegister(task, { design: name, id: 0 }));
  return task;
}

/** Notes what it is told. */
function listener(heard: string[], name: string, isRefusing = false): NotifierOps {
  return {
    // biome-ignore lint/correctness/useYield: it only listens
    *rangeStart(_place, _subscription, { event, isBlockable }) {
      heard.push(`${name} start ${event} ${isBlockable}`);
      return !isRefusing;
    },
    ...(!isRefusing && {
      // biome-ignore lint/correctness/useYield: it only listens
      *rangeEnd(_place, _subscription, { event }) {
        heard.push(`${name} end ${event}`);
      },
    }),
    // biome-ignore lint/correctness/useYield: it only listens
    *release() {
      heard.push(`${name} release`);
    },
    // biome-ignore lint/correctness/useYield: it only listens
    *clearFlushYoung() {
      heard.push(`${name} young`);
      return true;
    },
  };
}

test('all are told of start and end, in the order in which they came', () => {
  const heard: string[] = [];
  const task = followed(listener(heard, 'a'), listener(heard, 'b'));
  run(munmap(task, PAGE * PAGE_BYTES, PAGE_BYTES));
  const told = ['a start 0 true', 'b start 0 true', 'a end 0', 'b end 0'];
  assert.deepEqual(heard, told);
});

test('if one refuses, all are told of the start, and those that have an end of that', () => {
  const heard: string[] = [];
  const task = followed(listener(heard, 'a'), listener(heard, 'b', true), listener(heard, 'c'));
  const result = invalidateRangeStartNonblock(task, task.mm, PAGE, PAGE + 1, Notify.CLEAR);
  assert.equal(run(result), EAGAIN);
  assert.deepEqual(heard, [
    'a start 1 false',
    'b start 1 false',
    'c start 1 false',
    'a end 1',
    'c end 1',
  ]);
});

test('exit tells of the release, and of nothing that goes after it', () => {
  const heard: string[] = [];
  const task = followed(listener(heard, 'a'));
  run(exit(task));
  assert.deepEqual(heard, ['a release']);
});

test('a page that only a secondary MMU has accessed was referenced', () => {
  const heard: string[] = [];
  const { machine, cpu, mm } = followed(listener(heard, 'a'));
  const frame = mappedFrameAt(machine, run(walk(machine, mm, PAGE)));
  run(lockFolio(machine, cpu, frame));
  assert.equal(run(folioReferenced(machine, cpu, frame)), 1);
  assert.equal(run(folioReferenced(machine, cpu, frame)), 1);
  assert.deepEqual(heard, ['a young', 'a young']);
});
