/** The search: runs executions under a strategy, until it has seen everything or a bound is hit. */
import { assert } from '../base/assert.ts';
import type { Checkpoint, SavedBranch, SavedPath } from './checkpoint.ts';
import { Execution, type Finding } from './execution.ts';
import { replay } from './replay.ts';
import type { Scenario } from './scenario.ts';
import { formatSchedule, type Turn } from './schedule.ts';
import { countSwitches, isSmaller, joinTurns, type Violation } from './shrink.ts';
import { newStrategy, type StrategyOption } from './strategy/index.ts';
import {
  actorOf,
  BLOCKED,
  type Bound,
  choiceOf,
  FINISHED,
  type Strategy,
} from './strategy/strategy.ts';
import { ENDED, Trace } from './trace.ts';

export interface ExploreOptions {
  /** `'optimal'` unless told otherwise. */
  readonly strategy?: StrategyOption;
  /** Executions after which to stop, whatever became of them; with `from`, as many again. */
  readonly executionsMax?: number;
  /** Steps of one execution after which to leave it. */
  readonly stepsMax?: number;
  /** Goes on with a search that was stopped, of the same scenario with the same options. */
  readonly from?: Checkpoint;
  /** With `from`: explores only what begins with so many steps of its path, see `SharedSearch`. */
  readonly floor?: number;
  /** Called in the final state of every complete execution; of a bounded search, more than once. */
  readonly onComplete?: () => void;
  /** Executions to spend on a schedule with fewer switches, once one is found: 2,000. */
  readonly shrinkMax?: number;
  /** Asked before every execution with how far the search is: whether to stop there. */
  readonly shouldStop?: (progress: Progress) => boolean;
}

/** How far a search is. */
export interface Progress {
  /** Complete executions. */
  readonly executions: number;
  /** All that were begun, those given up or beyond a bound included. */
  readonly runs: number;
  readonly deepest: number;
}

export interface Exploration {
  /** The first finding, which ends the search. */
  readonly finding: Finding | undefined;
  /** Whether everything was seen: no finding, no bound hit. */
  readonly isComplete: boolean;
  /** The bounds that were hit. */
  readonly bounds: readonly Bound[];
  /** Complete executions. */
  readonly executions: number;
  /** Executions given up because what was left had been seen. */
  readonly blocked: number;
  /** Complete executions that a bounded search has run but that are beyond its bound, or run again. */
  readonly beyond: number;
  /** Executions begun to ask whether a step could be taken in another state. */
  readonly probes: number;
  /** Turns taken, those to come back to a state included. */
  readonly steps: number;
  readonly deepest: number;
  /** Whether executions that differ only in the names of identical actors were run once. */
  readonly isSymmetric: boolean;
  /** What is left of an optimal search that was stopped between executions: go on `from` there. */
  readonly rest?: Checkpoint;
  /** With `floor`: of each state before it, what is to be explored from there. */
  readonly above?: readonly (readonly SavedBranch[])[];
  /** For PCT: at least how likely it was to meet a bug of the depth asked for. */
  readonly probability?: number;
}

export function explore<Point extends number>(
  scenario: Scenario<Point>,
  options: ExploreOptions = {},
): Exploration {
  return new Search(scenario, options).run(options);
}

/** Where a run of a search begins, and after how many executions it stops. */
type Run = Pick<ExploreOptions, 'from' | 'floor' | 'executionsMax'>;

/** Steps to spend on a schedule with fewer switches: executions may be long. */
const SHRINK_STEPS = 1_000_000;

/** An optimal search without a limit may be run again `from` somewhere else, for another part. */
export class Search<Point extends number> {
  readonly #scenario: Scenario<Point>;
  readonly #options: Omit<ExploreOptions, keyof Run>;
  readonly #trace: Trace<Point>;
  readonly #strategy: Strategy;
  readonly #bounds = new Set<Bound>();
  #found: Violation | undefined;
  #rest: SavedPath | undefined;
  #executions = 0;
  #blocked = 0;
  #beyond = 0;
  #probes = 0;
  #steps = 0;
  #deepest = 0;
  /** Steps of the trace, up to the end of a run: nothing about them has to be worked out again. */
  #known = 0;
  /** Has taken the steps of a path that was restored, and no more. */
  #restored: Execution<Point> | undefined;

