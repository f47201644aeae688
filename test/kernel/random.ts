/** Random numbers that a seed repeats, and choices by them. */
import { RandomNumbers } from '../../src/check/strategy/random_numbers.ts';

const FINE = 2 ** 32;

export class Random extends RandomNumbers {
  /** An integer of [low, high]. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  /** True in `percent` of a hundred cases. */
  chance(percent: number): boolean {
    return this.below(FINE) < (percent / 100) * FINE;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }

  /** One of the keys of `weights`, as often as its share of their sum. */
  pickKey<Key extends string>(weights: Readonly<Record<Key, number>>): Key {
    const entries = Object.entries(weights) as [Key, number][];
    const sum = entries.reduce((total, [, weight]) => total + weight, 0);
    let at = (this.below(FINE) / FINE) * sum;
    for (const [key, weight] of entries) {
      at -= weight;
      if (at < 0) return key;
    }
    return entries.at(-1)![0];
  }
}
