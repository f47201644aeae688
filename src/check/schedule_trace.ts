/** What a schedule does, as a trace: for viewers, after something was found. */
import { kindOf, objectOf, type Point, PointKind, traceState } from '../mm/index.ts';
import { Mode, Subject, type Trace, TraceWriter } from '../trace/index.ts';
import type { MachineScenario } from './machine_scenario.ts';
import { replay } from './replay.ts';
import type { Actor, Scenario } from './scenario.ts';

/**
 * What `scenario` does under `schedule`, as far as the finding if there is one. Times are steps; at
 * 0 stands what was there before.
 *
 * @throws RangeError, SyntaxError as `replay()`
 */
export function traceOf(scenario: MachineScenario, schedule: string): Trace {
  const { machine } = scenario;
  const trace = new ScheduleTrace({ clock: 'steps', format: machine.format.id });
  const watch = new Watch(scenario, trace);
  try {
    const finding = replay(watch.scenario(), schedule);
    if (finding !== undefined && !trace.hasViolation) trace.violation(finding.property, '');
  } finally {
    machine.traceTo(undefined);
  }
  return trace.trace();
}

/** Remembers what wake-ups and endings depend on. */
class ScheduleTrace extends TraceWriter {
  /** Actors that are in a fault. */
  readonly faulting = new Set<number>();
  hasViolation = false;
  readonly #operations = new Map<string, number>();

  /** The operation that is a program of this name. */
  operationOf(name: string): number {
    const known = this.#operations.get(name) ?? this.operation(name);
    this.#operations.set(name, known);
    return known;
  }

  override faultBegin(mm: number, page: number, access: number): void {
    super.faultBegin(mm, page, access);
    this.faulting.add(this.actor);
  }

  override faultEnd(outcome: number): void {
    super.faultEnd(outcome);
    this.faulting.delete(this.actor);
  }

  override violation(property: string, text: string): void {
    super.violation(property, text);
    this.hasViolation = true;
  }
}

/** Points at which an actor may have to wait for a lock, with the mode in which it wants it. */
const LOCK_MODES: ReadonlyMap<PointKind, number> = new Map([
  [PointKind.LOCK, Mode.exclusive],
  [PointKind.LOCK_SHARED, Mode.shared],
  [PointKind.LOCK_FOLIO, Mode.exclusive],
  [PointKind.DRAIN, Mode.exclusive],
]);

/** Sees the steps of all actors, and says when, where and by whom they are taken. */
class Watch {
  readonly #scenario: MachineScenario;
  readonly #trace: ScheduleTrace;
  /** Where actors stand that have begun and not ended. */
  readonly #points = new Map<number, Point>();
  /** Actors that had to wait for a lock, and whether they still have to. */
  readonly #waiting = new Map<number, boolean>();

  constructor(scenario: MachineScenario, trace: ScheduleTrace) {
    this.#scenario = scenario;
    this.#trace = trace;
  }

  /** The scenario, watched. */
  scenario(): Scenario<Point> {
    const scenario = this.#scenario;
    return {
      start: () => this.#start(),
      mayGo: (actor, at) => scenario.mayGo(actor, at),
      countChoices: (actor, at) => scenario.countChoices(actor, at),
      choose: (choice) => scenario.choose(choice),
      areDependent: (one, other) => scenario.areDependent(one, other),
      violation: () => scenario.violation(),
      violationAtEnd: () => scenario.violationAtEnd(),
      describe: (at) => scenario.describe(at),
    };
  }

  #start(): readonly Actor<Point>[] {
    const { machine } = this.#scenario;
    const actors = this.#scenario.start();
    traceState(machine, this.#trace);
    machine.traceTo(this.#trace);
    return actors.map((actor, index) => {
      // The track of an actor has the name of its CPU in front.
      const name = actor.name.slice(actor.name.indexOf(': ') + 2);
      this.#trace.name(Subject.actor, index, name);
      return { ...actor, operation: this.#watched(actor, index) };
    });
  }

  #watched({ operation }: Actor<Point>, actor: number): Iterator<Point, unknown, void> {
    let isBegun = false;
    return {
      next: () => {
        if (isBegun) this.#trace.time++;
        this.#turnTo(actor);
        if (!isBegun) this.#beginProgram(actor);
        isBegun = true;
        this.#waiting.delete(actor);
        const step = operation.next();
        if (step.done === true) {
          this.#points.delete(actor);
          this.#endProgram(actor, step.value);
        } else this.#points.set(actor, step.value);
        this.#tellWaiting(actor);
        return step;
      },
    };
  }

  #turnTo(actor: number): void {
    this.#trace.cpu = this.#scenario.cpuOf(actor);
    this.#trace.actor = actor;
  }

  #beginProgram(actor: number): void {
    const program = this.#scenario.programs[actor];
    if (program === undefined) return;
    const operation = this.#trace.operationOf(program.name);
    this.#trace.operationBegin(program.mm ?? 0, operation);
  }

  #endProgram(actor: number, result: unknown): void {
    const program = this.#scenario.programs[actor];
    if (program === undefined) return;
    const value = Number.isSafeInteger(result) ? (result as number) : 0;
    this.#trace.operationEnd(this.#trace.operationOf(program.name), value);
  }

  /** Who has to wait for a lock now, and who need not any longer, because `mover` took its step. */
  #tellWaiting(mover: number): void {
    for (const [actor, at] of this.#points) {
      const mode = LOCK_MODES.get(kindOf(at));
      if (mode === undefined) continue;
      const mustWait = !this.#scenario.mayGo(actor, at);
      const hadToWait = this.#waiting.get(actor);
      if (mustWait && hadToWait === undefined) {
        this.#turnTo(actor);
        this.#trace.lockWait(objectOf(at), mode);
      }
      if (!mustWait && hadToWait === true && this.#trace.faulting.has(actor)) {
        this.#turnTo(mover);
        this.#trace.wake(actor);
      }
      if (mustWait || hadToWait !== undefined) this.#waiting.set(actor, mustWait);
    }
  }
}
