/**
 * How many executions a search will have, guessed from a small part of it.
 *
 * The tree is that of sleep sets, with the actors in their order: a complete execution in it is one
 * order of dependent steps, and all others end where every turn is asleep. From one level of it to
 * the next a few nodes are kept at random; each stands for as many as there would be, as far as those
 * seen had children. The sum over all ends that are complete has their number as its mean.
 *
 * Two things keep nearly all descents from ending in vain: a step on which nothing depends that others
 * were ever seen to do later has no branches, and no turn is taken after which somebody would sleep
 * for ever.
 *
 * @source R. Vaisman, D. P. Kroese, Stochastic Enumeration Method for Counting Trees, Methodology and
 *         Computing in Applied Probability 19, 2017, after D. E. Knuth, Estimating the Efficiency of
 *         Backtrack Programs, Mathematics of Computation 29(129), 1975; P. Godefroid, Partial-Order
 *         Methods for the Verification of Concurrent Systems, LNCS 1032, 1996, chapter 5 (sleep sets)
 */
import { Execution } from './execution.ts';
import type { Scenario } from './scenario.ts';
import { RandomNumbers } from './strategy/random_numbers.ts';
import { allOf, SleepRows } from './strategy/sleep_rows.ts';
import { Symmetry } from './strategy/symmetry.ts';
import { ENDED, Trace } from './trace.ts';

export interface Estimate {
  /** Complete executions of an optimal search. */
  readonly executions: number;
  /** The least and the most that one of the rounds came to: how far to trust it. */
  readonly low: number;
  readonly high: number;
  readonly rounds: number;
}

export interface EstimateOptions {
  readonly rounds?: number;
  /** Nodes of a level that are kept. */
  readonly width?: number;
  /** Asked now and then. */
  readonly shouldStop?: () => boolean;
  readonly seed?: number;
}

/** Descents that only learn what actors do. */
const LEARNING = 25;
const STEPS_MAX = 10_000;

/** @returns nothing if it was stopped, or came to no end, before anything could be said */
export function estimate<Point extends number>(
  scenario: Scenario<Point>,
  { rounds = 5, width = 40, shouldStop = () => false, seed = 1 }: EstimateOptions = {},
): Estimate | undefined {
  const random = new RandomNumbers(seed);
  const tree = new SleepTree(scenario as unknown as Scenario);
  for (let at = 0; at < LEARNING && !shouldStop(); at++) tree.learn(random);
  const counts: number[] = [];
  while (counts.length < rounds) {
    const count = countLeaves(tree, width, random, shouldStop);
    if (count === undefined) break;
    counts.push(count);
  }
  const sum = counts.reduce((sum, count) => sum + count, 0);
  if (sum === 0) return undefined;
  return {
    executions: Math.round(sum / counts.length),
    low: Math.round(Math.min(...counts)),
    high: Math.round(Math.max(...counts)),
    rounds: counts.length,
  };
}

/** One round; nothing if it was stopped. */
function countLeaves(
  tree: SleepTree,
  width: number,
  random: RandomNumbers,
  shouldStop: () => boolean,
): number | undefined {
  let level: Node[] = [{ turns: [], passed: [] }];
  let weight = 1;
  let leaves = 0;
  while (level.length > 0) {
    const children: Node[] = [];
    for (const node of level) {
      if (shouldStop()) return undefined;
      const below = tree.descend(node);
      if (below === 'complete') leaves += weight;
      else children.push(...below);
    }
    const kept = sample(children, width, random);
    weight *= children.length / Math.max(kept.length, 1);
    level = kept;
  }
  return leaves;
}

/** `count` of `nodes`, each with the same probability. */
function sample(nodes: Node[], count: number, random: RandomNumbers): Node[] {
  for (let at = 0; at < Math.min(count, nodes.length); at++) {
    const other = at + random.below(nodes.length - at);
    [nodes[at], nodes[other]] = [nodes[other]!, nodes[at]!];
  }
  return nodes.slice(0, count);
}

/** A state: the turns that lead to it, and before each of them those that were passed over. */
interface Node {
  readonly turns: readonly Turn[];
  readonly passed: readonly (readonly Turn[])[];
}

interface Turn {
  readonly actor: number;
  readonly choice: number;
}

