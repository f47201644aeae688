/**
 * Exhaustive exploration, depth first, with or without sleep sets.
 *
 * Without: every schedule. With: when all executions that begin with a turn have been seen, the turn
 * is put to sleep for its siblings, and stays asleep until a turn that depends on it is taken. What
 * then remains to be seen of executions that differ only in the order of independent steps is one.
 *
 * @source P. Godefroid, Partial-Order Methods for the Verification of Concurrent Systems, 1996,
 *         chapter 5
 */
import { Execution, type Finding } from './execution.ts';
import type { Scenario } from './scenario.ts';
import { formatSchedule, type Turn } from './schedule.ts';

export interface ExploreOptions {
  /** `'sleep'` unless told otherwise. */
  readonly reduction?: 'sleep' | 'none';
  /** Executions after which to stop. */
  readonly executionsMax?: number;
  /** Steps of one execution after which to leave it. */
  readonly stepsMax?: number;
  /** Called in the final state of every complete execution. */
  readonly onComplete?: () => void;
}

export interface Exploration {
  /** The first finding, which ends the search. */
  readonly finding: Finding | undefined;
  /** Whether everything was seen: no finding, no bound hit. */
  readonly isComplete: boolean;
  /** The bounds that were hit. */
  readonly bounds: readonly ('executions' | 'steps')[];
  /** Complete executions. */
  readonly executions: number;
  /** Executions given up because all that could go on was asleep. */
  readonly blocked: number;
  /** Turns taken, those to come back to a state included. */
  readonly steps: number;
  readonly deepest: number;
}

/** A state on the path that is being explored. */
interface Node<Point> {
  readonly points: readonly (Point | undefined)[];
  /** Turns to explore here; those before `at` have been. */
  readonly turns: readonly Turn[];
  at: number;
  readonly asleep: readonly Turn[];
}

export function explore<Point extends number>(
  scenario: Scenario<Point>,
  options: ExploreOptions = {},
): Exploration {
  return new Search(scenario, options).run();
}

class Search<Point extends number> {
  readonly #scenario: Scenario<Point>;
  readonly #options: ExploreOptions;
  readonly #path: Node<Point>[] = [];
  readonly #bounds = new Set<'executions' | 'steps'>();
  #finding: Finding | undefined;
  #executions = 0;
  #blocked = 0;
  #steps = 0;
  #deepest = 0;

  constructor(scenario: Scenario<Point>, options: ExploreOptions) {
    this.#scenario = scenario;
    this.#options = options;
  }

  run(): Exploration {
    const { executionsMax = Number.POSITIVE_INFINITY } = this.#options;
    do {
      if (this.#executions + this.#blocked >= executionsMax) {
        this.#bounds.add('executions');
        break;
      }
      this.#runOnce();
    } while (this.#finding === undefined && this.#backtrack());
    return {
      finding: this.#finding,
      isComplete: this.#finding === undefined && this.#bounds.size === 0,
      bounds: [...this.#bounds],
      executions: this.#executions,
      blocked: this.#blocked,
      steps: this.#steps,
      deepest: this.#deepest,
    };
  }

  /** Comes back to the end of the path, then extends it until nothing is left to do. */
  #runOnce(): void {
    const { stepsMax = 10_000 } = this.#options;
    const execution = new Execution(this.#scenario);
    for (const node of this.#path) execution.take(node.turns[node.at]!);
    this.#steps += this.#path.length;
    for (;;) {
      const violation = execution.violation();
      const enabled = violation === undefined ? execution.turns() : [];
      if (enabled.length === 0) {
        this.#end(violation ?? execution.violationAtEnd());
        return;
      }
      if (this.#path.length === stepsMax) {
        this.#bounds.add('steps');
        return;
      }
      const asleep = this.#asleepNow();
      const turns = enabled.filter((turn) => !asleep.some((other) => isSame(turn, other)));
      if (turns.length === 0) {
        this.#blocked++;
        return;
      }
      this.#path.push({ points: execution.points(), turns, at: 0, asleep });
      this.#deepest = Math.max(this.#deepest, this.#path.length);
      execution.take(turns[0]!);
      this.#steps++;
    }
  }

  /** The execution has come to its end, or to a violation. */
  #end(violation: string | undefined): void {
    if (violation === undefined) {
      this.#executions++;
      this.#options.onComplete?.();
      return;
    }
    const turns = this.#path.map((node) => node.turns[node.at]!);
    this.#finding = findingOf(this.#scenario, turns, violation);
  }

  /** What is asleep behind the last turn of the path. */
  #asleepNow(): Turn[] {
    const node = this.#path.at(-1);
    if (node === undefined || this.#options.reduction === 'none') return [];
    const taken = node.turns[node.at]!;
    const at = node.points[taken.actor]!;
    return [...node.asleep, ...node.turns.slice(0, node.at)].filter(
      ({ actor }) => actor !== taken.actor && !this.#scenario.areDependent(at, node.points[actor]!),
    );
  }

  /** Goes to the next turn that has not been explored; false if there is none. */
  #backtrack(): boolean {
    for (;;) {
      const node = this.#path.at(-1);
      if (node === undefined) return false;
      node.at++;
      if (node.at < node.turns.length) return true;
      this.#path.pop();
    }
  }
}

function isSame(one: Turn, other: Turn): boolean {
  return one.actor === other.actor && one.choice === other.choice;
}

/** Runs `turns` once more, to say what each was. */
function findingOf<Point extends number>(
  scenario: Scenario<Point>,
  turns: readonly Turn[],
  property: string,
): Finding {
  const execution = new Execution(scenario);
  const steps = turns.map((turn) => {
    const step = execution.describe(turn);
    execution.take(turn);
    return step;
  });
  return { property, schedule: formatSchedule(turns), steps };
}
