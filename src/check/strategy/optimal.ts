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
 * waiting, further steps are taken away until it could have gone, and no more, so that what others
 * have done stays before it: those that keep it waiting whatever else is taken away, where its gate
 * tells; where only probes do, the fewest are looked for.
 *
 * What a step touches may depend on the state, as long as only what it depends on can change that. Then
 * it is asked for in the same way what the second step of a race would touch instead of the first one.
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
import { LeastRemoval } from './least_removal.ts';
import { Removal } from './removal.ts';
import { SleepRows } from './sleep_rows.ts';
import {
  BLOCKED,
  type Bound,
  FINISHED,
  type Limit,
  type Probe,
  type Strategy,
  turnOf,
} from './strategy.ts';
import { Symmetry } from './symmetry.ts';
import { Waiting } from './waiting.ts';
import { type Branch, WakeupTrees } from './wakeup_tree.ts';

export class Optimal implements Strategy {
  readonly #limit: Limit | undefined;
  #hasCut = false;
  hasStartedAnew = false;
  readonly #trace: Trace;
  readonly #asleep: SleepRows;
  /** With a limit. */
  readonly #cuts: Cuts | undefined;
  readonly #symmetry: Symmetry;
  readonly #order: HappensBefore;
  /** Of the second step of a race, whether it could go instead of the first one, and at which point. */
  readonly #waiter: Waiting;
  /** Of the race that is being reversed. */
  readonly #removed: Removal;
  readonly #least: LeastRemoval;
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
  /** Of each step, and of one behind the last: how long `#races` was before its own. */
  readonly #racesBefore: number[] = [];
  /** Races whose second step was not taken. */
  readonly #waiting: number[] = [];
  /** Whether the second step of the races that are being reversed goes in one way wherever it is. */
  #isSure = true;
  /** Whether it depends on the state what that step touches. */
  #canChange = false;
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
    this.#removed = new Removal(trace, this.#order);
    this.#least = new LeastRemoval(trace, this.#order, this.#waiter);
    this.#trees = new WakeupTrees(trace, limit === undefined);
    this.#cuts = limit && new Cuts(trace, this.#order, probe, limit);
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
    this.hasStartedAnew = this.#cuts?.startAnew() ?? false;
    if (this.hasStartedAnew) {
      this.#trace.length = 0;
      this.#firstNew = 0;
      return 0;
    }
    for (let at = this.#trace.length - 1; at >= this.#floor; at--) {
      this.#asleep.add(at, actor[at]!, choice[at]!);
      this.#cuts?.end(at);
      const later = this.#later[at]!;
      if (later.length === 0) later.push(...this.#branchesBesides(at));
      let next = later.shift();
      for (; next?.isReserved === true; next = later.shift()) {
        this.#asleep.add(at, next.actor, next.choice);
      }
      if (next === undefined) continue;
      this.#below[at] = next.branches;
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
    const { ways, actors } = this.#trace;
    assert(next.choice < ways[at * actors + next.actor]!, 'a wakeup sequence can be run');
    return turnOf(next.actor, next.choice);
  }

  save(): SavedPath {
    const { length, actor, choice } = this.#trace;
    const firstNew = this.#firstNew;
    return {
      steps: Array.from({ length }, (_, at) => ({
        actor: actor[at]!,
        choice: choice[at]!,
        asleep: this.#asleep.save(at),
        later: this.#trees.save(this.#later[at]!),
        ...(this.#cuts && { cuts: this.#cuts.save(at) }),
      })),
      below: length === 0 ? [] : this.#trees.save(this.#below[length - 1]!),
      ...(firstNew < length - 1 && { firstNew }),
      ...(this.#cuts && { lessons: this.#cuts.saveLessons() }),
    };
  }

  above(): SavedBranch[][] {
    return this.#later.slice(0, this.#floor).map((branches) => this.#trees.save(branches));
  }

  restore({ steps, below, firstNew, lessons }: SavedPath, floor: number, known: number): void {
    this.#floor = floor;
    this.#hasBegun = false;
    if (lessons !== undefined) this.#cuts?.restoreLessons(lessons);
    this.#races.length = this.#racesBefore[known] ?? 0;
    this.#waiter.forget(known);
    steps.forEach(({ asleep, later, cuts }, at) => {
      this.#asleep.restore(at, asleep);
      if (cuts !== undefined) this.#cuts?.restore(at, cuts);
      this.#later[at] = this.#trees.restore(later);
      if (at < known) return;
      this.#symmetry.enter(at);
      this.#extend(at);
    });
    this.#firstNew = firstNew ?? Math.max(steps.length - 1, 0);
    if (steps.length > 0) this.#below[steps.length - 1] = this.#trees.restore(below);
  }

  end(): void {
    const { length, actors } = this.#trace;
    const [races, waiting] = [this.#races, this.#waiting];
    const firstNew = this.#firstNew;
    races.length = this.#racesBefore[firstNew] ?? 0;
    this.#symmetry.enter(length);
    this.#cuts?.enter(length);
    for (let at = firstNew; at < length; at++) this.#extend(at);
    this.#racesBefore[length] = races.length;
    waiting.length = 0;
    for (let actor = 0; actor < actors; actor++) this.#order.addWaiting(actor, waiting);
    this.#cuts?.finish(firstNew);
    this.#waiter.forget(firstNew);
    this.#reverseAll(races);
    this.#reverseAll(waiting);
  }

  /** Works out what happens before step `at`, and its races. */
  #extend(at: number): void {
    this.#racesBefore[at] = this.#races.length;
    this.#order.extend(at, this.#races);
  }

  /** @param races those of one second step lie together, the last first step before the others */
  #reverseAll(races: readonly number[]): void {
    this.#order.compare(this.#firstNew, this.#trace.length);
    for (let from = 0, to = 0; from < races.length; from = to) {
      const second = races[from + 1]!;
      while (to < races.length && races[to + 1] === second) to += 2;
      this.#reverseRacesOf(second, races, from, to);
    }
  }

  /**
   * Reverses races of one second step: of an old one only if there are new steps that the first one
   * could come behind. Otherwise, whoever waits at the end apart, an execution before has led to the
   * same.
   */
  #reverseRacesOf(second: number, races: readonly number[], from: number, to: number): void {
    const isOld = second >= 0 && second < this.#firstNew;
    let isBegun = false;
    for (let at = from; at < to; at += 2) {
      const first = races[at]!;
      if (isOld && this.#order.isBeforeAll(first)) continue;
      if (!isBegun) this.#turnTo(second, races, from, to);
      isBegun = true;
      this.#reverse(first);
    }
  }

  /** All choices of one actor that is awake: the one that has just run, if it can go on. */
  #branchesAt(at: number): Branch[] {
    const { actors, actor } = this.#trace;
    const last = at === 0 ? 0 : actor[at - 1]!;
    for (let from = 0; from < actors; from++) {
      const branches = this.#allowed(at, this.#branchesOf(at, (last + from) % actors));
      if (branches.length > 0) return branches;
    }
    return [];
  }

  /** What is to be tried from a state besides what races have led to, because the limit cut some off. */
  #branchesBesides(at: number): Branch[] {
    const cuts = this.#cuts;
    if (cuts === undefined) return [];
    const turnsOf = (actor: number): Branch[] => this.#branchesOf(at, actor);
    const asleep = this.#asleepIn(at);
    const actors = cuts.open(at, asleep, (actor) => turnsOf(actor).length);
    const sleepers = asleep.filter((actor) => turnsOf(actor).length === 0);
    return this.#allowed(at, actors.flatMap(turnsOf)).filter(
      ({ actor, choice }) => !cuts.isInVain(at, actor, choice, sleepers),
    );
  }

  /** The actors that have turns that are asleep in a state. */
  #asleepIn(at: number): number[] {
    const asleep: number[] = [];
    for (let actor = 0; actor < this.#trace.actors; actor++) {
      if (this.#asleep.maskOf(at, actor) !== 0) asleep.push(actor);
    }
    return asleep;
  }

  /** Those of the branches of a state that are within the limit. */
  #allowed(at: number, branches: Branch[]): Branch[] {
    const limit = this.#limit;
    if (limit === undefined) return branches;
    return branches.filter(({ actor, choice }) => {
      const isAllowed = limit.allowsTurn(at, actor, choice);
      if (!isAllowed) this.#cut(at, actor);
      return isAllowed;
    });
  }

  /** Leaves out executions in which `actor` goes on from the state `at`. */
  #cut(at: number, actor: number): void {
    this.#hasCut = true;
    this.#cuts?.cut(at, actor);
  }

  /** All choices of an actor that are awake. */
  #branchesOf(at: number, actor: number): Branch[] {
    const { actors, ways, points } = this.#trace;
    const count = ways[at * actors + actor]!;
    const isAsleep = this.#asleep.firstAwake(at, actor, count) < 0;
    if (isAsleep || this.#symmetry.isHeldBack(at, actor)) return [];
    const branches: Branch[] = [];
    for (let choice = 0; choice < count; choice++) {
      if ((this.#asleep.maskOf(at, actor) & (1 << choice)) !== 0) continue;
      const point = points[at * actors + actor]!;
      branches.push({ actor, choice, ways: count, point, branches: [] });
    }
    return branches;
  }

  /** From now on it is about one second step: of the trace, or -1 and down of who waits. */
  #turnTo(second: number, races: readonly number[], from: number, to: number): void {
    const trace = this.#trace;
    const { length, actors } = trace;
    const isTaken = second >= 0;
    const end = isTaken ? second : length;
    const actor = isTaken ? trace.actor[second]! : -1 - second;
    const point = trace.points[end * actors + actor]!;
    // The second step, as it would be without the first: the step behind the last one.
    trace.actor[length] = actor;
    trace.point[length] = point;
    this.#isSure = !trace.canWait(point) && !trace.canChoose(point);
    this.#canChange = trace.canChange(point);
    if (this.#isSure && !this.#canChange) return;
    const keepers: number[] = [];
    for (let at = to - 2; at >= from; at -= 2) keepers.push(races[at]!);
    this.#waiter.begin(actor, point, end, keepers);
  }

  /** Sees to it that the second step of a race is explored instead of the first one. */
  #reverse(first: number): void {
    const removed = this.#removed;
    removed.begin(first);
    const ways = this.#isSure ? 1 : this.#makeWay(first);
    if (ways === 0) return;
    const { length, point } = this.#trace;
    if (this.#canChange) point[length] = this.#waiter.pointWithout(removed);
    const sequence = removed.rest(length);
    sequence.push(length);
    this.#insertAll(removed.from, sequence, ways);
  }

  /**
   * Removes more than `first` and what happens after it, until the second step could go.
   *
   * @returns in how many ways, or 0 if it could not
   */
  #makeWay(first: number): number {
    const removed = this.#removed;
    return this.#waiter.makeWay(removed) ?? this.#least.search(first, removed);
  }

  /** Inserts a sequence with each choice of its last step. */
  #insertAll(from: number, sequence: readonly number[], ways: number): void {
    const { choice, length } = this.#trace;
    this.#imaginedWays = ways;
    for (let way = 0; way < ways; way++) {
      choice[length] = way;
      this.#insert(from, sequence.slice());
    }
  }

  #insert(from: number, sequence: number[]): void {
    if (this.#isSeen(from, sequence)) return;
    if (this.#limit?.allows(from, sequence) === false) {
      this.#cut(from, this.#trace.actor[this.#trace.length]!);
      return;
    }
    const asleepOf = (actor: number): number => this.#asleep.maskOf(from, actor);
    this.#trees.insert(this.#later[from]!, sequence, this.#waysOf, asleepOf);
  }

  /** Whether what begins with a sequence is seen behind a turn that is asleep. */
  #isSeen(from: number, sequence: readonly number[]): boolean {
    const { actors, ways, points } = this.#trace;
    for (let actor = 0; actor < actors; actor++) {
      const mask = this.#asleep.maskOf(from, actor);
      if (mask === 0) continue;
      const at = from * actors + actor;
      if (this.#trees.canComeFirst(sequence, actor, mask, ways[at]!, points[at]!)) return true;
    }
    return false;
  }
}
