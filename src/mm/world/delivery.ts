/**
 * Who runs interrupt handlers and RCU callbacks: here, actors of their own, whenever they may.
 *
 * In the blanked build `delivery.fast.ts` takes this file's place: there they run inline, where their
 * sender would wait for them.
 */
import { handleInterrupts } from './interrupt.ts';
import type { Machine } from './machine.ts';
import type { Op } from './op.ts';
import { interrupting } from './point.ts';
import { runCallbacks } from './rcu.ts';

/** The interrupt handler of `cpu`, for ever. */
export function* interruptActor(machine: Machine, cpu: number): Op<void> {
  for (;;) {
    yield interrupting(machine.objects.cpu(cpu));
    handleInterrupts(machine, cpu);
  }
}

/** The softirq of `cpu` that runs RCU callbacks, for ever. */
export function* callbackActor(machine: Machine, cpu: number): Op<void> {
  for (;;) yield* runCallbacks(machine, cpu);
}

/** The interrupt actor of `cpu` does it. */
export function deliverInterrupts(_machine: Machine, _cpu: number): void {}

/** The callback actor of `cpu` does it. */
export function deliverCallbacks(_machine: Machine, _cpu: number): void {}
