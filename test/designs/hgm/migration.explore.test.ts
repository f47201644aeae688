/** A page that is mapped in pieces is moved under those who use it, in every interleaving. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explore, type Program } from '../../../src/check/index.ts';
import { HGM_MENDED, HGM_RFC_V1 } from '../../../src/designs/index.ts';
import { load, store } from '../../../src/mm/index.ts';
import { continueAt, FIRST, granularRace, move } from '../../../src/zoo/hgm_machine.ts';

const USERS: readonly (readonly [string, Program['run'], readonly number[]])[] = [
  ['a store to a piece', (task) => store(task, FIRST, 7), [0]],
  ['a load of a hole', (task) => load(task, FIRST + 1), [0]],
  ['UFFDIO_CONTINUE of a hole', (task) => continueAt(task, FIRST + 1), [0]],
  ['a store to all of it, mapped by one entry', (task) => store(task, FIRST, 7), []],
];

for (const [name, use, filled] of USERS) {
  test(`${name} meets a page that is being moved`, () => {
    for (const options of [HGM_RFC_V1, HGM_MENDED]) {
      const moving: Program = { name: 'migrate', mm: 1, run: (task) => move(task, options) };
      const race = granularRace([{ name, run: use }, moving], options, { filled });
      const { finding, isComplete } = explore(race);
      assert.deepEqual([finding?.property, isComplete], [undefined, true], options.name);
    }
  });
}
