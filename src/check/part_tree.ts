/** What the parts of a search begin with, as one tree: where it is done, and who is at what. */
import { assert } from '../base/assert.ts';
import type { Part, SharedState } from './part.ts';
import type { Branch } from './strategy/wakeup_tree.ts';

/** From the root of a tree to a branch, both included. */
export type Place = readonly Branch[];

/** Numbers of points here, and points as they are saved. */
interface Numbering {
  pointOf(number: number): number;
  numberOf(point: number): number;
}

const ROOT: Branch = { actor: 0, choice: 0, ways: 1, point: 0, isWhole: true, branches: [] };

/** What is to be explored of a tree. */
const Left = {
  NOTHING: 0,
  /** What can be one part, if its branch is a whole one. */
  ONE_PART: 1,
  PARTS: 2,
} as const;
type Left = (typeof Left)[keyof typeof Left];

export class PartTree {
  readonly root: Branch;
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

  /** @param saved goes on from there */
  constructor(numbering: Numbering, saved?: SharedState) {
    if (saved !== undefined) {
      this.root = this.#restore(saved, [], numbering);
      return;
    }
    this.root = { ...ROOT, branches: [] };
    this.keep([this.root], { path: { steps: [], below: [] }, floor: 0 });
  }

  get isDone(): boolean {
    return this.#done.has(this.root);
  }

  partAt(branch: Branch): Part | undefined {
    return this.#partOf.get(branch);
  }

  placeOf(part: Part): Place {
    const place = this.#placeOf.get(part);
    assert(place !== undefined, 'a part is finished once');
    return place;
  }

  /** A leaf is a part from now on; nobody has it. */
  keep(place: Place, part: Part): void {
    this.#touch(place);
    this.#partOf.set(place.at(-1)!, part);
    this.#placeOf.set(part, place);
  }

  /** A leaf is no part any more. */
  drop(part: Part): void {
    this.#partOf.delete(this.placeOf(part).at(-1)!);
    this.#placeOf.delete(part);
    this.#underWay.delete(part);
  }

  take(part: Part): void {
    this.#underWay.add(part);
  }

  giveBack(part: Part): void {
    this.#underWay.delete(part);
  }

  /** Nothing is to be explored below a leaf. */
  end(leaf: Branch): void {
    this.#done.add(leaf);
  }

  /** A leaf is done: trees that nothing can be added to any more become leaves. */
  finish(place: Place): void {
    this.#done.add(place.at(-1)!);
    for (let at = place.length - 1; at >= 0; at--) {
      const branch = place[at]!;
      if (!this.isFinished(branch)) return;
      if (branch.isWhole !== true) continue;
      this.makeLeaf(branch);
      this.#done.add(branch);
    }
  }

  /** Something was added below a branch. */
  reopen(branch: Branch): void {
    this.#finished.delete(branch);
  }

  isFinished(branch: Branch): boolean {
    if (branch.isReserved === true) return true;
    if (this.#done.has(branch) || this.#finished.has(branch)) return true;
    if (branch.branches.length === 0) return false;
    if (!branch.branches.every((each) => this.isFinished(each))) return false;
    this.#finished.add(branch);
    return true;
  }

  isTouched(branch: Branch): boolean {
    return this.#touched.has(branch);
  }

  /** Forgets what is below a branch. */
  makeLeaf(branch: Branch): void {
    for (const each of branch.branches) {
      this.makeLeaf(each);
      this.#done.delete(each);
      this.#finished.delete(each);
      this.#touched.delete(each);
      const part = this.#partOf.get(each);
      if (part !== undefined) this.drop(part);
    }
    branch.branches.length = 0;
  }

  /**
   * Where there is something to be explored that nobody is at, each as high as can be.
   *
   * @param apart trees that are not to be one part
   */
  waiting(apart: ReadonlySet<Branch>): Place[] {
    const found: Place[] = [];
    if (!this.isDone) this.#findWaiting([this.root], apart, found);
    return found;
  }

  /**
   * A tree can be one part if it is what one search leaves that was stopped: what was explored, then
   * what it was at, then what it has not begun.
   *
   * @param place of the tree; as it was when this returns
   */
  #findWaiting(place: Branch[], apart: ReadonlySet<Branch>, found: Place[]): Left {
    const branch = place.at(-1)!;
    if (this.#done.has(branch) || this.#finished.has(branch)) return Left.NOTHING;
    const part = this.#partOf.get(branch);
    if (part !== undefined) {
      if (this.#underWay.has(part)) return Left.PARTS;
      found.push([...place]);
      return Left.ONE_PART;
    }
    const before = found.length;
    const left = this.#findBelow(place, apart, found);
    const isLeaf = branch.branches.length === 0;
    if (left === Left.NOTHING && !isLeaf) {
      this.#finished.add(branch);
      return left;
    }
    const isOne = left === Left.ONE_PART && branch.isWhole === true && !apart.has(branch);
    if (isLeaf || isOne) {
      found.length = before;
      found.push([...place]);
    }
    return isLeaf ? Left.ONE_PART : left;
  }

  #findBelow(place: Branch[], apart: ReadonlySet<Branch>, found: Place[]): Left {
    let all: Left = Left.NOTHING;
    for (const each of place.at(-1)!.branches) {
      if (each.isReserved === true) continue;
      place.push(each);
      const left = this.#findWaiting(place, apart, found);
      place.pop();
      const isFirst: boolean = all === Left.NOTHING;
      if (left === Left.NOTHING) all = isFirst ? Left.NOTHING : Left.PARTS;
      else if (isFirst) all = left;
      else if (left === Left.PARTS || this.#touched.has(each)) all = Left.PARTS;
    }
    return all;
  }

  save(numbering: Numbering): SharedState {
    return this.#save(this.root, numbering);
  }

  #save(branch: Branch, numbering: Numbering): SharedState {
    const part = this.#partOf.get(branch);
    return {
      ...branch,
      point: branch === this.root ? 0 : numbering.pointOf(branch.point),
      branches: branch.branches.map((each) => this.#save(each, numbering)),
      ...(this.#done.has(branch) && { isDone: true }),
      ...(part && { part }),
    };
  }

  #restore({ part, isDone, ...saved }: SharedState, above: Place, numbering: Numbering): Branch {
    const point = above.length === 0 ? 0 : numbering.numberOf(saved.point);
    const branch: Branch = { ...saved, point, branches: [] };
    const place = [...above, branch];
    for (const each of saved.branches) {
      branch.branches.push(this.#restore(each, place, numbering));
    }
    if (isDone === true) {
      this.#done.add(branch);
      this.#touch(place);
    }
    if (part !== undefined) this.keep(place, part);
    return branch;
  }

  #touch(place: Place): void {
    for (const branch of place) this.#touched.add(branch);
  }
}
