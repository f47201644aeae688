/** The same random operations end in the same state, explored or at full speed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as canonical from '../../src/mm/index.ts';
import { Random } from '../kernel/random.ts';
import { mapPages, newWorld } from '../mm/small_world.ts';

const fast = (await import(
  new URL('../../fast/src/mm/index.js', import.meta.url).href
)) as typeof canonical;

const OPERATIONS = 100_000;
const CPUS = 3;
const PROCESSES = 2;
const PAGE_BYTES = 4096;
/** Where things happen: five tables' worth of pages. */
const FIRST = 16 * 512;
const AREA = 5 * 512;
/** As often as they stand here. */
const KINDS = [
  ...(['mmap', 'mmap', 'mmap', 'munmap', 'mprotect', 'mremap'] as const),
  ...(['load', 'load', 'load', 'load', 'store', 'store', 'store', 'store', 'store'] as const),
];

function newMachine(mm: typeof canonical): canonical.Machine {
  const machine = newWorld(mm, {
    cpus: CPUS,
    mms: PROCESSES,
    frames: 96,
    tables: 32,
    vmas: 256,
    anonVmas: 256,
    gather: 32,
  });
  for (let count = 1; count < PROCESSES; count++) mm.run(mm.newProcess(machine, 0));
  return machine;
}

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
  const cpu = random.below(CPUS);
  const task = mm.taskOn(machine, cpu, random.below(PROCESSES));
  const page = FIRST + random.below(AREA);
  const start = Math.floor(page / 64) * 64;
  const length = [8, 64, 128, 512][random.below(4)]!;
  const [address, bytes] = [start * PAGE_BYTES, length * PAGE_BYTES];
  const isWritable = random.below(4) > 0;
  const value = random.below(1000);
  const target = (FIRST + random.below(AREA / 64) * 64) * PAGE_BYTES;
  switch (KINDS[random.below(KINDS.length)]!) {
    case 'mmap':
      return runOn(cpu, mapPages(mm, task, start, start + length, isWritable));
    case 'munmap':
      return runOn(cpu, mm.munmap(task, address, bytes));
    case 'mprotect':
      return runOn(cpu, mm.mprotect(task, address, bytes, isWritable ? 3 : 1));
    case 'mremap': {
      const call = { address, oldLength: bytes, newLength: bytes, flags: 3, newAddress: target };
      return runOn(cpu, mm.mremap(task, call));
    }
    case 'load':
      return runOn(cpu, mm.load(task, page));
    case 'store':
      return runOn(cpu, mm.store(task, page, value));
  }
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
  for (const errno of [canonical.EINVAL, canonical.ENOMEM, canonical.EEXIST]) {
    const count = results.get(errno) ?? 0;
    assert.ok(count > 0, `seed ${seed}: an operation returned ${errno}`);
    assert.ok(count < OPERATIONS / 2, `seed ${seed}: most operations did not return ${errno}`);
  }
});
