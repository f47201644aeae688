/**
 * Runs operations of the canonical build alone: interrupts and RCU callbacks, which are actors of
 * their own there, get their turns when the operation waits for them.
 */
import type * as engine from '../mm/index.ts';
import { TracedActor } from './call_trace.ts';
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
      const { done, value } = this.#step(operation);
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
          this.#drive(cpu, TracedActor.INTERRUPT, this.#mm.interruptActor(this.#machine, cpu));
      }
    }
  }

  #runCallbacks(): void {
    for (let cpu = 0; cpu < this.#machine.size.cpus; cpu++) {
      if (this.#machine.callbackTables[cpu] === this.#mm.NONE) continue;
      this.#drive(cpu, TracedActor.CALLBACKS, this.#mm.callbackActor(this.#machine, cpu));
    }
  }

  /** Takes the steps of an actor until it has to wait. */
  #drive(cpu: number, actor: number, operation: engine.Op<void>): void {
    const { trace } = this.#machine;
    const before = trace?.cpu ?? 0;
    if (trace !== undefined) [trace.cpu, trace.actor] = [cpu, actor];
    for (;;) {
      const { done, value } = this.#step(operation);
      if (done === true || !this.#mm.mayGo(this.#machine, cpu, value)) break;
    }
    if (trace !== undefined) [trace.cpu, trace.actor] = [before, TracedActor.PROCESS];
  }

  #step<T>(operation: engine.Op<T>): IteratorResult<engine.Point, T> {
    const { trace } = this.#machine;
    if (trace !== undefined) trace.time++;
    return operation.next();
  }
}
