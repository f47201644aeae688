/**
 * Interrupts: sections that keep them off, and the function call that one CPU asks of another.
 *
 * @source kernel/smp.c smp_call_function_many_cond() (Linux 6.18)
 */
import { assert } from '../../base/assert.ts';
import { dropTranslations } from './cpu_tlb.ts';
import type { Op } from './op.ts';
import { changingCpu, Note } from './point.ts';
import { tellHandling, tellRequest } from './tell.ts';
import type { World } from './world.ts';

export function* localIrqDisable(world: World, cpu: number): Op<void> {
  yield changingCpu(world.objects.cpu(cpu), Note.IRQS_OFF);
  world.irqsOff[cpu]!++;
}

export function* localIrqEnable(world: World, cpu: number): Op<void> {
  yield changingCpu(world.objects.cpu(cpu), Note.IRQS_ON);
  assert(world.irqsOff[cpu]! > 0, 'interrupts that are turned on were off');
  world.irqsOff[cpu]!--;
}

/** Asks `target` to flush what `cpu` has written into its request. */
export function* sendInterrupt(world: World, cpu: number, target: number): Op<void> {
  yield changingCpu(world.objects.cpu(target), Note.SEND);
  assert((world.pending[target]! & (1 << cpu)) === 0, 'a CPU waits for its last request');
  world.pending[target]! |= 1 << cpu;
  if (world.trace !== undefined) tellRequest(world.trace, world, cpu, target);
}

/** What the handler on `cpu` does, in one go, for all that have sent it a request. */
export function handleInterrupts(world: World, cpu: number): void {
  assert(world.irqsOff[cpu] === 0, 'a handler runs while interrupts are on');
  for (let sender = 0; sender < world.size.cpus; sender++) {
    if ((world.pending[cpu]! & (1 << sender)) === 0) continue;
    if (world.trace !== undefined) tellHandling(world.trace, world, sender);
    const { requestMm, requestStart, requestEnd } = world;
    dropTranslations(world, cpu, requestMm[sender]!, requestStart[sender]!, requestEnd[sender]!);
  }
  world.pending[cpu] = 0;
}
