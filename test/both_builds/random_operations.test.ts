/**
 * The same random calls of every kind end in the same state, explored or at full speed, and leave
 * nothing miscounted.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatById } from '../../src/arch/index.ts';
import * as canonical from '../../src/mm/index.ts';
import { Alone } from '../../src/script/alone.ts';
import { type Engine, newWorld } from '../mm/small_world.ts';
import { newSeed } from '../seed.ts';
import { type Area, Population, type RunOn, WEIGHTS } from './random_calls.ts';

const fast = (await import(new URL('../../fast/src/mm/index.js', import.meta.url).href)) as Engine;

/** Machines, calls of each, and every how many of them all is recounted. */
interface Plan {
  readonly formatId: string;
  readonly machines: number;
  readonly calls: number;
  readonly auditEvery: number;
}

/** A million calls, a hundred thousand of them recounted one by one. */
const PLANS: readonly Plan[] = [
  { formatId: 'x86_64-4level', machines: 10, calls: 5_000, auditEvery: 1 },
  { formatId: 'ppc64-radix-64k', machines: 10, calls: 5_000, auditEvery: 1 },
  { formatId: 'x86_64-4level', machines: 15, calls: 10_000, auditEvery: 200 },
  { formatId: 'ppc64-radix-64k', machines: 75, calls: 10_000, auditEvery: 200 },
];

function newMachine(mm: Engine, formatId: string, area: Area, seed: number): canonical.Machine {
  return newWorld(mm, {
    format: formatById(formatId)!,
    cpus: 3,
    mms: 4,
    frames: 2 * area.tablePages + 160,
    tables: 96,
    vmas: 512,
    anonVmas: 512,
    inodes: 12,
    swapSlots: 48,
    swapIsSynchronous: seed % 3 === 0,
    flush: seed % 2 === 0 ? 'interrupt' : 'broadcast',
    gather: 8,
    thp: seed % 5 === 0 ? 'always' : 'madvise',
  });
}

/** Plays the same calls in both builds. @returns who made them */
function play(plan: Plan, seed: number): Population {
  const { formatId, calls, auditEvery } = plan;
  const tablePages = formatById(formatId)!.entryPages[1]!;
  const area = { first: 16 * tablePages, tables: 4, tablePages };
  const machines = [canonical, fast].map((mm) => newMachine(mm, formatId, area, seed));
  const [slow, quick] = machines as [canonical.Machine, canonical.Machine];
  const alone = new Alone(canonical, slow);
  const runSlow: RunOn = (_, operation) => alone.run(operation);
  const one = new Population(canonical, slow, seed, area, runSlow);
  const other = new Population(fast, quick, seed, area, (_, done) => fast.run(done));
  const where = (call: number): string => `PTSHARE_SEED=${seed}, call ${call}`;
  for (let call = 0; call < calls; call++) {
    const expected = one.step();
    if (other.step() !== expected) assert.fail(where(call));
    if (call % auditEvery !== 0) continue;
    canonical.audit(slow);
    if (canonical.violationOf(slow) !== undefined) {
      assert.fail(`${where(call)}: ${canonical.violationOf(slow)}`);
    }
  }
  canonical.audit(slow);
  fast.audit(quick);
  assert.equal(canonical.violationOf(slow), undefined, where(calls));
  assert.equal(fast.violationOf(quick), undefined, where(calls));
  assert.equal(canonical.checksum(slow), fast.checksum(quick), where(calls));
  return one;
}

/** How often each kind of call was made with success, by all of them. */
const done = new Map<string, number>();

for (const plan of PLANS) {
  const { formatId, machines, calls, auditEvery } = plan;
  const total = (machines * calls).toLocaleString('en');
  const name = `${total} random calls on ${formatId} end alike in both builds, all recounted every ${auditEvery}`;
  test(name, (context) => {
    const first = newSeed();
    context.diagnostic(`PTSHARE_SEED=${first}`);
    let failures = 0;
    for (let seed = first; seed < first + machines; seed++) {
      const population = play(plan, seed);
      for (const [kind, count] of population.done) done.set(kind, (done.get(kind) ?? 0) + count);
      failures += population.failures;
    }
    assert.ok(failures > 0 && failures < (machines * calls) / 2, `${failures} calls failed`);
  });
}

test('each kind of call was made with success', () => {
  for (const kind of Object.keys(WEIGHTS)) {
    assert.ok((done.get(kind) ?? 0) > 0, `${kind} was made with success`);
  }
});
