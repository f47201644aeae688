/**
 * One optimal search in parts, explored anywhere and in any order.
 *
 * A part is the path of a checkpoint and a floor: what begins with the first `floor` steps. Only
 * races with steps above the floor lead out of it: they come back with the result, as branches of
 * those states. What several parts begin with is one wakeup tree here, with the branches that were
 * begun, or finished, still in it. Its order is the order of the search: for a branch, those before
 * it are asleep whether they are finished or not, and what is found there may be added only to
 * those after it. A part is a leaf of the tree: nothing that was asleep above is still asleep below
 * a leaf, so that what is seen there depends on no other part. What was split is one part again as
 * soon as one search could have left it so, and nobody is at it: a part is as large as it can be.
 *
 * Together the parts see each order of dependent steps exactly once, as one search does, whatever the
 * order they come back in. Only the numbers of executions given up and of probes may differ.
 */
import type { SavedBranch, SavedPath, SavedStep } from './checkpoint.ts';
import { Execution } from './execution.ts';
import { PARTS_MAX, type Part, type PartResult, type SharedState } from './part.ts';
import { PartTree, type Place } from './part_tree.ts';
import type { Scenario } from './scenario.ts';
import { SleepRows } from './strategy/sleep_rows.ts';
import { type Branch, WakeupTrees } from './strategy/wakeup_tree.ts';
import { Trace } from './trace.ts';

const NONE: readonly SavedBranch[] = [];
/** Parts of a unit that are not too many whatever becomes of them. */
const PARTS_LEAST = 8;

export class SharedSearch {
  readonly #scenario: Scenario;
  readonly #trace: Trace;
  readonly #asleep: SleepRows;
  readonly #trees: WakeupTrees;
  readonly #tree: PartTree;
  /**
   * What nobody has taken of what there was when the tree was looked through, the largest first. All
   * of it is there still: nothing is added below what can be one part.
   */
  #places: readonly Place[] = [];
  /** With fewer, the tree is looked through again: once for half of its parts, not for each of them. */
  #placesLeast = 0;
  /** Parts that are given at a time: making them is in vain for those that nobody begins. */
  #most = PARTS_MAX;

  /** @param from goes on with a search that was saved */
  constructor(scenario: Scenario, from?: SharedState) {
    this.#scenario = scenario;
    this.#trace = new Trace(scenario, scenario.start().length);
    this.#asleep = new SleepRows(this.#trace);
    this.#trees = new WakeupTrees(this.#trace, true, (into) => this.#tree.reopen(into));
    this.#tree = new PartTree(this.#trace, from);
  }

  /** Whether all has been explored. */
  get isDone(): boolean {
    return this.#tree.isDone;
  }

