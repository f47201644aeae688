/**
 * Runs operations of the canonical build alone: interrupts and RCU callbacks, which are actors of
 * their own there, get their turns when the operation waits for them.
 */
import type * as engine from '../mm/index.ts';
import type { Engine } from './machine.ts';

export class Alone {
  readonly #mm: Engine;
  readonly #machine: engine.Machine;

  /** @param mm the canonical build */
  constructor(mm: Engine, machine: engine.Machine) {
    this.#mm = mm;
    this.#machine = machine;
  }

  run<T>(operation: Generator<engine.Point, T, void>): T {
    const { kindOf, objectOf, PointKind } = this.#mm;
    const { objects, size } = this.#machine;
    for (;;) {
      const { done, value } = operation.next();
      if (done === true) {
        this.#runCallbacks();
        return value;
      }
      // Whoever hands tables to RCU is about to hand over more of them.
      const object = objectOf(value);
      const list = objects.numberOf('callbacks', object);
      if (list < 0 || list >= size.cpus) this.#runCallbacks();
      if (kindOf(value) === PointKind.ACKNOWLEDGED) {
        const cpu = objects.numberOf('cpu', object);
        if (this.#machine.pending[cpu] !== 0)
          this.#drive(cpu, this.#mm.interruptActor(this.#machine, cpu));
      }
    }
  }

  #runCallbacks(): void {
    for (let cpu = 0; cpu < this.#machine.size.cpus; cpu++) {
      if (this.#machine.callbackTables[cpu] === this.#mm.NONE) continue;
      this.#drive(cpu, this.#mm.callbackActor(this.#machine, cpu));
    }
  }

  /** Takes the steps of an actor until it has to wait. */
  #drive(cpu: number, actor: engine.Op<void>): void {
    for (;;) {
      const { done, value } = actor.next();
      if (done === true || !this.#mm.mayGo(this.#machine, cpu, value)) return;
    }
  }
}
