/** A page that is mapped in pieces is moved under those who use it, in every interleaving. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explore, type Program } from '../../../src/check/index.ts';
import {
  HGM_MENDED,
  HGM_RFC_V1,
  type HgmOptions,
  migrateHugetlb,
} from '../../../src/designs/index.ts';
import { load, type Op, putFrame, store, type Task } from '../../../src/mm/index.ts';
import { getFrame } from '../../../src/mm/page/frame.ts';
import { continueAt, FIRST, granularRace } from '../../../src/zoo/hgm_machine.ts';

/** As compaction does, of the first page of the file. */
function* migrate({ machine, cpu }: Task, options: HgmOptions): Op<void> {
  const head = machine.inodes.all()[0]!.pages.get(0);
  yield* getFrame(machine, head);
  machine.pins.set(head, 1);
  yield* migrateHugetlb(machine, cpu, head, options);
  machine.pins.delete(head);
  yield* putFrame(machine, cpu, head);
}

const USERS: readonly (readonly [string, Program['run'], readonly number[]])[] = [
  ['a store to a piece', (task) => store(task, FIRST, 7), [0]],
  ['a load of a hole', (task) => load(task, FIRST + 1), [0]],
  ['UFFDIO_CONTINUE of a hole', (task) => continueAt(task, FIRST + 1), [0]],
  ['a store to all of it, mapped by one entry', (task) => store(task, FIRST, 7), []],
];

for (const [name, use, filled] of USERS) {
  test(`${name} meets a page that is being moved`, () => {
    for (const options of [HGM_RFC_V1, HGM_MENDED]) {
      const moving: Program = { name: 'migrate', mm: 1, run: (task) => migrate(task, options) };
      const race = granularRace([{ name, run: use }, moving], options, { filled });
      const { finding, isComplete } = explore(race);
      assert.deepEqual([finding?.property, isComplete], [undefined, true], options.name);
    }
  });
}
