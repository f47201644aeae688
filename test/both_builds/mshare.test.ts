/**
 * Random calls on regions: both builds do the same, and what must be true of regions is, under every
 * way to flush that is right; those that are not are found out.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as designs from '../../src/designs/index.ts';
import * as canonical from '../../src/mm/index.ts';
import { SKYLAKE } from '../../src/mmu/index.ts';
import { CPUS, type Designs, type Run, Session } from '../designs/random_mshare.ts';
import { Random } from '../kernel/random.ts';
import { newSeed } from '../seed.ts';

const FAST = new URL('../../fast/src/', import.meta.url);
const fast = (await import(new URL('mm/index.js', FAST).href)) as typeof canonical;
const fastDesigns = (await import(new URL('designs/index.js', FAST).href)) as Designs;
const { MENDED, V3 } = designs;

/** A million between them. */
const OPERATIONS = 250_000;
const RIGHT: readonly designs.MshareVariant[] = [
  MENDED,
  { ...MENDED, name: 'option B', flush: 'kept-mask' },
  { ...MENDED, name: 'option C', flush: 'guests', unlink: 'zap-flush-first' },
  { ...MENDED, name: 'option D', flush: 'multi-cpu', unlink: 'zap-flush-first' },
];
const WRONG: readonly [designs.MshareVariant, RegExp][] = [
  [{ ...MENDED, name: 'the flush of the host', flush: 'host-mask' }, /P-(UAF|TLB)/],
  [{ ...MENDED, name: 'no share count', countsShares: false }, /P-(UAF|TLB)/],
  [{ ...MENDED, name: 'tables that were kept, lost', freesKept: false }, /P-COUNT/],
];

const runFast: Run = (_, done) => fast.run(done);

for (const variant of RIGHT) {
  test(`${OPERATIONS} random operations, ${variant.name}: nothing is violated`, () => {
    const seed = newSeed();
    const session = new Session(fast, fastDesigns, variant, runFast, SKYLAKE);
    const random = new Random(seed);
    let done = 0;
    for (let count = 0; count < OPERATIONS; count++) {
      if (session.step(random) >= 0) done++;
      if (count % 500 > 0) continue;
      assert.equal(session.audit(), undefined, `seed ${seed}, operation ${count}`);
    }
    assert.ok(done > OPERATIONS / 5, `${done} operations were not refused`);
  });
}

for (const [variant, property] of WRONG) {
  test(`random operations find ${variant.name}`, () => {
    const seed = newSeed();
    const session = new Session(fast, fastDesigns, variant, runFast);
    const random = new Random(seed);
    let found: string | undefined;
    for (let count = 0; count < 50_000 && found === undefined; count++) {
      session.step(random);
      found = session.audit();
    }
    assert.match(found ?? 'nothing', property, `seed ${seed}`);
  });
}

/** Runs an operation of the canonical build: interrupts and callbacks run when it has to wait. */
function runAlone(machine: () => canonical.Machine): Run {
  const drive = (cpu: number, actor: canonical.Op<void>): void => {
    for (;;) {
      const { done, value } = actor.next();
      if (done === true || !canonical.mayGo(machine(), cpu, value)) return;
    }
  };
  const runCallbacks = (): void => {
    for (let cpu = 0; cpu < CPUS; cpu++) {
      if (machine().callbackTables[cpu] === canonical.NONE) continue;
      drive(cpu, canonical.callbackActor(machine(), cpu));
    }
  };
  return (cpu, operation) => {
    for (;;) {
      const { done, value } = operation.next();
      if (done === true) return value;
      const isQueueing = canonical.objectOf(value) === machine().objects.callbacks(cpu);
      if (!isQueueing) runCallbacks();
      if (canonical.mayGo(machine(), cpu, value)) continue;
      for (let other = 0; other < CPUS; other++) {
        drive(other, canonical.interruptActor(machine(), other));
      }
    }
  };
}

test('10000 random operations return and leave the same in both builds', () => {
  const seed = newSeed();
  let machine: canonical.Machine | undefined;
  const first: Run = (_, operation) => canonical.run(operation);
  const alone = runAlone(() => machine!);
  const run: Run = (cpu, operation) =>
    machine === undefined ? first(cpu, operation) : alone(cpu, operation);
  const one = new Session(canonical, designs, V3, run);
  machine = one.machine;
  const other = new Session(fast, fastDesigns, V3, runFast);
  const randoms = [new Random(seed), new Random(seed)] as const;
  for (let count = 0; count < 10_000; count++) {
    assert.equal(one.step(randoms[0]), other.step(randoms[1]), `seed ${seed}, ${count}`);
    if (count % 500 > 0) continue;
    const sums = [canonical.checksum(one.machine), fast.checksum(other.machine)];
    assert.equal(sums[0], sums[1], `seed ${seed}, operation ${count}`);
  }
});