class SleepTree {
  readonly #scenario: Scenario;
  readonly #trace: Trace;
  readonly #asleep: SleepRows;
  readonly #symmetry: Symmetry;
  /** Of each actor and point: the last of its steps that was seen to be there. */
  readonly #last: Map<number, number>[];
  /** Of each actor and a point: the last of its steps that depends on it, as far as was asked. */
  readonly #lastOns: Map<number, number>[];
  /** Of each actor, how many steps it has taken. */
  readonly #taken: number[];

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    const { length } = scenario.start();
    this.#trace = new Trace(scenario, length);
    this.#asleep = new SleepRows(this.#trace);
    this.#symmetry = new Symmetry(this.#trace);
    this.#last = Array.from({ length }, () => new Map<number, number>());
    this.#lastOns = Array.from({ length }, () => new Map<number, number>());
    this.#taken = Array.from({ length }, () => 0);
  }

  /** Runs a random execution, to see what actors do. */
  learn(random: RandomNumbers): void {
    const execution = this.#begin();
    while (this.#note(execution)) {
      const turns = execution.turns();
      this.#take(execution, turns[random.below(turns.length)]!);
    }
  }

  /** From a node to the next one that has branches, and these; none if it ends in vain. */
  descend({ turns, passed }: Node): 'complete' | Node[] {
    const execution = this.#begin();
    const path: Turn[] = [];
    const asleep: (readonly Turn[])[] = [];
    for (;;) {
      if (!this.#note(execution)) return 'complete';
      const { length } = this.#trace;
      this.#asleep.enter(length);
      let [turn, before]: [Turn | undefined, readonly Turn[]] = [
        turns[length],
        passed[length] ?? [],
      ];
      if (turn === undefined) {
        const branches = this.#branches();
        if (branches.length !== 1) {
          return branches.map((each, at) => ({
            turns: [...path, each],
            passed: [...asleep, branches.slice(0, at)],
          }));
        }
        [turn, before] = [branches[0]!, []];
      }
      for (const { actor, choice } of before) this.#asleep.add(length, actor, choice);
      path.push(turn);
      asleep.push(before);
      this.#take(execution, turn);
    }
  }

  #begin(): Execution<number> {
    this.#taken.fill(0);
    this.#trace.length = 0;
    return new Execution(this.#scenario);
  }

  /** Notes the state; whether the execution goes on. */
  #note(execution: Execution<number>): boolean {
    const canGo = this.#trace.note(execution);
    this.#symmetry.enter(this.#trace.length);
    this.#learn();
    return canGo && execution.violation() === undefined && this.#trace.length < STEPS_MAX;
  }

  #take(execution: Execution<number>, { actor, choice }: Turn): void {
    this.#trace.push(actor, choice);
    execution.step(actor, choice);
    this.#taken[actor]!++;
  }

  #learn(): void {
    const { length, actors, points } = this.#trace;
    for (let actor = 0; actor < actors; actor++) {
      const point = points[length * actors + actor]!;
      if (point === ENDED) continue;
      const known = this.#last[actor]!.get(point) ?? -1;
      const taken = this.#taken[actor]!;
      if (taken <= known) continue;
      this.#last[actor]!.set(point, taken);
      this.#lastOns[actor]!.clear();
    }
  }

  /**
   * Turns that are awake: those of one actor, if no other will ever depend on its step; without those
   * after which somebody would sleep for ever.
   */
  #branches(): Turn[] {
    const { length, actors, points, ways } = this.#trace;
    const all: Turn[] = [];
    for (let actor = 0; actor < actors; actor++) {
      const at = length * actors + actor;
      if (ways[at]! === 0 || this.#symmetry.isHeldBack(length, actor)) continue;
      const mask = this.#asleep.maskOf(length, actor);
      const turns: Turn[] = [];
      for (let choice = 0; choice < ways[at]!; choice++) {
        if ((mask & (1 << choice)) === 0) turns.push({ actor, choice });
      }
      if (turns.length === ways[at]! && this.#isAlone(actor, points[at]!)) return turns;
      all.push(...turns);
    }
    return all.filter((turn) => this.#canAllWake(turn));
  }

  #isAlone(actor: number, point: number): boolean {
    for (let other = 0; other < this.#trace.actors; other++) {
      if (other !== actor && this.#lastOn(other, point) >= this.#taken[other]!) return false;
    }
    return true;
  }

  /** Whether behind `turn`, with those before it asleep, each sleeper has somebody to wake it. */
  #canAllWake({ actor: mover }: Turn): boolean {
    const { length, actors, points, ways } = this.#trace;
    const row = length * actors;
    const sleepers: number[] = [];
    const awake: number[] = [];
    for (let actor = 0; actor < actors; actor++) {
      const canGo = ways[row + actor]! > 0 && !this.#symmetry.isHeldBack(length, actor);
      const isPassed =
        actor < mover || this.#asleep.maskOf(length, actor) === allOf(ways[row + actor]!);
      const isWoken = canGo && this.#trace.areDependent(points[row + actor]!, points[row + mover]!);
      if (actor !== mover && canGo && isPassed && !isWoken) sleepers.push(actor);
      else awake.push(actor);
    }
    for (let at = 0; at < awake.length && sleepers.length > 0; at++) {
      const waker = awake[at]!;
      const taken = this.#taken[waker]! + (waker === mover ? 1 : 0);
      for (let each = sleepers.length - 1; each >= 0; each--) {
        const sleeper = sleepers[each]!;
        if (this.#lastOn(waker, points[row + sleeper]!) < taken) continue;
        sleepers.splice(each, 1);
        awake.push(sleeper);
      }
    }
    return sleepers.length === 0;
  }

  /** The last step of `actor` that was seen to depend on `point`, or -1. */
  #lastOn(actor: number, point: number): number {
    const known = this.#lastOns[actor]!;
    let last = known.get(point);
    if (last === undefined) {
      last = -1;
      for (const [its, step] of this.#last[actor]!) {
        if (step > last && this.#trace.areDependent(its, point)) last = step;
      }
      known.set(point, last);
    }
    return last;
  }
}
