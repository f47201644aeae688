/** A word of shared memory. Memory is sequentially consistent. */
import { Kind, pointOf, Shared, type Surroundings, type Task } from './shared.ts';

export class Word extends Shared {
  /** Its value, for whoever looks at a final state; threads use `read()`. */
  value: number;
  readonly #initial: number;
  readonly #reading: number;
  readonly #writing: number;
  /** What each thread waits for. */
  readonly #wanted: ((value: number) => boolean)[] = [];
  /** What each thread compares it with. */
  readonly #expected: number[] = [];

  constructor(world: Surroundings, name: string, id: number, initial: number) {
    super(world, name, id);
    this.value = initial;
    this.#initial = initial;
    this.#reading = pointOf(Kind.READ, id);
    this.#writing = pointOf(Kind.WRITE, id);
  }

  *read(): Task<number> {
    yield this.#reading;
    return this.value;
  }

  *write(value: number): Task {
    yield this.#writing;
    this.value = value;
  }

  /** Adds `more`, and returns what was there before. */
  *fetchAdd(more: number): Task<number> {
    yield this.#writing;
    const before = this.value;
    this.value = before + more;
    return before;
  }

  /** Stores `value`, and returns what was there before. */
  *exchange(value: number): Task<number> {
    yield this.#writing;
    const before = this.value;
    this.value = value;
    return before;
  }

  /** Stores `desired` if `expected` is there; whether it was. If not, it is a read. */
  *cas(expected: number, desired: number): Task<boolean> {
    this.#expected[this.world.running] = expected;
    yield pointOf(Kind.CAS, this.id);
    if (this.value !== expected) return false;
    this.value = desired;
    return true;
  }

  /** Waits, without spinning, until `isWanted` is true of the value, and returns it. */
  *until(isWanted: (value: number) => boolean): Task<number> {
    this.#wanted[this.world.running] = isWanted;
    yield pointOf(Kind.UNTIL, this.id);
    return this.value;
  }

  /** What the compare-and-exchange that `thread` is about to do would be now. */
  casNow(thread: number): number {
    const kind = this.value === this.#expected[thread] ? Kind.CAS : Kind.CAS_FAILED;
    return pointOf(kind, this.id);
  }

  override state(): string {
    return String(this.value);
  }

  override reset(): void {
    this.value = this.#initial;
  }

  override mayGo(thread: number, kind: Kind): boolean {
    return kind !== Kind.UNTIL || this.#wanted[thread]!(this.value);
  }
}
