/** Guests whose tables are shadowed: what their tables say is what they get, whatever the process does. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explore, type Program } from '../../src/check/index.ts';
import {
  enterGuest,
  GuestFault,
  guestEntry,
  guestLoad,
  guestStore,
  guestTable,
} from '../../src/designs/index.ts';
import { type Bugs, load, madvise, mprotect, type Op, type Task } from '../../src/mm/index.ts';
import { ONE, OTHER, shadowRace, VIRTUAL } from '../../src/zoo/shadow_guest.ts';
import { PAGE } from '../../src/zoo/small_machine.ts';

const BYTES = 4096;
const FAULT = -1 - GuestFault.FAULT;

const guest = (name: string, run: (task: Task) => Op<unknown>): Program => ({
  name,
  *run(task) {
    yield* enterGuest(task, 0);
    yield* run(task);
  },
});

/** What `run` returns, of a guest alone. */
function alone(run: (task: Task) => Op<unknown[]>): unknown[] {
  let results: unknown[] = [];
  const keeping = guest('guest', function* keep(task) {
    results = yield* run(task);
  });
  const { finding, isComplete } = explore(shadowRace([keeping], {}));
  assert.deepEqual([finding?.property, isComplete], [undefined, true]);
  return results;
}

test('a guest has what its tables lead to, with the rights of the whole way', () => {
  const results = alone(function* access(task) {
    return [
      yield* guestStore(task, 0, VIRTUAL.other, 7),
      yield* guestLoad(task, 0, VIRTUAL.otherReadOnly),
      yield* load(task, PAGE + OTHER),
      yield* guestStore(task, 0, VIRTUAL.otherReadOnly, 8),
      yield* guestStore(task, 0, VIRTUAL.one, 8),
      yield* guestLoad(task, 0, VIRTUAL.one),
      yield* guestLoad(task, 0, 63),
    ];
  });
  assert.deepEqual(results, [0, 7, 7, FAULT, FAULT, 1, FAULT]);
});

test('what a guest writes to its tables is so from then on', () => {
  const results = alone(function* change(task) {
    const before = yield* guestLoad(task, 0, VIRTUAL.one);
    yield* guestStore(task, 0, VIRTUAL.other, 7);
    const result = yield* guestStore(task, 0, VIRTUAL.table, guestTable(guestEntry(OTHER, false)));
    return [before, result, yield* guestLoad(task, 0, VIRTUAL.one)];
  });
  assert.deepEqual(results, [1, 0, 7]);
});

const storing = guest('guest stores', (task) => guestStore(task, 0, VIRTUAL.other, 7));
const loading = guest('guest loads', (task) => guestLoad(task, 0, VIRTUAL.one));
const remapping = guest('guest changes a table', (task) =>
  guestStore(task, 0, VIRTUAL.table, guestTable(guestEntry(OTHER, false))),
);
const discarding: Program = {
  name: 'MADV_DONTNEED',
  run: (task) => madvise(task, (PAGE + OTHER) * BYTES, BYTES, 4),
};
const protecting: Program = {
  name: 'mprotect',
  run: (task) => mprotect(task, (PAGE + ONE) * BYTES, 2 * BYTES, 1),
};

for (const programs of [
  [storing, discarding],
  [storing, protecting],
  [loading, protecting],
]) {
  const name = programs.map((program) => program.name).join(', ');
  test(`nothing goes wrong in any order: ${name}`, () => {
    const { finding, isComplete } = explore(shadowRace(programs, {}));
    assert.deepEqual([finding?.property, isComplete], [undefined, true]);
  });
}

test('nor when a table is changed under who walks it, which may go on for ever', () => {
  const { finding } = explore(shadowRace([loading, remapping], {}), {
    executionsMax: 5000,
    stepsMax: 200,
  });
  assert.equal(finding?.property, undefined);
});

test('an invalidation that is passed over is found, as with a second-level table', () => {
  for (const bug of ['kvmIgnoresSequence', 'kvmWithoutZap', 'kvmIgnoresInProgress'] as const) {
    const bugs: Bugs = { [bug]: true };
    const { finding } = explore(shadowRace([storing, discarding], bugs), { shrinkMax: 0 });
    assert.match(String(finding?.property), /P-UAF-PAGE|P-TLB|P-COUNT|P-DATA/, bug);
  }
});
