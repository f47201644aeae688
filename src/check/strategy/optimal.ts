/**
 * Optimal dynamic partial-order reduction: of all executions that differ only in the order of
 * independent steps, exactly one is run, and none is begun in vain.
 *
 * An execution is run to its end. For each race in it, what does not happen after the first step,
 * then the second one, is a sequence that leads to something new, unless a turn asleep before the
 * first step could come first in it. Such sequences are kept in wakeup trees, one for each state of
 * the path, and are explored from the deepest state up.
 *
 * Steps may wait, for conditions that nothing is known about. A race counts only if its second step
 * could have gone instead of the first one; if that does not follow from states that were seen, the
 * steps before are run once more to ask (a probe). Where a single step is not what kept an actor
 * waiting, further steps are taken away until it could have gone.
 *
 * Steps may have choices. Each is a turn of its own, and the choices of a step do not depend on each
 * other: an actor's turn stands for what others do later only if all its choices do.
 *
 * @source P. Abdulla, S. Aronis, B. Jonsson, K. Sagonas, Source Sets: A Foundation for Optimal
 *         Dynamic Partial Order Reduction, J. ACM 64(4), 2017
 */
import { assert } from '../../base/assert.ts';
import type { SavedBranch, SavedPath } from '../checkpoint.ts';
import type { Trace } from '../trace.ts';
import { Cuts } from './cuts.ts';
import { HappensBefore } from './happens_before.ts';
import { SleepRows } from './sleep_rows.ts';
import { BLOCKED, type Bound, FINISHED, type Probe, type Strategy, turnOf } from './strategy.ts';
import { Symmetry } from './symmetry.ts';
import { Waiting } from './waiting.ts';
import { type Branch, WakeupTrees } from './wakeup_tree.ts';

/** What keeps a search from some of the executions. */
export interface Limit {
  /**
   * Whether an execution may begin with the steps of the trace before `from`, then `sequence`;
   * perhaps, if not where all goes on as it does in the trace up to the step `first`.
   */
  allows(from: number, sequence: readonly number[], first: number): 'yes' | 'perhaps' | 'no';
  /** Whether the execution of the trace, which has come to its end, is asked for. */
  accepts(): boolean;
}

