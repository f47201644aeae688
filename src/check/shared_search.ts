/**
 * One optimal search in parts, explored anywhere and in any order.
 *
 * A part is the path of a checkpoint and a floor: what begins with the first `floor` steps. Only
 * races with steps above the floor lead out of it: they come back with the result, as branches of
 * those states. What several parts begin with is one wakeup tree here, with the branches that were
 * begun, or finished, still in it. Its order is the order of the search: for a branch, those before
 * it are asleep whether they are finished or not, and what is found there may be added only to
 * those after it. A part is a leaf of the tree: nothing that was asleep above is still asleep below
 * a leaf, so that what is seen there depends on no other part.
 *
 * Together the parts see each order of dependent steps exactly once, as one search does. Only the
 * numbers of executions given up and of probes may differ.
 */
import { assert } from '../base/assert.ts';
import type { Checkpoint, SavedBranch, SavedPath, SavedStep } from './checkpoint.ts';
import { Execution } from './execution.ts';
import type { Exploration } from './explore.ts';
import type { Scenario } from './scenario.ts';
import { SleepRows } from './strategy/sleep_rows.ts';
import { type Branch, WakeupTrees } from './strategy/wakeup_tree.ts';
import { Trace } from './trace.ts';

/** Of a unit: what each costs grows with what is before it. */
export const PARTS_MAX = 64;

/** Pass it to `explore()` as `from` and `floor`. */
export interface Part {
  readonly path: SavedPath;
  readonly floor: number;
}

/** What `explore()` says of a part. */
export interface PartResult extends Pick<Exploration, 'above'> {
  readonly rest?: Pick<Checkpoint, 'path'>;
}

/** A tree as data, with the part that a leaf is, if it was begun. */
export interface SharedState extends Omit<SavedBranch, 'branches'> {
  readonly branches: readonly SharedState[];
  readonly isWhole?: boolean;
  readonly isDone?: boolean;
  readonly part?: Part;
}

/** From the root of a tree to a branch, both included. */
type Place = readonly Branch[];

const ROOT = { actor: 0, choice: 0, ways: 1, point: 0 } as const;

export class SharedSearch {
  readonly #scenario: Scenario;
  readonly #trace: Trace;
  readonly #asleep: SleepRows;
  readonly #trees: WakeupTrees;
  readonly #root: Branch;
  /** Leaves, and trees that were finished and became leaves. */
  readonly #done = new Set<Branch>();
  /** Trees all of whose leaves were seen to be done since something was added to them. */
  readonly #finished = new Set<Branch>();
  /** Those that were begun, or something below them. */
  readonly #touched = new Set<Branch>();
  readonly #partOf = new Map<Branch, Part>();
  readonly #placeOf = new Map<Part, Place>();
  /** Parts that somebody has. */
  readonly #underWay = new Set<Part>();

  /** @param from goes on with a search that was saved */
  constructor(scenario: Scenario, from?: SharedState) {
    this.#scenario = scenario;
    this.#trace = new Trace(scenario, scenario.start().length);
    this.#asleep = new SleepRows(this.#trace);
    this.#trees = new WakeupTrees(this.#trace, (into) => this.#finished.delete(into));
    if (from !== undefined) {
      this.#root = this.#restore(from, []);
      return;
    }
    this.#root = { ...ROOT, branches: [], isWhole: true };
    this.#keep([this.#root], { path: { steps: [], below: [] }, floor: 0 });
  }

  /** Whether all has been explored. */
  get isDone(): boolean {
    return this.#done.has(this.#root);
  }

