/** The same random operations end in the same state, explored or at full speed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatById, vpn } from '../../src/arch/index.ts';
import * as canonical from '../../src/mm/index.ts';
import { Random } from '../kernel/random.ts';

const fast = (await import(
  new URL('../../fast/src/mm/index.js', import.meta.url).href
)) as typeof canonical;

const OPERATIONS = 100_000;
const CPUS = 3;
const AREA = 4 * 512;

const newMachine = (mm: typeof canonical): canonical.Machine =>
  new mm.Machine({
    format: formatById('x86_64-4level')!,
    cpus: CPUS,
    mms: 2,
    frames: 64,
    tables: 12,
    vmas: 64,
    gather: 32,
    flush: 'interrupt',
  });

/**
 * Runs one operation of the canonical build; interrupts and callbacks run when it has to wait, or is
 * about to do something else than to queue callbacks.
 */
class Alone {
  readonly #machine: canonical.Machine;

  constructor(machine: canonical.Machine) {
    this.#machine = machine;
  }

  run(cpu: number, operation: canonical.Op<number>): number {
    for (;;) {
      const { done, value } = operation.next();
      if (done === true) {
        this.#runCallbacks();
        return value;
      }
      const isQueueing = canonical.objectOf(value) === this.#machine.objects.callbacks(cpu);
      if (!isQueueing) this.#runCallbacks();
      if (!canonical.mayGo(this.#machine, cpu, value)) this.#interruptAll();
    }
  }

  #interruptAll(): void {
    for (let cpu = 0; cpu < CPUS; cpu++) {
      this.#drive(cpu, canonical.interruptActor(this.#machine, cpu));
    }
  }

  #runCallbacks(): void {
    for (let cpu = 0; cpu < CPUS; cpu++) {
      if (this.#machine.callbackTables[cpu] === canonical.NONE) continue;
      this.#drive(cpu, canonical.callbackActor(this.#machine, cpu));
    }
  }

  /** Takes the steps of an actor until it has to wait. */
  #drive(cpu: number, actor: canonical.Op<void>): void {
    for (;;) {
      const { done, value } = actor.next();
      if (done === true || !canonical.mayGo(this.#machine, cpu, value)) return;
    }
  }
}

/** One random operation; its arguments do not depend on the build. */
function operation(
  mm: typeof canonical,
  machine: canonical.Machine,
  random: Random,
  runOn: (cpu: number, operation: canonical.Op<number>) => number,
): number {
  const [cpu, space, kind] = [random.below(CPUS), random.below(2), random.below(16)];
  const page = vpn(random.below(AREA));
  const start = Math.floor(page / 64) * 64;
  const length = [64, 128, 512][random.below(3)]!;
  if (kind < 5) {
    return runOn(cpu, mm.mmapFixed(machine, cpu, space, start, start + 64, random.below(4) > 0));
  }
  if (kind < 6) {
    const from = Math.floor(start / length) * length;
    return runOn(cpu, mm.munmap(machine, cpu, space, from, from + length));
  }
  if (kind < 10) return runOn(cpu, mm.load(machine, cpu, space, page));
  return runOn(cpu, mm.store(machine, cpu, space, page, random.below(1000)));
}

test(`${OPERATIONS} random operations return and leave the same in both builds`, () => {
  const seed = Date.now() % 2 ** 31;
  const machines = [newMachine(canonical), newMachine(fast)] as const;
  const randoms = [new Random(seed), new Random(seed)] as const;
  const alone = new Alone(machines[0]);
  const results = new Map<number, number>();
  for (let count = 0; count < OPERATIONS; count++) {
    const one = operation(canonical, machines[0], randoms[0], (cpu, op) => alone.run(cpu, op));
    const other = operation(fast, machines[1], randoms[1], (_, done) => fast.run(done));
    assert.equal(one, other, `seed ${seed}, operation ${count}`);
    results.set(one, (results.get(one) ?? 0) + 1);
    if (count % 1000 > 0) continue;
    canonical.audit(machines[0]);
    assert.equal(canonical.violationOf(machines[0]), undefined, `seed ${seed}, ${count}`);
    assert.equal(canonical.checksum(machines[0]), fast.checksum(machines[1]), `seed ${seed}`);
  }
  assert.equal(canonical.checksum(machines[0]), fast.checksum(machines[1]), `seed ${seed}`);
  for (const errno of [canonical.EFAULT, canonical.ENOMEM, canonical.EEXIST]) {
    const count = results.get(errno) ?? 0;
    assert.ok(count > 0, `seed ${seed}: an operation returned ${errno}`);
    assert.ok(count < OPERATIONS / 2, `seed ${seed}: most operations did not return ${errno}`);
  }
});
