/** Parts and branches come back from their journey as they were, or are refused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  exploreParts,
  type Part,
  type SavedBranch,
  type Scenario,
  SharedSearch,
} from '../../check/index.ts';
import { findEntry } from '../../zoo/index.ts';
import { aboveSchema, branchesAtOf, partDataOf, partSchema } from './part_data.ts';
import { TaskError } from './task_error.ts';

const throughJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

test('every part of a search, and all that leads above it, comes back as it was', () => {
  const scenario = findEntry('M1')!.scenario(false) as unknown as Scenario;
  const search = new SharedSearch(scenario);
  let [parts, branches, sleepers, states] = [0, 0, 0, 0];
  while (!search.isDone) {
    for (const part of search.take(1, 4)) {
      const { steps, below } = part.path;
      assert.deepEqual(partSchema.parse(throughJson(partDataOf(part))), part);
      const [result] = exploreParts(scenario, [part], { executionsMax: 7 });
      const { above = [], rest } = result!;
      const came = aboveSchema.parse(throughJson(branchesAtOf(above)));
      assert.deepEqual([...came, ...above.slice(came.length)], above);
      assert.ok(above.slice(came.length).every(({ length }) => length === 0));
      search.add(part, { above, ...(rest && { rest }) });
      parts++;
      branches += below.length + steps.filter(({ later }) => later.length > 0).length;
      sleepers += steps.filter(({ asleep }) => asleep.some((mask) => mask > 0)).length;
      states += came.length;
    }
  }
  assert.ok(parts > 50 && branches > 50 && sleepers > 50 && states > 10, 'something of everything');
});

test('what differs from the step before is all that is said', () => {
  const branch: SavedBranch = { actor: 1, choice: 2, ways: 3, point: 2 ** 40, branches: [] };
  const reserved: SavedBranch = { ...branch, isReserved: true };
  const later = [{ ...branch, branches: [branch, reserved] }, branch];
  const steps = [
    { actor: 0, choice: 0, asleep: [0, 0], later: [] },
    { actor: 70, choice: 0, asleep: [0, 3], later },
    { actor: 1, choice: 2, asleep: [0, 3], later: [] },
    { actor: 1, choice: 0, asleep: [1, 0], later: [] },
  ];
  const part: Part = { path: { steps, below: [branch], firstNew: 1 }, floor: 2 };
  const numbers = [1, 2, 3, 2 ** 40];
  assert.deepEqual(partDataOf(part), {
    path: {
      schedule: "0(70)1''1",
      actors: 2,
      asleep: [1, 1, 3, 3, 0, 1, 3, 1, 0],
      later: [{ at: 1, branches: [...numbers, 2, ...numbers, 0, ...numbers, -1, ...numbers, 0] }],
      below: [...numbers, 0],
      firstNew: 1,
    },
    floor: 2,
  });
  assert.deepEqual(partSchema.parse(partDataOf(part)), part);
});

test('paths that are none are refused', () => {
  const good = { schedule: '01', actors: 2, asleep: [1, 0, 1], later: [], below: [0, 0, 1, 5, 0] };
  const parse = (path: object): unknown =>
    partSchema.parse({ path: { ...good, ...path }, floor: 0 });
  parse({});
  const bad = [
    { schedule: '0 1' },
    { schedule: '(256)' },
    { schedule: `0${"'".repeat(256)}` },
    { schedule: '0'.repeat(10_001) },
    { schedule: '0'.repeat(9000), actors: 256 },
    { asleep: [2, 0, 1] },
    { asleep: [1, 2, 1] },
    { asleep: [1, -1, 1] },
    { asleep: [1, 0, 1, 0, 0, 1] },
    { below: [0, 0, 1, 5] },
    { below: [0, 0, 1, 5, 1] },
    { below: [0, 0, 1.5, 5, 0] },
    { below: [-1, 0, 1, 5, 0] },
    { below: [300, 0, 1, 5, 0] },
    { below: [0, 0, 1, 5, -2] },
    { later: [{ at: 0, branches: [0] }] },
    { firstNew: 2 },
  ];
  for (const path of bad) {
    assert.throws(() => parse(path), TaskError, JSON.stringify(path).slice(0, 200));
  }
});