  /**
   * Parts to be explored, the largest first; none before a result comes.
   *
   * @param shares how many there are to be of what is there now: one of them is given
   * @param wanted how many parts there should be for all: parts are split to have so many
   * @param most   parts that are given; fewer if of the last ones many were given back
   */
  take(shares: number, wanted: number, most = PARTS_MAX): Part[] {
    const count = Math.min(most, this.#most);
    if (this.#places.length < Math.max(wanted, this.#placesLeast)) {
      this.#places = this.#prepare(wanted);
      this.#placesLeast = this.#places.length / 2;
    }
    const isMine = (at: number): boolean => at % shares === 0 && at < count * shares;
    const mine = this.#places.filter((_, at) => isMine(at));
    this.#places = this.#places.filter((_, at) => !isMine(at));
    // Those with much in common one after the other: what they begin with is worked out once.
    return mine.sort(compareTurns).map((place) => this.#takeAt(place));
  }

  /** Takes a part back that nobody has begun. */
  giveBack(part: Part): void {
    this.#tree.giveBack(part);
    this.#most = Math.max(this.#most - 1, PARTS_LEAST);
  }

  /**
   * Splits parts to have `wanted` to choose from, as far as they can be split.
   *
   * @returns where they are: what begins with the fewest steps, and may be the most, first
   */
  #prepare(wanted: number): readonly Place[] {
    const apart = new Set<Branch>();
    for (;;) {
      const places = this.#tree.waiting(apart);
      places.sort((one, other) => one.length - other.length);
      if (places.length >= wanted || !this.#split(places, apart)) return places;
    }
  }

  /** Takes what came of a part that `take()` gave, once. */
  add(part: Part, { above = [], rest }: PartResult): void {
    const place = this.#tree.placeOf(part);
    this.#merge(place, above);
    this.#tree.drop(part);
    if (rest === undefined) {
      this.#tree.finish(place);
      this.#most = Math.min(this.#most + 1, PARTS_MAX);
      return;
    }
    const steps = [...part.path.steps.slice(0, part.floor), ...rest.path.steps.slice(part.floor)];
    this.#tree.keep(place, { path: { ...rest.path, steps }, floor: part.floor });
  }

  save(): SharedState {
    return this.#tree.save(this.#trace);
  }

  #takeAt(place: Place): Part {
    const part = this.#tree.partAt(place.at(-1)!) ?? this.#newPart(place);
    this.#tree.take(part);
    return part;
  }

  /** Makes a part of what there is below a place. */
  #newPart(place: Place): Part {
    const branch = place.at(-1)!;
    const floor = place.length - 1;
    this.#follow(place);
    const steps = this.#steps();
    // Nobody has taken the steps of a sequence that was inserted; that to the place is the last one.
    const firstNew = place.findIndex((each) => !this.#tree.isTouched(each)) - 1;
    const isNew = firstNew >= 0 && firstNew < steps.length - 1;
    const path = { ...(isNew && { firstNew }), ...this.#goOn(branch, steps) };
    this.#tree.makeLeaf(branch);
    branch.isWhole = true;
    const part = { path, floor };
    this.#tree.keep(place, part);
    return part;
  }

  /** Adds the steps to where one search is to go on in a tree. */
  #goOn({ branches }: Branch, steps: SavedStep[]): SavedPath {
    const depth = steps.length;
    const from = branches.findIndex((each) => !this.#tree.isFinished(each));
    if (from < 0) return { steps, below: [] };
    for (const before of branches.slice(0, from)) this.#putToSleep(depth, before);
    const [current, ...later] = branches.slice(from);
    const { actor, choice } = current!;
    const asleep = this.#asleep.save(depth);
    steps.push({ actor, choice, asleep, later: this.#trees.save(later) });
    const part = this.#tree.partAt(current!);
    if (part !== undefined) {
      steps.push(...part.path.steps.slice(steps.length));
      return { ...part.path, steps };
    }
    if (!this.#tree.isTouched(current!)) {
      return { steps, below: this.#trees.save(current!.branches) };
    }
    this.#step(depth, current!);
    return this.#goOn(current!, steps);
  }

  /** Makes branches of the states of a part, down to the first one that has more than one. */
  #split(places: readonly Place[], apart: Set<Branch>): boolean {
    const levels = places.map((place) => this.#levelOf(place));
    // There may be more places than arguments that a call can have.
    const least = levels.reduce((one, other) => Math.min(one, other), Number.POSITIVE_INFINITY);
    if (least === Number.POSITIVE_INFINITY) return false;
    const place = places[levels.indexOf(least)]!;
    const branch = place.at(-1)!;
    const part = this.#tree.partAt(branch);
    if (part === undefined) apart.add(branch);
    else this.#splitPart(place, part, least);
    return true;
  }

  /** The first state of what can be a part that has something to be explored later. */
  #levelOf(place: Place): number {
    const branch = place.at(-1)!;
    const part = this.#tree.partAt(branch);
    if (part === undefined) {
      return branch.branches.length > 0 ? place.length - 1 : Number.POSITIVE_INFINITY;
    }
    const { path, floor } = part;
    const level = path.steps.findIndex(({ later }, at) => at >= floor && later.length > 0);
    return level < 0 ? Number.POSITIVE_INFINITY : level;
  }

  #splitPart(from: Place, part: Part, level: number): void {
    const { path, floor } = part;
    const place = [...from];
    this.#tree.drop(part);
    const steps = path.steps.slice();
    this.#follow(place);
    this.#run(steps.slice(0, level + 1));
    for (let depth = floor; depth <= level; depth++) {
      const { actor, choice, asleep, later } = steps[depth]!;
      this.#asleep.enter(depth);
      const branches = place.at(-1)!.branches;
      branches.push(...this.#finishedAt(depth, asleep));
      this.#asleep.restore(depth, asleep);
      const taken: Branch = { ...this.#branchAt(depth, actor, choice), isWhole: true };
      branches.push(taken, ...this.#trees.restore(later));
      steps[depth] = { actor, choice, asleep, later: [] };
      place.push(taken);
    }
    this.#tree.keep(place, { path: { ...path, steps }, floor: level + 1 });
  }

  /** What a part has explored of a state: that is asleep, and was not when it came there. */
  #finishedAt(depth: number, asleep: readonly number[]): Branch[] {
    const finished: Branch[] = [];
    asleep.forEach((mask, actor) => {
      const added = mask & ~this.#asleep.maskOf(depth, actor);
      for (let choice = 0; added >> choice !== 0; choice++) {
        if (((added >> choice) & 1) === 0) continue;
        const branch = this.#branchAt(depth, actor, choice);
        this.#tree.end(branch);
        finished.push(branch);
      }
    });
    return finished;
  }

  #branchAt(depth: number, actor: number, choice: number): Branch {
    const { ways, points, actors } = this.#trace;
    const at = depth * actors + actor;
    return { actor, choice, ways: ways[at]!, point: points[at]!, branches: [] };
  }

  /** Adds branches that a part has found above itself, unless others cover them. */
  #merge(place: Place, above: readonly (readonly SavedBranch[])[]): void {
    const deepest = above.findLastIndex(({ length }) => length > 0);
    if (deepest < 0) return;
    for (const branch of place) this.#tree.reopen(branch);
    this.#follow(place.slice(0, deepest + 2));
    for (let depth = deepest; depth >= 0; depth--) {
      const [parent, child] = [place[depth]!, place[depth + 1]!];
      this.#asleep.add(depth, child.actor, child.choice);
      for (const sequence of sequencesOf(above[depth] ?? [])) {
        this.#insert(parent.branches, parent.branches.indexOf(child) + 1, depth, sequence);
      }
    }
  }

  /**
   * Works out what is asleep in all states of a place. Nothing is run for that: whoever is asleep
   * stays where it was, with the choices that it had.
   */
  #follow(place: Place): void {
    const trace = this.#trace;
    trace.length = 0;
    for (let depth = 0; ; depth++) {
      trace.stay();
      this.#asleep.enter(depth);
      const next = place[depth + 1];
      if (next === undefined) return;
      for (const before of place[depth]!.branches) {
        if (before === next) break;
        this.#putToSleep(depth, before);
      }
      trace.tell(next.actor, next.point, next.ways);
      trace.push(next.actor, next.choice);
    }
  }

  /** Those that `#follow()` has taken. */
  #steps(): SavedStep[] {
    const { length, actor, choice } = this.#trace;
    let asleep: readonly number[] | undefined;
    return Array.from({ length }, (_, at) => {
      asleep = this.#asleep.save(at, asleep);
      return { actor: actor[at]!, choice: choice[at]!, asleep, later: NONE };
    });
  }

  #putToSleep(depth: number, { actor, choice, point, ways }: Branch): void {
    this.#trace.tell(actor, point, ways);
    this.#asleep.add(depth, actor, choice);
  }

