/** Schedules at random: in every state each actor that can go is as likely as the others. */
import type { Trace } from '../trace.ts';
import type { RandomNumbers } from './random_numbers.ts';
import { FINISHED, type Strategy, turnOf } from './strategy.ts';

export class RandomWalk implements Strategy {
  readonly bound = 'sample';
  readonly #trace: Trace;
  readonly #random: RandomNumbers;
  #left: number;

  constructor(trace: Trace, random: RandomNumbers, executions: number) {
    this.#trace = trace;
    this.#random = random;
    this.#left = executions;
  }

  begin(): number {
    if (this.#left === 0) return FINISHED;
    this.#left--;
    this.#trace.length = 0;
    return 0;
  }

  choose(): number {
    const { length, actors, ways } = this.#trace;
    let able = 0;
    for (let actor = 0; actor < actors; actor++) {
      if (ways[length * actors + actor]! > 0) able++;
    }
    let nth = this.#random.below(able);
    let actor = 0;
    while (ways[length * actors + actor] === 0 || nth-- > 0) actor++;
    return turnOf(actor, this.#random.below(ways[length * actors + actor]!));
  }

  end(): void {}
}
