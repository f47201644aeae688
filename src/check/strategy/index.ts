/** The strategies by name. */
import type { Trace } from '../trace.ts';
import { DepthFirst } from './depth_first.ts';
import { Optimal } from './optimal.ts';
import { Pct } from './pct.ts';
import { Preemptions } from './preemptions.ts';
import { RandomNumbers } from './random_numbers.ts';
import { RandomWalk } from './random_walk.ts';
import { SleepSets } from './sleep_sets.ts';
import type { Probe, Strategy } from './strategy.ts';
import { SwitchBounded } from './switch_bounded.ts';

/** How to search. */
export type StrategyOption =
  /** Every schedule. */
  | 'none'
  /** One complete execution for each order of dependent steps; others are begun and given up. */
  | 'sleep'
  /** One execution for each order of dependent steps. */
  | 'optimal'
  /**
   * One execution for each order of dependent steps that needs at most so many preemptions, or,
   * without reduction, every schedule with at most so many.
   */
  | { readonly name: 'preemptions'; readonly max: number; readonly reduction?: 'none' | 'optimal' }
  /** Every schedule in which at most so many times another actor goes on. */
  | { readonly name: 'switches'; readonly max: number }
  /** Random priorities: finds bugs of a small depth with a known probability. */
  | {
      readonly name: 'pct';
      readonly depth: number;
      readonly seed: number;
      readonly executions: number;
    }
  /** Random turns. */
  | { readonly name: 'random'; readonly seed: number; readonly executions: number };

/** @throws RangeError if an option has a value that means nothing */
export function newStrategy(option: StrategyOption, trace: Trace, probe: Probe): Strategy {
  if (option === 'none') return new DepthFirst(trace);
  if (option === 'sleep') return new SleepSets(trace);
  if (option === 'optimal') return new Optimal(trace, probe);
  if (option.name === 'preemptions') {
    if (option.reduction === 'none') return new SwitchBounded(trace, option.max, true);
    return new Optimal(trace, probe, new Preemptions(trace, probe, option.max));
  }
  if (option.name === 'switches') return new SwitchBounded(trace, option.max, false);
  const random = new RandomNumbers(option.seed);
  if (option.name === 'random') return new RandomWalk(trace, random, option.executions);
  if (!(option.depth >= 1)) {
    throw new RangeError(
      `Cannot search with PCT: a bug has a depth of at least 1: current value is ${option.depth}`,
    );
  }
  return new Pct(trace, random, option.depth, option.executions);
}
