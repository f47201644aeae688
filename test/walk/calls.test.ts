/**
 * Calls that walk tables and change them, or hold what they map: in both forms of the walk they say and
 * leave the same, which is what they do as in Linux 6.18, where the running kernel judges (test/kernel).
 * `PTSHARE_SEED` repeats a run.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as mm from '../../src/mm/index.ts';
import { Random } from '../kernel/random.ts';
import { newSeed } from '../seed.ts';
import { KINDS, type Kind, perform, textOf } from './random_calls.ts';
import { RandomSpace } from './random_space.ts';

const SPACES = 1000;
const CALLS = 16;
const { LEGACY, UNIFIED } = mm.WalkForm;

interface Done {
  readonly answers: readonly (readonly [Kind, string])[];
  readonly tables: readonly string[];
}

/** @param form that of Linux 6.18 for each call, if `undefined` */
function done(seed: number, form: mm.WalkForm | undefined): Done {
  const world = new RandomSpace(seed);
  const random = new Random(seed);
  const answers = Array.from({ length: CALLS }, (): [Kind, string] => {
    // Who gets a page would wait for one on the move.
    const kind = random.pick(KINDS);
    if (kind === 'GUP') world.finish();
    return [kind, perform(world, random, kind, form)];
  });
  const tables = world.spaces.map((space) => textOf(world, space));
  world.finish();
  mm.audit(world.machine);
  assert.equal(mm.violationOf(world.machine), undefined, `PTSHARE_SEED=${seed}, ${form}`);
  return { answers, tables };
}

/** What says that something was found or done. */
const isFruitful = ([kind, answer]: readonly [Kind, string]): boolean => {
  if (kind === 'mprotect') return answer === '0';
  return kind === 'GUP' ? Number(answer) >= 0 : !answer.startsWith('{"result":0');
};

test('calls that change tables, or hold pages, do the same in both forms', (context) => {
  const first = newSeed();
  context.diagnostic(`PTSHARE_SEED=${first}`);
  const fruitful = new Map<Kind, number>(KINDS.map((kind) => [kind, 0]));
  let spaces = 0;
  for (let seed = first; spaces < SPACES; seed++) {
    const { answers, tables } = done(seed, undefined);
    for (const form of [LEGACY, UNIFIED]) {
      const where = `PTSHARE_SEED=${seed}, ${form}`;
      const theirs = done(seed, form);
      assert.deepEqual(theirs.answers, answers, where);
      tables.forEach((text, at) => {
        assert.equal(theirs.tables[at], text, `${where}, address space ${at}`);
      });
    }
    for (const answer of answers.filter(isFruitful)) {
      fruitful.set(answer[0], fruitful.get(answer[0])! + 1);
    }
    spaces += tables.length;
  }
  context.diagnostic(`${spaces} address spaces, ${JSON.stringify([...fruitful])}`);
  for (const [kind, count] of fruitful) assert.ok(count > 100, `${kind} found something`);
});
