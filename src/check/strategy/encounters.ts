/**
 * Which actors may still get in each other's way, as far as was seen.
 *
 * Two of them may, from a state on, if each was seen to come to a point behind it that depends on
 * one that the other was seen at. Chains of such pairs make groups; what the actors of a group do
 * does not depend on those of others, unless one comes to a point that was never seen. Whoever
 * relied on a group is told when it has grown, and has to begin anew.
 */
import type { SavedEncounters } from '../checkpoint.ts';
import { ENDED, grown, type Trace } from '../trace.ts';

const NEVER = -1;
/** Behind every step. */
const ALWAYS = 2 ** 31 - 1;

export class Encounters {
  readonly #trace: Trace;
  /** Of each actor and point: the last of its steps that was seen to be there. */
  readonly #last: Map<number, number>[];
  /** Of each two actors: the last step of the first at a point that depends on one of the second. */
  readonly #meets: Int32Array;
  /** Of each two actors: the first step of the first from which they were taken to be apart. */
  readonly #apart: Int32Array;
  /** Of each state and actor: how many steps it has taken. */
  #taken: Int32Array;
  #isStale = false;

  constructor(trace: Trace) {
    const { actors } = trace;
    this.#trace = trace;
    this.#last = Array.from({ length: actors }, () => new Map<number, number>());
    this.#meets = new Int32Array(actors * actors).fill(NEVER);
    this.#apart = new Int32Array(actors * actors).fill(ALWAYS);
    this.#taken = new Int32Array(64 * actors);
    // Any of those that are identical may stand for the others.
    for (const group of trace.identical) {
      for (const one of group)
        for (const other of group) this.#meets[one * actors + other] = ALWAYS;
    }
  }

  /** Whether actors that were taken to be apart have met. */
  get isStale(): boolean {
    return this.#isStale;
  }

  /** Nothing is relied on any more; what was seen stays. */
  startAnew(): void {
    this.#isStale = false;
    this.#apart.fill(ALWAYS);
  }

  /** Comes to a state. */
  enter(at: number): void {
    const { actors, actor, points } = this.#trace;
    const row = at * actors;
    while (row + actors > this.#taken.length) this.#taken = grown(this.#taken);
    const moved = at === 0 ? ENDED : actor[at - 1]!;
    if (at === 0) this.#taken.fill(0, 0, actors);
    else {
      this.#taken.copyWithin(row, row - actors, row);
      this.#taken[row + moved]!++;
    }
    for (let each = 0; each < actors; each++) {
      const point = points[row + each]!;
      if ((at === 0 || each === moved) && point !== ENDED) {
        this.#learn(each, point, this.#taken[row + each]!);
      }
    }
  }

  /** The actors that may still get in the way of `first` from the state `at` on, and it. */
  groupOf(at: number, first: number): readonly number[] {
    const { actors } = this.#trace;
    const group = [first];
    for (const one of group) {
      for (let other = 0; other < actors; other++) {
        if (!group.includes(other) && this.#mayMeet(at, one, other)) group.push(other);
      }
    }
    return group;
  }

  /** Takes it that nobody else gets in the way of a group from the state `at` on. */
  relyOn(at: number, group: readonly number[]): void {
    for (const one of group) {
      for (let other = 0; other < this.#trace.actors; other++) {
        if (!group.includes(other)) this.#relyOnApart(at, one, other);
      }
    }
  }

  #relyOnApart(at: number, one: number, other: number): void {
    if (this.#hasEnded(at, one) || this.#hasEnded(at, other)) return;
    const { actors } = this.#trace;
    const row = at * actors;
    for (const [mine, its] of [
      [one, other],
      [other, one],
    ] as const) {
      const pair = mine * actors + its;
      this.#apart[pair] = Math.min(this.#apart[pair]!, this.#taken[row + mine]!);
    }
  }

  /** Of each actor: how many steps it has taken before the state `at`. */
  takenBefore(at: number): Int32Array {
    const { actors } = this.#trace;
    return this.#taken.subarray(at * actors, (at + 1) * actors);
  }

  save(): SavedEncounters {
    const seen = this.#last.map((points) =>
      Array.from(points, ([point, step]) => [this.#trace.pointOf(point), step] as const),
    );
    return { seen, apart: [...this.#apart], isStale: this.#isStale };
  }

  restore({ seen, apart, isStale }: SavedEncounters): void {
    seen.forEach((points, actor) => {
      for (const [point, step] of points) this.#learn(actor, this.#trace.numberOf(point), step);
    });
    this.#apart.set(apart);
    this.#isStale = isStale;
  }

  #hasEnded(at: number, actor: number): boolean {
    return this.#trace.points[at * this.#trace.actors + actor] === ENDED;
  }

  #mayMeet(at: number, one: number, other: number): boolean {
    if (this.#hasEnded(at, one) || this.#hasEnded(at, other)) return false;
    const { actors } = this.#trace;
    const row = at * actors;
    return (
      this.#meets[one * actors + other]! >= this.#taken[row + one]! &&
      this.#meets[other * actors + one]! >= this.#taken[row + other]!
    );
  }

  /** Takes note that an actor stands at a point before its step `step`. */
  #learn(actor: number, point: number, step: number): void {
    const points = this.#last[actor]!;
    if ((points.get(point) ?? NEVER) >= step) return;
    points.set(point, step);
    for (let other = 0; other < this.#trace.actors; other++) {
      if (other === actor) continue;
      for (const [its, last] of this.#last[other]!) {
        if (this.#trace.areDependent(point, its)) this.#meet(actor, step, other, last);
      }
    }
  }

  #meet(one: number, step: number, other: number, last: number): void {
    const { actors } = this.#trace;
    const [there, back] = [one * actors + other, other * actors + one];
    if (this.#meets[there]! >= step && this.#meets[back]! >= last) return;
    this.#meets[there] = Math.max(this.#meets[there]!, step);
    this.#meets[back] = Math.max(this.#meets[back]!, last);
    if (this.#meets[there]! >= this.#apart[there]! && this.#meets[back]! >= this.#apart[back]!) {
      this.#isStale = true;
    }
  }
}
