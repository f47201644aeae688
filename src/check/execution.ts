/** One execution of a scenario, step by step. */
import type { Actor, Fact, Scenario } from './scenario.ts';
import type { Turn } from './schedule.ts';

/** What a violated property looks like: data, because finding one is success. */
export interface Finding {
  /** Its stable name: `P-UAF-PAGE`, `deadlock`, or what an assertion says. */
  readonly property: string;
  /** Paste it into `replay()`. */
  readonly schedule: string;
  readonly steps: readonly Step[];
  /** Before the last step, and behind it; if the scenario tells. */
  readonly state?: { readonly before: readonly Fact[]; readonly after: readonly Fact[] };
}

export interface Step {
  /** The name of the actor. */
  readonly actor: string;
  readonly does: string;
  /** The locks that it holds behind the step, if the scenario tells. */
  readonly holds?: readonly string[];
}

/** Properties of any program. */
export const DEADLOCK = 'deadlock';

export class Execution<Point extends number> {
  readonly #scenario: Scenario<Point>;
  readonly #actors: readonly Actor<Point>[];
  /** Where each actor stands; `undefined` once it has ended. */
  readonly #points: (Point | undefined)[] = [];
  #broken: string | undefined;

  constructor(scenario: Scenario<Point>) {
    this.#scenario = scenario;
    this.#actors = scenario.start();
    for (let actor = 0; actor < this.#actors.length; actor++) this.#advance(actor);
  }

  /** Where each actor stands, by index. */
  points(): (Point | undefined)[] {
    return this.#points.slice();
  }

  pointOf(actor: number): Point | undefined {
    return this.#points[actor];
  }

  /** The point at which `actor` would take its step now; `undefined` once it has ended. */
  pointNow(actor: number): Point | undefined {
    const at = this.#points[actor];
    if (at === undefined || this.#scenario.canChange?.(at) !== true) return at;
    return this.#scenario.pointNow?.(actor, at) ?? at;
  }

  /** In how many ways the step of `actor` can go now: 0 if it waits or has ended. */
  waysOf(actor: number): number {
    const at = this.#points[actor];
    if (at === undefined || !this.#scenario.mayGo(actor, at)) return 0;
    return this.#scenario.countChoices(actor, at);
  }

  /** All turns that may be taken now, by actor and choice. */
  turns(): Turn[] {
    const turns: Turn[] = [];
    for (let actor = 0; actor < this.#points.length; actor++) {
      const ways = this.waysOf(actor);
      for (let choice = 0; choice < ways; choice++) turns.push({ actor, choice });
    }
    return turns;
  }

  take({ actor, choice }: Turn): void {
    this.step(actor, choice);
  }

  step(actor: number, choice: number): void {
    this.#scenario.choose(choice);
    this.#advance(actor);
  }

  /** Takes a step that was taken before from the same state: where it leads is told by `standAt()`. */
  retake(actor: number, choice: number): void {
    this.#scenario.choose(choice);
    this.#actors[actor]!.operation.next();
  }

  /** Says where an actor has come to by steps that were retaken. */
  standAt(actor: number, point: Point | undefined): void {
    this.#points[actor] = point;
  }

  /** What the step that `actor` would take now is, in words. */
  describe({ actor, choice }: Turn): Step {
    const at = this.pointNow(actor);
    const does = at === undefined ? 'has ended' : this.#scenario.describe(at);
    const stale = choice === 0 ? '' : `, choice ${choice}`;
    return { actor: this.#actors[actor]!.name, does: does + stale };
  }

  /** Takes a turn, and says what was done. */
  takeTold(turn: Turn): Step {
    const step = this.describe(turn);
    this.take(turn);
    const holds = this.#scenario.holds?.(turn.actor);
    return holds === undefined ? step : { ...step, holds };
  }

  /** What there is now, as far as the scenario tells. */
  state(): readonly Fact[] | undefined {
    return this.#scenario.state?.();
  }

  violation(): string | undefined {
    return this.#broken ?? this.#scenario.violation();
  }

  /** The violation of an execution in which nobody may go on. */
  violationAtEnd(): string | undefined {
    const isStuck = this.#actors.some(
      ({ isDaemon }, actor) => !isDaemon && this.#points[actor] !== undefined,
    );
    if (isStuck) return this.#scenario.nameDeadlock?.() ?? DEADLOCK;
    return this.#scenario.violationAtEnd();
  }

  /** Runs `actor` to its next point. A failed assertion of the model is a finding, too. */
  #advance(actor: number): void {
    try {
      const { done, value } = this.#actors[actor]!.operation.next();
      if (done === true) this.#points[actor] = undefined;
      else this.#points[actor] = this.#scenario.note?.(actor, value) ?? value;
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.#points[actor] = undefined;
      this.#broken = `${error.name}: ${error.message}`;
    }
  }
}
