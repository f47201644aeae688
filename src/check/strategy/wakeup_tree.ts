/**
 * Wakeup trees: what is still to be explored from a state, as sequences with common beginnings.
 *
 * Before a sequence is added, the tree is searched for one that leads to the same, the order of
 * independent steps apart. The branches of a node are explored in their order.
 *
 * What others do is explored below all choices of a step, if they are there, and else beside them.
 * Where parts of a search tell what they have found in any order, all must have a place as soon as one
 * has: else it would depend on the order what is below and what beside.
 *
 * @source P. Abdulla, S. Aronis, B. Jonsson, K. Sagonas, Source Sets: A Foundation for Optimal
 *         Dynamic Partial Order Reduction, J. ACM 64(4), 2017, sections 5 and 6
 */
import type { SavedBranch } from '../checkpoint.ts';
import type { Trace } from '../trace.ts';
import { allOf } from './sleep_rows.ts';

export interface Branch {
  readonly actor: number;
  readonly choice: number;
  /** In how many ways its step can go. */
  readonly ways: number;
  readonly point: number;
  readonly branches: Branch[];
  /** Whether everything below will be seen, as below a leaf. */
  isWhole?: boolean;
  /** Of a choice of a step: whether nothing is to be explored yet, and only its place is kept. */
  isReserved?: boolean;
}

/** Below the root nothing is known to be asleep. */
const noneAsleep = (): number => 0;

/** Sequences of steps: each is the number of a step of the trace, whatever its place here. */
export class WakeupTrees {
  readonly #trace: Trace;
  readonly #reserves: boolean;
  readonly #onInsert: (into: Branch) => void;

  /**
   * @param reserves whether all choices of a step get a place with the first of them: not with a
   *                 limit, which may cut some off
   * @param onInsert told of each branch below which a sequence is inserted, or found
   */
  constructor(trace: Trace, reserves: boolean, onInsert: (into: Branch) => void = () => {}) {
    this.#trace = trace;
    this.#reserves = reserves;
    this.#onInsert = onInsert;
  }

  /**
   * Whether a turn of `actor` can come first in something that `sequence` is a part of.
   *
   * @param mask   the choices of the turn
   * @param ways   in how many ways the step can go
   * @param point  where `actor` stands
   */
  canComeFirst(
    sequence: readonly number[],
    actor: number,
    mask: number,
    ways: number,
    point: number,
  ): boolean {
    const at = this.#firstOf(sequence, actor);
    if (at >= 0) {
      const step = sequence[at]!;
      return (mask & (1 << this.#trace.choice[step]!)) !== 0 && this.#isInitial(sequence, at);
    }
    const all = allOf(ways);
    return (mask & all) === all && this.#isIndependent(sequence, point);
  }

  /**
   * Adds `sequence` to a tree, unless it is there.
   *
   * @param branches of the root of the tree
   * @param sequence is used up; without a step it stands for all that can come next
   * @param waysOf   in how many ways a step of the sequence can go
   * @param asleepOf the choices of an actor that are asleep at the root
   */
  insert(
    branches: Branch[],
    sequence: number[],
    waysOf: (step: number) => number,
    asleepOf: (actor: number) => number,
  ): void {
    for (let at = 0; at < branches.length; at++) {
      const branch = branches[at]!;
      const first = this.#firstOf(sequence, branch.actor);
      if (first >= 0) {
        if (this.#trace.choice[sequence[first]!] !== branch.choice) continue;
        if (!this.#isInitial(sequence, first)) continue;
        sequence.splice(first, 1);
        this.#insertBelow(branch, sequence, waysOf);
        return;
      }
      if (!this.#isIndependent(sequence, branch.point)) continue;
      const same = branches.filter(({ actor }) => actor === branch.actor);
      const choices = same.reduce((mask, { choice }) => mask | (1 << choice), 0);
      if ((choices | asleepOf(branch.actor)) !== allOf(branch.ways)) continue;
      for (const each of same) this.#insertBelow(each, sequence.slice(), waysOf);
      return;
    }
    this.#append(branches, sequence, waysOf);
  }

  /** A tree as data that does not depend on the numbers of points. */
  save(branches: readonly Branch[]): SavedBranch[] {
    return branches.map(({ actor, choice, ways, point, branches: below, isReserved }) => ({
      actor,
      choice,
      ways,
      point: this.#trace.pointOf(point),
      branches: this.save(below),
      ...(isReserved === true && { isReserved }),
    }));
  }

  restore(saved: readonly SavedBranch[]): Branch[] {
    // Like those that are made here, for the sake of whoever compiles what reads them.
    return saved.map(({ actor, choice, ways, point, branches, isReserved = false }) => ({
      actor,
      choice,
      ways,
      point: this.#trace.numberOf(point),
      branches: this.restore(branches),
      isReserved,
    }));
  }

  /** Below a leaf everything will be seen. */
  #insertBelow(branch: Branch, sequence: number[], waysOf: (step: number) => number): void {
    const isLeaf = branch.branches.length === 0 && branch.isReserved !== true;
    if (isLeaf || branch.isWhole === true) return;
    branch.isReserved = false;
    this.#onInsert(branch);
    this.insert(branch.branches, sequence, waysOf, noneAsleep);
  }

  #append(branches: Branch[], sequence: readonly number[], waysOf: (step: number) => number): void {
    const { actor, choice, point } = this.#trace;
    let into = branches;
    for (const step of sequence) {
      const branch: Branch = {
        actor: actor[step]!,
        choice: choice[step]!,
        ways: waysOf(step),
        point: point[step]!,
        branches: [],
        isReserved: false,
      };
      into.push(branch);
      if (this.#reserves && branch.ways > 1) into.push(...otherChoicesOf(branch));
      into = branch.branches;
    }
  }

  #firstOf(sequence: readonly number[], wanted: number): number {
    const { actor } = this.#trace;
    for (let at = 0; at < sequence.length; at++) {
      if (actor[sequence[at]!] === wanted) return at;
    }
    return -1;
  }

  /** Whether its step `at`, the first one of its actor, depends on nothing before it. */
  #isInitial(sequence: readonly number[], at: number): boolean {
    const { point } = this.#trace;
    const number = point[sequence[at]!]!;
    for (let before = 0; before < at; before++) {
      if (this.#trace.areDependent(point[sequence[before]!]!, number)) return false;
    }
    return true;
  }

  #isIndependent(sequence: readonly number[], number: number): boolean {
    const { point } = this.#trace;
    for (let at = 0; at < sequence.length; at++) {
      if (this.#trace.areDependent(point[sequence[at]!]!, number)) return false;
    }
    return true;
  }
}

/** Places for the other choices of a step. */
function otherChoicesOf(branch: Branch): Branch[] {
  const others: Branch[] = [];
  for (let choice = 0; choice < branch.ways; choice++) {
    if (choice !== branch.choice)
      others.push({ ...branch, choice, branches: [], isReserved: true });
  }
  return others;
}