  /**
   * Parts to be explored, the largest first; none before a result comes.
   *
   * @param shares how many there are to be of what is there now: one of them is given
   * @param wanted how many parts there should be for all: parts are split to have so many
   * @param most   parts that are given
   */
  take(shares: number, wanted: number, most = PARTS_MAX): Part[] {
    const places = this.#prepare(wanted);
    const mine = places.filter((_, at) => at % shares === 0).slice(0, most);
    return mine.map((place) => this.#takeAt(place));
  }

  /** Takes a part back that nobody has begun. */
  giveBack(part: Part): void {
    this.#underWay.delete(part);
  }

  /**
   * Splits parts to have `wanted` to choose from, as far as they can be split.
   *
   * @returns where they are: what begins with the fewest steps, and may be the most, first
   */
  #prepare(wanted: number): readonly Place[] {
    const apart = new Set<Branch>();
    for (;;) {
      const places: Place[] = [];
      if (!this.isDone) this.#findWaiting([this.#root], apart, places);
      places.sort((one, other) => one.length - other.length);
      if (places.length >= wanted || !this.#split(places, apart)) return places;
    }
  }

  /** Takes what came of a part that `take()` gave, once. */
  add(part: Part, { above = [], rest }: PartResult): void {
    const place = this.#placeOf.get(part);
    assert(place !== undefined, 'a part is finished once');
    this.#merge(place, part, above);
    this.#placeOf.delete(part);
    this.#underWay.delete(part);
    const leaf = place.at(-1)!;
    if (rest === undefined) {
      this.#partOf.delete(leaf);
      this.#finish(place);
      return;
    }
    const steps = [...part.path.steps.slice(0, part.floor), ...rest.path.steps.slice(part.floor)];
    this.#keep(place, { path: { steps, below: rest.path.below }, floor: part.floor });
  }

  save(): SharedState {
    return this.#save(this.#root);
  }

  #save(branch: Branch): SharedState {
    const part = this.#partOf.get(branch);
    return {
      ...branch,
      point: branch === this.#root ? 0 : this.#trace.pointOf(branch.point),
      branches: branch.branches.map((each) => this.#save(each)),
      ...(this.#done.has(branch) && { isDone: true }),
      ...(part && { part }),
    };
  }

  #restore({ part, isDone, ...saved }: SharedState, above: Place): Branch {
    const point = above.length === 0 ? 0 : this.#trace.numberOf(saved.point);
    const branch: Branch = { ...saved, point, branches: [] };
    const place = [...above, branch];
    for (const each of saved.branches) branch.branches.push(this.#restore(each, place));
    if (isDone === true) {
      this.#done.add(branch);
      for (const each of place) this.#touched.add(each);
    }
    if (part !== undefined) this.#keep(place, part);
    return branch;
  }

  #keep(place: Place, part: Part): void {
    for (const branch of place) this.#touched.add(branch);
    this.#partOf.set(place.at(-1)!, part);
    this.#placeOf.set(part, place);
  }

  #drop(part: Part): void {
    this.#partOf.delete(this.#placeOf.get(part)!.at(-1)!);
    this.#placeOf.delete(part);
  }

  /**
   * Finds where there is something to be explored that nobody is at, each as high as can be.
   *
   * A tree can be one part if it is what one search leaves that was stopped: what was explored, then
   * what it was at, then what it has not begun.
   *
   * @param place of the tree; as it was when this returns
   * @param apart trees that are not to be one part
   * @returns whether the tree can be one part
   */
  #findWaiting(place: Branch[], apart: ReadonlySet<Branch>, found: Place[]): boolean {
    const branch = place.at(-1)!;
    const part = this.#partOf.get(branch);
    if (part !== undefined) {
      const isFree = !this.#underWay.has(part);
      if (isFree) found.push([...place]);
      return isFree;
    }
    const before = found.length;
    let [isOne, hasBegun] = [true, false];
    for (const each of branch.branches) {
      if (this.#isFinished(each)) {
        // What was explored comes first.
        if (hasBegun) isOne = false;
        continue;
      }
      if (hasBegun && this.#touched.has(each)) isOne = false;
      hasBegun = true;
      place.push(each);
      if (!this.#findWaiting(place, apart, found)) isOne = false;
      place.pop();
    }
    const isLeaf = branch.branches.length === 0;
    if (isLeaf || (isOne && branch.isWhole === true && !apart.has(branch))) {
      found.length = before;
      found.push([...place]);
    }
    return isOne;
  }

  #takeAt(place: Place): Part {
    const part = this.#partOf.get(place.at(-1)!) ?? this.#newPart(place);
    this.#underWay.add(part);
    return part;
  }

