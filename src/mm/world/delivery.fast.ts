/** The blanked build of `delivery.ts`: alone, a CPU waits for nobody. */
import { handleInterrupts } from './interrupt.ts';
import type { Op } from './op.ts';
import { runCallbacks } from './rcu.ts';
import type { World } from './world.ts';

/** What is pending now. */
export function interruptActor(world: World, cpu: number): Op<void> {
  const { trace } = world;
  if (trace === undefined) {
    handleInterrupts(world, cpu);
    return;
  }
  const sender = trace.cpu;
  trace.cpu = cpu;
  handleInterrupts(world, cpu);
  trace.cpu = sender;
}

/** What is queued now. */
export function callbackActor(world: World, cpu: number): Op<void> {
  runCallbacks(world, cpu);
}

export const deliverInterrupts: (world: World, cpu: number) => void = interruptActor;
export const deliverCallbacks: (world: World, cpu: number) => void = callbackActor;
