/** One execution of a scenario, step by step. */
import type { Actor, Scenario } from './scenario.ts';
import type { Turn } from './schedule.ts';

/** What a violated property looks like: data, because finding one is success. */
export interface Finding {
  /** Its stable name: `P-UAF-PAGE`, `deadlock`, or what an assertion says. */
  readonly property: string;
  /** Paste it into `replay()`. */
  readonly schedule: string;
  readonly steps: readonly Step[];
}

export interface Step {
  /** The name of the actor. */
  readonly actor: string;
  readonly does: string;
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
    this.#actors.forEach((_, actor) => {
      this.#advance(actor);
    });
  }

  /** Where each actor stands, by index. */
  points(): (Point | undefined)[] {
    return this.#points.slice();
  }

  /** All turns that may be taken now, by actor and choice. */
  turns(): Turn[] {
    const turns: Turn[] = [];
    for (let actor = 0; actor < this.#points.length; actor++) {
      const at = this.#points[actor];
      if (at === undefined || !this.#scenario.mayGo(actor, at)) continue;
      const choices = this.#scenario.countChoices(actor, at);
      for (let choice = 0; choice < choices; choice++) turns.push({ actor, choice });
    }
    return turns;
  }

  take({ actor, choice }: Turn): void {
    this.#scenario.choose(choice);
    this.#advance(actor);
  }

  /** What the step that `actor` would take now is, in words. */
  describe({ actor, choice }: Turn): Step {
    const at = this.#points[actor];
    const does = at === undefined ? 'has ended' : this.#scenario.describe(at);
    const stale = choice === 0 ? '' : `, choice ${choice}`;
    return { actor: this.#actors[actor]!.name, does: does + stale };
  }

  violation(): string | undefined {
    return this.#broken ?? this.#scenario.violation();
  }

  /** The violation of an execution in which nobody may go on. */
  violationAtEnd(): string | undefined {
    const isStuck = this.#actors.some(
      ({ isDaemon }, actor) => !isDaemon && this.#points[actor] !== undefined,
    );
    return isStuck ? DEADLOCK : this.#scenario.violationAtEnd();
  }

  /** Runs `actor` to its next point. A failed assertion of the model is a finding, too. */
  #advance(actor: number): void {
    try {
      const { done, value } = this.#actors[actor]!.operation.next();
      this.#points[actor] = done === true ? undefined : value;
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.#points[actor] = undefined;
      this.#broken = `${error.name}: ${error.message}`;
    }
  }
}
