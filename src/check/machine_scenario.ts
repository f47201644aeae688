/** Scenarios of the engine: programs on the CPUs of a machine, with its interrupts and callbacks. */
import {
  areDependent,
  audit,
  callbackActor,
  choose,
  countChoices,
  describePoint,
  interruptActor,
  type Machine,
  mayGo,
  type Op,
  type Point,
  type Saved,
  violationOf,
} from '../mm/index.ts';
import type { Actor, Scenario } from './scenario.ts';

/** What runs on the CPU with the same index. */
export interface Program {
  readonly name: string;
  run(machine: Machine, cpu: number): Op<unknown>;
}

/**
 * One program on each CPU of `machine`, from the state that it is in now.
 *
 * Actors are the programs, then the interrupt handler of each CPU, then its RCU callbacks. At the
 * end of an execution everything is recounted.
 */
export class MachineScenario implements Scenario<Point> {
  readonly #machine: Machine;
  readonly #programs: readonly Program[];
  readonly #initial: Saved;

  constructor(machine: Machine, programs: readonly Program[]) {
    this.#machine = machine;
    this.#programs = programs;
    this.#initial = machine.save();
  }

  start(): readonly Actor<Point>[] {
    const machine = this.#machine;
    machine.restore(this.#initial);
    const cpus = Array.from({ length: machine.size.cpus }, (_, cpu) => cpu);
    return [
      ...cpus.map((cpu) => ({
        name: `CPU ${cpu}: ${this.#programs[cpu]?.name ?? 'idle'}`,
        operation: this.#programs[cpu]?.run(machine, cpu) ?? idle(),
        isDaemon: false,
      })),
      ...cpus.map((cpu) => ({
        name: `CPU ${cpu}: interrupt`,
        operation: interruptActor(machine, cpu),
        isDaemon: true,
      })),
      ...cpus.map((cpu) => ({
        name: `CPU ${cpu}: RCU callbacks`,
        operation: callbackActor(machine, cpu),
        isDaemon: true,
      })),
    ];
  }

  mayGo(actor: number, at: Point): boolean {
    return mayGo(this.#machine, this.#cpuOf(actor), at);
  }

  countChoices(actor: number, at: Point): number {
    return countChoices(this.#machine, this.#cpuOf(actor), at);
  }

  choose(choice: number): void {
    choose(this.#machine, choice);
  }

  areDependent(one: Point, other: Point): boolean {
    return areDependent(this.#machine, one, other);
  }

  violation(): string | undefined {
    return violationOf(this.#machine);
  }

  violationAtEnd(): string | undefined {
    audit(this.#machine);
    return violationOf(this.#machine);
  }

  describe(at: Point): string {
    return describePoint(this.#machine, at);
  }

  #cpuOf(actor: number): number {
    return actor % this.#machine.size.cpus;
  }
}

function* idle(): Op<void> {}