export class Optimal implements Strategy {
  readonly #limit: Limit | undefined;
  #hasCut = false;
  readonly #trace: Trace;
  readonly #asleep: SleepRows;
  /** With a limit. */
  readonly #cuts: Cuts | undefined;
  readonly #symmetry: Symmetry;
  readonly #order: HappensBefore;
  /** Of the second step of a race, whether it could go instead of the first one. */
  readonly #waiter: Waiting;
  readonly #trees: WakeupTrees;
  /** Of each state of the path: what is to be explored after the branch that is being explored. */
  readonly #later: Branch[][] = [];
  /** Of each state of the path: what is to be explored below that branch. */
  readonly #below: Branch[][] = [];
  /** The first step that is not also a step of an execution before. */
  #firstNew = 0;
  #hasBegun = false;
  /** The first state that is explored here; branches of those before it are only kept. */
  #floor = 0;
  /** Pairs of steps, by the second one. Those of the steps that are taken again stay. */
  readonly #races: number[] = [];
  /** Of each step: how long `#races` was before its own. */
  readonly #racesBefore: number[] = [];
  /** Races whose second step was not taken. */
  readonly #waiting: number[] = [];
  /** The step that the actor of the second step of a race takes before it, or -1. */
  #past = -1;
  /** Whether the limit does not allow the race that is being reversed. */
  #isYielding = false;
  /** The last twin of the second step, or -1. */
  #twin = -1;
  /** In how many ways the second step could go instead of the first one. */
  #imaginedWays = 1;
  readonly #waysOf = (step: number): number => {
    const { length, actor, actors, ways } = this.#trace;
    return step === length ? this.#imaginedWays : ways[step * actors + actor[step]!]!;
  };

  /** Without `limit`, there is none. */
  constructor(trace: Trace, probe: Probe, limit?: Limit) {
    this.#limit = limit;
    this.#trace = trace;
    this.#asleep = new SleepRows(trace);
    this.#symmetry = new Symmetry(trace);
    this.#order = new HappensBefore(trace, this.#symmetry);
    this.#waiter = new Waiting(trace, this.#order, probe);
    this.#trees = new WakeupTrees(trace, limit !== undefined);
    this.#cuts = limit && new Cuts(trace);
  }

  get bound(): Bound | undefined {
    return this.#hasCut ? 'preemptions' : undefined;
  }

  get isSymmetric(): boolean {
    return this.#symmetry.isUsed;
  }

  /** Whether the execution that has come to its end is within the limit. */
  accepts(): boolean {
    const isWithin = this.#limit?.accepts() ?? true;
    if (!isWithin) this.#hasCut = true;
    return isWithin;
  }

  begin(): number {
    const { actor, choice } = this.#trace;
    if (!this.#hasBegun) {
      this.#hasBegun = true;
      return this.#trace.length;
    }
    for (let at = this.#trace.length - 1; at >= this.#floor; at--) {
      this.#asleep.add(at, actor[at]!, choice[at]!);
      for (const path of this.#cuts?.end(at) ?? []) this.#addPath(at, path);
      const next = this.#later[at]!.shift();
      if (next === undefined) continue;
      this.#below[at] = next.branches;
      this.#cuts?.begin(at, next);
      this.#firstNew = at;
      this.#trace.retake(at, turnOf(next.actor, next.choice));
      return at + 1;
    }
    return FINISHED;
  }

  choose(): number {
    const at = this.#trace.length;
    this.#asleep.enter(at);
    this.#cuts?.enter(at);
    this.#symmetry.enter(at);
    const known = at === 0 ? [] : this.#below[at - 1]!;
    const branches = known.length > 0 ? known : this.#branchesAt(at);
    const next = branches.shift();
    if (next === undefined) {
      this.#later[at] = [];
      return BLOCKED;
    }
    this.#later[at] = branches;
    this.#below[at] = next.branches;
    this.#cuts?.begin(at, next);
    const { ways, actors } = this.#trace;
    assert(next.choice < ways[at * actors + next.actor]!, 'a wakeup sequence can be run');
    return turnOf(next.actor, next.choice);
  }

  save(): SavedPath {
    const { length, actor, choice } = this.#trace;
    return {
      steps: Array.from({ length }, (_, at) => ({
        actor: actor[at]!,
        choice: choice[at]!,
        asleep: this.#asleep.save(at),
        later: this.#trees.save(this.#later[at]!),
        ...(this.#cuts && { cuts: this.#cuts.save(at, this.#trees) }),
      })),
      below: length === 0 ? [] : this.#trees.save(this.#below[length - 1]!),
    };
  }

  above(): SavedBranch[][] {
    return this.#later.slice(0, this.#floor).map((branches) => this.#trees.save(branches));
  }

  restore({ steps, below }: SavedPath, floor: number): void {
    this.#floor = floor;
    steps.forEach(({ asleep, later, cuts }, at) => {
      this.#asleep.restore(at, asleep);
      if (cuts !== undefined) this.#cuts?.restore(at, cuts, this.#trees);
      this.#symmetry.enter(at);
      this.#later[at] = this.#trees.restore(later);
      this.#racesBefore[at] = this.#races.length;
      this.#order.extend(at, this.#races);
    });
    if (steps.length === 0) return;
    this.#below[steps.length - 1] = this.#trees.restore(below);
    this.#firstNew = steps.length - 1;
  }

  end(): void {
    const { length, actors } = this.#trace;
    const [races, waiting] = [this.#races, this.#waiting];
    const firstNew = this.#firstNew;
    races.length = this.#racesBefore[firstNew] ?? 0;
    this.#symmetry.enter(length);
    for (let at = firstNew; at < length; at++) {
      this.#racesBefore[at] = races.length;
      this.#order.extend(at, races);
    }
    waiting.length = 0;
    for (let actor = 0; actor < actors; actor++) this.#order.addWaiting(actor, waiting);
    this.#cuts?.note();
    this.#waiter.forget(firstNew);
    this.#reverseAll(races);
    this.#reverseAll(waiting);
  }

  /**
   * Reverses races: those of old steps only if there are new ones that could come before them.
   * Otherwise, whoever waits at the end apart, an execution before has led to the same.
   */
  #reverseAll(races: readonly number[]): void {
    this.#order.compare(this.#firstNew, this.#trace.length);
    for (let at = 0; at < races.length; at += 2) {
      const [first, second] = [races[at]!, races[at + 1]!];
      const isOld = second >= 0 && second < this.#firstNew;
      if (!isOld || !this.#order.isBeforeAll(first)) this.#reverse(first, second);
    }
  }

  /** All choices of one actor that is awake: the one that has just run, if it can go on. */
  #branchesAt(at: number): Branch[] {
    const { actors, actor, ways, points } = this.#trace;
    const last = at === 0 ? 0 : actor[at - 1]!;
    for (let from = 0; from < actors; from++) {
      const next = (last + from) % actors;
      const count = ways[at * actors + next]!;
      if (this.#asleep.firstAwake(at, next, count) < 0) continue;
      if (this.#symmetry.isHeldBack(at, next)) continue;
      const branches: Branch[] = [];
      for (let choice = 0; choice < count; choice++) {
        if ((this.#asleep.maskOf(at, next) & (1 << choice)) !== 0) continue;
        const point = points[at * actors + next]!;
        branches.push({ actor: next, choice, ways: count, point, branches: [] });
      }
      return branches;
    }
    return [];
  }

  /** Sees to it that the second step of a race is explored instead of the first one. */
  #reverse(first: number, second: number): void {
    const trace = this.#trace;
    const { length, actors } = trace;
    const isTaken = second >= 0;
    const end = isTaken ? second : length;
    const actor = isTaken ? trace.actor[second]! : -1 - second;
    const point = trace.points[end * actors + actor]!;
    // The second step, as it would be without the first: the step behind the last one.
    trace.actor[length] = actor;
    trace.choice[length] = 0;
    trace.point[length] = point;
    this.#past = this.#order.lastOf(actor, end);
    this.#twin = this.#symmetry.twinOf(actor, end);

    const isSure = !trace.canWait(point) && !trace.canChoose(point);
    if (!isSure) this.#waiter.begin(actor, point, this.#past, end);

    const removed = [first];
    let from = first;
    let before = end;
    this.#isYielding = false;
    for (;;) {
      const ways = isSure ? 1 : this.#waiter.waysWithout(removed, from);
      let next: number;
      if (ways > 0) {
        const sequence = this.#order.without(removed, from, length);
        sequence.push(length);
        if (this.#insertAll(first, from, sequence, ways)) return;
        this.#isYielding = true;
        next = this.#nextToYield(removed, point, from);
      } else {
        next = this.#nextToRemove(removed, actor, point, before);
        before = next;
      }
      if (next < 0) return;
      removed.push(next);
      if (next < from) from = next;
    }
  }

  /** The last step before `end` that may keep `actor` waiting and is not yet removed, or -1. */
  #nextToRemove(removed: readonly number[], actor: number, point: number, end: number): number {
    const trace = this.#trace;
    for (let at = end - 1; at >= 0; at--) {
      if (trace.actor[at] === actor) continue;
      if (!trace.areDependent(trace.point[at]!, point)) continue;
      if (this.#order.isFixed(at, this.#past, this.#twin)) continue;
      if (!this.#order.isAfter(removed, at)) return at;
    }
    return -1;
  }

  /**
   * The last step before the state `from` that may keep the second step of a race from where the
   * limit allows it, or -1: without it, others are interrupted less.
   */
  #nextToYield(removed: readonly number[], point: number, from: number): number {
    const trace = this.#trace;
    for (let at = from - 1; at >= 0; at--) {
      if (this.#order.isFixed(at, this.#past, this.#twin)) continue;
      if (trace.areDependent(trace.point[at]!, point)) return at;
      if (removed.some((step) => this.#order.isBefore(at, step))) return at;
    }
    return -1;
  }

  /** Inserts a sequence with each choice of its last step; whether the limit surely allows all. */
  #insertAll(first: number, from: number, sequence: readonly number[], ways: number): boolean {
    const { choice, length } = this.#trace;
    this.#imaginedWays = ways;
    let isAllowed = true;
    for (let way = 0; way < ways; way++) {
      choice[length] = way;
      if (!this.#insert(first, from, sequence.slice())) isAllowed = false;
    }
    return isAllowed;
  }

  /** Sees to it that a sequence is explored, if the limit allows it; whether it surely does. */
  #insert(first: number, from: number, sequence: number[]): boolean {
    // What is seen elsewhere does not stand for all that a race leads to that the limit forbids.
    if (this.#isSeen(from, sequence)) return !this.#isYielding;
    const isAllowed = this.#limit?.allows(from, sequence, first) ?? 'yes';
    if (isAllowed === 'no') {
      this.#hasCut = true;
      this.#cuts?.cut(from);
      return false;
    }
    this.#add(from, sequence, this.#waysOf);
    return isAllowed === 'yes';
  }

  /** Whether what begins with a sequence is seen behind a turn that is asleep. */
  #isSeen(from: number, sequence: readonly number[]): boolean {
    const { actors, ways, points } = this.#trace;
    for (let actor = 0; actor < actors; actor++) {
      const mask = this.#asleep.maskOf(from, actor);
      if (mask === 0) continue;
      const at = from * actors + actor;
      const doubted = this.#cuts?.doubtedOf(from, actor);
      const [count, point] = [ways[at]!, points[at]!];
      if (this.#trees.canComeFirst(sequence, actor, mask, count, point, doubted)) return true;
    }
    return false;
  }

  #add(from: number, sequence: number[], waysOf: (step: number) => number): void {
    const asleepOf = (actor: number): number => this.#asleep.maskOf(from, actor);
    this.#trees.insert(this.#later[from]!, sequence, waysOf, asleepOf);
  }

  /** Adds a sequence that was left to a branch, as it was saved there. */
  #addPath(at: number, path: Branch): void {
    const trace = this.#trace;
    const { length } = trace;
    const steps: Branch[] = [];
    for (let next: Branch | undefined = path; next; next = next.branches[0]) steps.push(next);
    trace.reserve(steps.length);
    const sequence = steps.map(({ actor, choice, point }, index) => {
      trace.actor[length + index] = actor;
      trace.choice[length + index] = choice;
      trace.point[length + index] = point;
      return length + index;
    });
    if (!this.#isSeen(at, sequence)) this.#add(at, sequence, (step) => steps[step - length]!.ways);
  }
}