  constructor(scenario: Scenario<Point>, options: Omit<ExploreOptions, keyof Run>) {
    this.#scenario = scenario;
    this.#options = options;
    const { strategy = 'optimal' } = options;
    // Which orders need so few preemptions is not worked out of steps that change with the order.
    const isExact = typeof strategy === 'string' || strategy.name !== 'preemptions';
    this.#trace = new Trace(scenario, scenario.start().length, isExact);
    this.#strategy = newStrategy(strategy, this.#trace as unknown as Trace, {
      waysOf: (length, more, actor) => this.#probe(length, more).waysOf(actor),
      pointOf: (length, more, actor) => this.#trace.pointIn(this.#probe(length, more), actor),
      goAlone: (length, actor, goesOn) => this.#goAlone(length, actor, goesOn),
    });
  }

  run(run: Run): Exploration {
    const found = this.search(run);
    const { probability } = this.#strategy;
    return {
      finding: found && findingOf(this.#scenario, this.#smallest(found)),
      isComplete: found === undefined && this.#bounds.size === 0,
      bounds: [...this.#bounds],
      executions: this.#executions,
      blocked: this.#blocked,
      beyond: this.#beyond,
      probes: this.#probes,
      steps: this.#steps,
      deepest: this.#deepest,
      isSymmetric: this.#strategy.isSymmetric ?? false,
      ...(probability !== undefined && { probability }),
      ...(this.#rest && { rest: this.#checkpoint(this.#rest) }),
      ...(run.floor !== undefined && { above: this.#strategy.above?.() ?? [] }),
    };
  }

  #checkpoint(path: SavedPath): Checkpoint {
    return {
      version: 1,
      path,
      executions: this.#executions,
      blocked: this.#blocked,
      beyond: this.#beyond,
      probes: this.#probes,
      steps: this.#steps,
      deepest: this.#deepest,
      bounds: [...this.#bounds].filter((bound) => bound !== 'executions' && bound !== 'stopped'),
    };
  }

  /** @throws RangeError if the scenario cannot take the steps of `saved` */
  #restore(saved: Checkpoint, floor: number): void {
    if (this.#strategy.restore === undefined) {
      throw new TypeError("Cannot go on with a search: its strategy is not 'optimal'");
    }
    const { steps } = saved.path;
    const known = this.#trace.countSame(steps, this.#known);
    this.#restored = this.#follow(steps, known);
    this.#strategy.restore(saved.path, floor, known);
    this.#executions = saved.executions;
    this.#blocked = saved.blocked;
    this.#beyond = saved.beyond;
    this.#probes = saved.probes;
    this.#steps = saved.steps + steps.length;
    this.#deepest = saved.deepest;
    this.#bounds.clear();
    for (const bound of saved.bounds) this.#bounds.add(bound);
  }

  /** Takes the steps of a path, of which the trace has the first `known`. */
  #follow(steps: readonly Turn[], known: number): Execution<Point> {
    const trace = this.#trace;
    const execution = this.#takeAgain(known);
    trace.length = known;
    for (const { actor, choice } of steps.slice(known)) {
      trace.note(execution);
      if (choice >= execution.waysOf(actor)) {
        throw new RangeError(
          `Cannot go on with a search: actor ${actor} cannot take step ${trace.length}: ` +
            'the checkpoint is from another scenario, or another version of this one',
        );
      }
      trace.push(actor, choice);
      execution.step(actor, choice);
    }
    return execution;
  }

  /** Searches until something is found, or the strategy has finished, or a bound is hit. */
  search(run: Run): Violation | undefined {
    const { executionsMax = Number.POSITIVE_INFINITY, from, floor = 0 } = run;
    if (from !== undefined) this.#restore(from, floor);
    this.#known = 0;
    this.#rest = undefined;
    for (let runs = 0; ; runs++) {
      const again = this.#strategy.begin();
      if (again === FINISHED) break;
      if (this.#strategy.hasStartedAnew) {
        this.#beyond += this.#executions;
        this.#executions = 0;
      }
      const reason = runs >= executionsMax ? 'executions' : this.#isStopped() && 'stopped';
      if (reason) {
        this.#rest = this.#strategy.save?.();
        this.#bounds.add(reason);
        break;
      }
      this.#runOnce(again);
      if (this.#found !== undefined) return this.#found;
      this.#strategy.end();
    }
    if (this.#rest === undefined) this.#known = this.#trace.length;
    const { bound } = this.#strategy;
    if (bound !== undefined) this.#bounds.add(bound);
    return undefined;
  }

  #isStopped(): boolean {
    const { shouldStop } = this.#options;
    if (shouldStop === undefined) return false;
    const [executions, deepest] = [this.#executions, this.#deepest];
    const runs = executions + this.#blocked + this.#beyond;
    return shouldStop({ executions, runs, deepest });
  }

  /** Comes back to where the strategy wants to go on, and goes on until nothing is left to do. */
  #runOnce(again: number): void {
    const { stepsMax = 10_000 } = this.#options;
    const trace = this.#trace;
    let execution = this.#restored ?? this.#takeAgain(again);
    this.#restored = undefined;
    for (;;) {
      const canGo = trace.note(execution);
      const violation = execution.violation();
      if (violation !== undefined || !canGo) {
        this.#end(violation ?? execution.violationAtEnd());
        return;
      }
      if (trace.length === stepsMax) {
        this.#bounds.add('steps');
        return;
      }
      const probes = this.#probes;
      const turn = this.#strategy.choose();
      if (this.#probes > probes) execution = this.#takeAgain(trace.length);
      if (turn === BLOCKED) {
        this.#blocked++;
        return;
      }
      const [actor, choice] = [actorOf(turn), choiceOf(turn)];
      trace.push(actor, choice);
      execution.step(actor, choice);
      this.#steps++;
      if (trace.length > this.#deepest) this.#deepest = trace.length;
    }
  }

  /** The execution has come to its end, or to a violation. */
  #end(violation: string | undefined): void {
    if (violation === undefined) {
      const { length } = this.#trace;
      const probes = this.#probes;
      if (this.#strategy.accepts?.() === false) {
        this.#beyond++;
        return;
      }
      // Probes leave another state behind than the one that the execution has come to.
      if (this.#probes > probes) this.#takeAgain(length);
      this.#executions++;
      this.#options.onComplete?.();
      return;
    }
    const { length, actor, choice } = this.#trace;
    const turns = Array.from({ length }, (_, at) => ({ actor: actor[at]!, choice: choice[at]! }));
    this.#found = { property: violation, turns };
  }

  /** The schedule with the fewest switches that a limited search finds for the same violation. */
  #smallest(found: Violation): Violation {
    const { shrinkMax = 2000, stepsMax } = this.#options;
    let best = joinTurns(this.#scenario, found);
    let [left, stepsLeft] = [shrinkMax, SHRINK_STEPS];
    for (let max = 0; max < countSwitches(best.turns) && left > 0 && stepsLeft > 0; max++) {
      const fewer: Search<Point> = new Search(this.#scenario, {
        strategy: { name: 'switches', max },
        shouldStop: () => fewer.#steps > stepsLeft,
        ...(stepsMax !== undefined && { stepsMax }),
      });
      const other = fewer.search({ executionsMax: left });
      left -= fewer.#executions;
      stepsLeft -= fewer.#steps;
      if (other?.property !== best.property) continue;
      const joined = joinTurns(this.#scenario, other);
      if (isSmaller(joined.turns, best.turns)) best = joined;
    }
    return best;
  }

  /** A new execution that has taken the first `length` steps of the trace. */
  #takeAgain(length: number): Execution<Point> {
    const { actor, choice } = this.#trace;
    const execution = new Execution(this.#scenario);
    this.#steps += length;
    if (length === 0) return execution;
    const last = length - 1;
    for (let at = 0; at < last; at++) execution.retake(actor[at]!, choice[at]!);
    this.#trace.stand(execution, last);
    // The state behind the last one may be new.
    execution.step(actor[last]!, choice[last]!);
    return execution;
  }

  #probe(length: number, more: readonly number[]): Execution<Point> {
    const { actor: actors, choice } = this.#trace;
    const execution = this.#takeAgain(length);
    for (const at of more) execution.step(actors[at]!, choice[at]!);
    this.#probes++;
    this.#steps += more.length;
    return execution;
  }

  #goAlone(length: number, actor: number, goesOn: (point: number, ways: number) => boolean): void {
    const execution = this.#probe(length, []);
    for (;;) {
      const point = this.#trace.pointIn(execution, actor);
      if (!goesOn(point, point === ENDED ? 0 : execution.waysOf(actor))) return;
      execution.step(actor, 0);
      this.#steps++;
    }
  }
}

/** Runs a schedule once more, to say what each step was. */
function findingOf<Point extends number>(scenario: Scenario<Point>, { turns }: Violation): Finding {
  const finding = replay(scenario, formatSchedule(turns));
  assert(finding !== undefined, 'a violation can be replayed');
  return finding;
}
