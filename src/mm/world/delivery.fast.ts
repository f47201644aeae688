/** The blanked build of `delivery.ts`: alone, a CPU waits for nobody. */
import { handleInterrupts } from './interrupt.ts';
import type { Machine } from './machine.ts';
import type { Op } from './op.ts';
import { runCallbacks } from './rcu.ts';

/** What is pending now. */
export function interruptActor(machine: Machine, cpu: number): Op<void> {
  handleInterrupts(machine, cpu);
}

/** What is queued now. */
export function callbackActor(machine: Machine, cpu: number): Op<void> {
  runCallbacks(machine, cpu);
}

export const deliverInterrupts: (machine: Machine, cpu: number) => void = interruptActor;
export const deliverCallbacks: (machine: Machine, cpu: number) => void = callbackActor;
