/**
 * Who runs interrupt handlers and RCU callbacks: here, actors of their own, whenever they may.
 *
 * In the blanked build `delivery.fast.ts` takes this file's place: there they run inline, where their
 * sender would wait for them.
 */
import { handleInterrupts } from './interrupt.ts';
import type { Op } from './op.ts';
import { interrupting } from './point.ts';
import { runCallbacks } from './rcu.ts';
import type { World } from './world.ts';

/** The interrupt handler of `cpu`, for ever. */
export function* interruptActor(world: World, cpu: number): Op<void> {
  for (;;) {
    yield interrupting(world.objects.cpu(cpu));
    handleInterrupts(world, cpu);
  }
}

/** The softirq of `cpu` that runs RCU callbacks, for ever. */
export function* callbackActor(world: World, cpu: number): Op<void> {
  for (;;) yield* runCallbacks(world, cpu);
}

/** The interrupt actor of `cpu` does it. */
export function deliverInterrupts(_world: World, _cpu: number): void {}

/** The callback actor of `cpu` does it. */
export function deliverCallbacks(_world: World, _cpu: number): void {}
