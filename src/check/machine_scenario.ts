/** Scenarios of the engine: programs on the CPUs of a machine, with its interrupts and callbacks. */
import { assert } from '../base/assert.ts';
import {
  areDependent,
  areGatesOpen,
  audit,
  callbackActor,
  canChoose,
  canWait,
  choose,
  countChoices,
  describePoint,
  gateOf,
  interruptActor,
  keeperAfter,
  type Machine,
  mayGo,
  noteFootprint,
  type Op,
  type Point,
  Rank,
  type Saved,
  type Task,
  taskOn,
  violationOf,
} from '../mm/index.ts';
import { machineState } from './machine_state.ts';
import type { Actor, Fact, Keeper, Scenario } from './scenario.ts';

/** Locks by rank, as the kernel calls them. */
const RANK_NAMES: Readonly<Record<keyof typeof Rank, string>> = {
  INODE: 'i_rwsem',
  MMAP: 'mmap_lock',
  VMA: 'VMA lock',
  MAP_CHANGING: 'map_changing_lock',
  INVALIDATE: 'invalidate_lock',
  HUGETLB_INODE: 'i_rwsem of hugetlbfs',
  FAULT_MUTEX: 'hugetlb fault mutex',
  HUGETLB_VMA: 'hugetlb_vma_lock',
  FOLIO: 'folio lock',
  I_MMAP: 'i_mmap_rwsem',
  ANON_VMA: 'anon_vma lock',
  PAGE_TABLE: 'page-table lock',
  MMU: 'mmu_lock of KVM',
  SWAP: 'swap lock',
  PAGES: 'i_pages lock',
  RESV: 'lock of resv maps',
  HUGETLB: 'hugetlb_lock',
  ZONE: 'zone lock',
};

function ranksIn(mask: number): string[] {
  const ranks = Object.entries(Rank) as (readonly [keyof typeof Rank, Rank])[];
  return ranks.filter(([, bit]) => (mask & bit) !== 0).map(([name]) => RANK_NAMES[name]);
}

/** What runs on the CPU with the same index. */
export interface Program {
  readonly name: string;
  /** In which address space; number 0 unless told otherwise. */
  readonly mm?: number;
  run(task: Task): Op<unknown>;
}

/**
 * One program on each CPU of `machine`, from the state that it is in now.
 *
 * Actors are the programs, then the interrupt handler of each CPU, then its RCU callbacks. At the
 * end of an execution everything is recounted.
 */
export class MachineScenario implements Scenario<Point> {
  readonly machine: Machine;
  readonly programs: readonly Program[];
  readonly #initial: Saved;
  readonly #hasGates: boolean;
  /** Of each actor. */
  readonly #cpus: readonly number[];

  constructor(machine: Machine, programs: readonly Program[]) {
    this.machine = machine;
    this.programs = programs;
    this.#initial = machine.save();
    this.#hasGates = areGatesOpen(machine);
    const cpus = Array.from({ length: machine.size.cpus }, (_, cpu) => cpu);
    this.#cpus = [...programs.keys(), ...cpus, ...cpus];
    for (const mm of machine.mms.all()) {
      for (const { start, end } of mm.vmas.all()) machine.accesses.add(mm.id, start, end);
    }
  }

  start(): readonly Actor<Point>[] {
    const machine = this.machine;
    machine.restore(this.#initial);
    assert(this.programs.length <= machine.size.cpus, 'each program has a CPU');
    const cpus = this.#cpus.slice(-machine.size.cpus);
    return [
      ...this.programs.map((program, cpu) => ({
        name: `CPU ${cpu}: ${program.name}`,
        operation: program.run(taskOn(machine, cpu, program.mm ?? 0)),
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
    return mayGo(this.machine, this.cpuOf(actor), at);
  }

  countChoices(_actor: number, at: Point): number {
    return countChoices(this.machine, at);
  }

  choose(choice: number): void {
    choose(this.machine, choice);
  }

  areDependent(one: Point, other: Point): boolean {
    return areDependent(this.machine, one, other);
  }

  note(_actor: number, at: Point): Point {
    return noteFootprint(this.machine, at);
  }

  canWait(at: Point): boolean {
    return canWait(at);
  }

  gateOf(at: Point): number {
    return this.#hasGates ? gateOf(this.machine, at) : -1;
  }

  keeperAfter(
    actor: number,
    at: Point,
    actors: readonly number[],
    points: readonly Point[],
  ): Keeper {
    return keeperAfter(this.machine, this.#cpus, actor, at, actors, points);
  }

  canChoose(at: Point): boolean {
    return canChoose(at);
  }

  violation(): string | undefined {
    return violationOf(this.machine);
  }

  violationAtEnd(): string | undefined {
    audit(this.machine);
    return violationOf(this.machine);
  }

  describe(at: Point): string {
    return describePoint(this.machine, at);
  }

  holds(actor: number): string[] {
    const { heldRanks, irqsOff, rcuNesting, size } = this.machine;
    const cpu = this.cpuOf(actor);
    if (actor >= this.programs.length + size.cpus) return ranksIn(heldRanks[size.cpus + cpu]!);
    return [
      ...ranksIn(heldRanks[cpu]!),
      ...(rcuNesting[cpu]! > 0 ? ['RCU'] : []),
      ...(irqsOff[cpu]! > 0 ? ['irqs off'] : []),
    ];
  }

  state(): Fact[] {
    return machineState(this.machine);
  }

  cpuOf(actor: number): number {
    return this.#cpus[actor]!;
  }
}