  /** Takes the step of a branch from the state `depth`, as `#follow()` does. */
  #step(depth: number, { actor, choice, point, ways }: Branch): void {
    const trace = this.#trace;
    trace.tell(actor, point, ways);
    trace.push(actor, choice);
    trace.stay();
    this.#asleep.enter(depth + 1);
  }

  /** Notes all states from the beginning on. */
  #run(steps: readonly SavedStep[]): void {
    const trace = this.#trace;
    const execution = new Execution(this.#scenario);
    trace.length = 0;
    for (const { actor, choice } of steps) {
      trace.note(execution);
      trace.push(actor, choice);
      execution.step(actor, choice);
    }
  }

  /** @param first of the branches that may cover the sequence, or what it is added to */
  #insert(branches: Branch[], first: number, depth: number, saved: readonly SavedBranch[]): void {
    const trace = this.#trace;
    const { length, actors } = trace;
    trace.reserve(saved.length);
    const sequence = saved.map(({ actor, choice, point }, at) => {
      trace.actor[length + at] = actor;
      trace.choice[length + at] = choice;
      trace.point[length + at] = trace.numberOf(point);
      return length + at;
    });
    const asleepOf = (actor: number): number => this.#asleep.maskOf(depth, actor);
    for (let actor = 0; actor < actors; actor++) {
      const mask = asleepOf(actor);
      if (mask === 0) continue;
      const at = depth * actors + actor;
      const [ways, point] = [trace.ways[at]!, trace.points[at]!];
      if (this.#trees.canComeFirst(sequence, actor, mask, ways, point)) return;
    }
    const after = branches.splice(first);
    this.#trees.insert(after, sequence, (step) => saved[step - length]!.ways, asleepOf);
    branches.push(...after);
  }
}

/** By their first turns that differ. */
function compareTurns(one: Place, other: Place): number {
  const shorter = Math.min(one.length, other.length);
  let at = 0;
  while (at < shorter && one[at] === other[at]) at++;
  if (at === shorter) return one.length - other.length;
  return one[at]!.actor - other[at]!.actor || one[at]!.choice - other[at]!.choice;
}

/**
 * From the root of a tree to each leaf.
 *
 * @param above what they begin with; as it was in the end
 */
function* sequencesOf(
  branches: readonly SavedBranch[],
  above: SavedBranch[] = [],
): Generator<readonly SavedBranch[]> {
  for (const branch of branches) {
    if (branch.isReserved === true) continue;
    above.push(branch);
    if (branch.branches.length === 0) yield above;
    else yield* sequencesOf(branch.branches, above);
    above.pop();
  }
}
