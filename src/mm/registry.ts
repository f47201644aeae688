/** Objects that have numbers. */
import { assert } from '../base/assert.ts';

/**
 * Places for objects of one kind. Each CPU gives out numbers of its own, so that the numbers do not
 * depend on which of two CPUs was faster; it takes those of others when it has none left.
 */
export class Registry<T> {
  private readonly items: (T | undefined)[] = [];
  private readonly free: number[][];

  constructor(places: number, cpus: number) {
    this.free = Array.from({ length: cpus }, () => []);
    for (let id = places - 1; id >= 0; id--) this.free[id % cpus]!.push(id);
  }

  /** Puts what `make` makes of its number in its place. */
  add<Made extends T>(cpu: number, make: (id: number) => Made): Made {
    const list = this.free[cpu]!.length > 0 ? this.free[cpu]! : this.free.find((l) => l.length > 0);
    const id = list?.pop();
    assert(id !== undefined, 'there are places for all objects');
    const item = make(id);
    this.items[id] = item;
    return item;
  }

  remove(cpu: number, id: number): void {
    assert(this.items[id] !== undefined, 'an object that goes was there');
    this.items[id] = undefined;
    this.free[cpu]!.push(id);
  }

  get(id: number): T {
    const item = this.items[id];
    assert(item !== undefined, 'an object that is used is there');
    return item;
  }

  /** What is in the place `id`, if anything. */
  find(id: number): T | undefined {
    return this.items[id];
  }

  get isFull(): boolean {
    return this.free.every((list) => list.length === 0);
  }

  all(): T[] {
    return this.items.filter((item) => item !== undefined);
  }
}
