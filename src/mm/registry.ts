/** Objects that have numbers. */
import { assert } from '../base/assert.ts';

/**
 * Places for objects of one kind. Each CPU gives out numbers of its own, so that the numbers do not
 * depend on which of two CPUs was faster; it takes those of others when it has none left.
 */
export class Registry<T> {
  private readonly items: (T | undefined)[] = [];
  private readonly places: number;
  /** Of each CPU: its numbers that came back, to be given out again before new ones. */
  private readonly returned: number[][];
  /** Of each CPU: the first of its numbers that nobody has had. Numbers go round the CPUs. */
  private readonly unused: number[];

  constructor(places: number, cpus: number) {
    this.places = places;
    this.returned = Array.from({ length: cpus }, () => []);
    this.unused = Array.from({ length: cpus }, (_, cpu) => cpu);
  }

  /** Puts what `make` makes of its number in its place. */
  add<Made extends T>(cpu: number, make: (id: number) => Made): Made {
    const owner = this.hasFree(cpu)
      ? cpu
      : this.unused.findIndex((_, other) => this.hasFree(other));
    assert(owner >= 0, 'there are places for all objects');
    const id = this.returned[owner]!.pop() ?? this.newId(owner);
    const item = make(id);
    this.items[id] = item;
    return item;
  }

  remove(cpu: number, id: number): void {
    assert(this.items[id] !== undefined, 'an object that goes was there');
    this.items[id] = undefined;
    this.returned[cpu]!.push(id);
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
    return this.unused.every((_, cpu) => !this.hasFree(cpu));
  }

  all(): T[] {
    return this.items.filter((item) => item !== undefined);
  }

  private hasFree(cpu: number): boolean {
    return this.returned[cpu]!.length > 0 || this.unused[cpu]! < this.places;
  }

  private newId(cpu: number): number {
    const id = this.unused[cpu]!;
    this.unused[cpu] = id + this.unused.length;
    return id;
  }
}