  /** Makes a part of what there is below a place. */
  #newPart(place: Place): Part {
    const branch = place.at(-1)!;
    const floor = place.length - 1;
    const steps = this.#follow(place);
    const below = this.#goOn(branch, steps);
    this.#forget(branch);
    branch.isWhole = true;
    const part = { path: { steps, below }, floor };
    this.#keep(place, part);
    return part;
  }

  /**
   * Adds the steps to where one search is to go on in a tree.
   *
   * @returns what is to be explored behind them
   */
  #goOn({ branches }: Branch, steps: SavedStep[]): readonly SavedBranch[] {
    const depth = steps.length;
    const from = branches.findIndex((each) => !this.#isFinished(each));
    if (from < 0) return [];
    for (const before of branches.slice(0, from)) this.#putToSleep(depth, before);
    const [current, ...later] = branches.slice(from);
    const { actor, choice } = current!;
    const asleep = this.#asleep.save(depth);
    steps.push({ actor, choice, asleep, later: this.#trees.save(later) });
    const part = this.#partOf.get(current!);
    if (part !== undefined) {
      steps.push(...part.path.steps.slice(steps.length));
      return part.path.below;
    }
    if (!this.#touched.has(current!)) return this.#trees.save(current!.branches);
    this.#step(depth, current!);
    return this.#goOn(current!, steps);
  }

  /** Makes branches of the states of a part, down to the first one that has more than one. */
  #split(places: readonly Place[], apart: Set<Branch>): boolean {
    const levels = places.map((place) => this.#levelOf(place));
    const least = Math.min(...levels);
    if (least === Number.POSITIVE_INFINITY) return false;
    const place = places[levels.indexOf(least)]!;
    const branch = place.at(-1)!;
    const part = this.#partOf.get(branch);
    if (part === undefined) apart.add(branch);
    else this.#splitPart(place, part, least);
    return true;
  }

  /** The first state of what can be a part that has something to be explored later. */
  #levelOf(place: Place): number {
    const branch = place.at(-1)!;
    const part = this.#partOf.get(branch);
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
    this.#drop(part);
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
    this.#keep(place, { path: { ...path, steps }, floor: level + 1 });
  }

  /** What a part has explored of a state: that is asleep, and was not when it came there. */
  #finishedAt(depth: number, asleep: readonly number[]): Branch[] {
    const finished: Branch[] = [];
    asleep.forEach((mask, actor) => {
      const added = mask & ~this.#asleep.maskOf(depth, actor);
      for (let choice = 0; added >> choice !== 0; choice++) {
        if (((added >> choice) & 1) === 0) continue;
        const branch = this.#branchAt(depth, actor, choice);
        this.#done.add(branch);
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

  /** A part is finished: trees that nothing can be added to any more become leaves. */
  #finish(place: Place): void {
    this.#done.add(place.at(-1)!);
    for (let at = place.length - 1; at >= 0; at--) {
      const branch = place[at]!;
      if (!this.#isFinished(branch)) return;
      if (branch.isWhole !== true) continue;
      this.#forget(branch);
      this.#done.add(branch);
    }
  }

  #isFinished(branch: Branch): boolean {
    if (this.#done.has(branch) || this.#finished.has(branch)) return true;
    if (branch.branches.length === 0) return false;
    if (!branch.branches.every((each) => this.#isFinished(each))) return false;
    this.#finished.add(branch);
    return true;
  }

  #forget(branch: Branch): void {
    for (const each of branch.branches) {
      this.#forget(each);
      this.#done.delete(each);
      this.#finished.delete(each);
      this.#touched.delete(each);
      const part = this.#partOf.get(each);
      if (part !== undefined) this.#drop(part);
    }
    branch.branches.length = 0;
  }

  /** Adds branches that a part has found above itself, unless others cover them. */
  #merge(place: Place, part: Part, above: readonly (readonly SavedBranch[])[]): void {
    if (above.every(({ length }) => length === 0)) return;
    for (const branch of place) this.#finished.delete(branch);
    this.#follow(place);
    for (let depth = part.floor - 1; depth >= 0; depth--) {
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
   *
   * @returns the steps to it
   */
  #follow(place: Place): SavedStep[] {
    const trace = this.#trace;
    const steps: SavedStep[] = [];
    trace.length = 0;
    for (let depth = 0; ; depth++) {
      trace.stay();
      this.#asleep.enter(depth);
      const next = place[depth + 1];
      if (next === undefined) return steps;
      for (const before of place[depth]!.branches) {
        if (before === next) break;
        this.#putToSleep(depth, before);
      }
      const { actor, choice } = next;
      steps.push({ actor, choice, asleep: this.#asleep.save(depth), later: [] });
      trace.tell(actor, next.point, next.ways);
      trace.push(actor, choice);
    }
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

/** From the root of a tree to each leaf. */
function* sequencesOf(branches: readonly SavedBranch[]): Generator<SavedBranch[]> {
  for (const branch of branches) {
    if (branch.branches.length === 0) yield [branch];
    for (const rest of sequencesOf(branch.branches)) yield [branch, ...rest];
  }
}
