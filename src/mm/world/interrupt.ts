/**
 * Interrupts: sections that keep them off, and the function call that one CPU asks of another.
 *
 * @source kernel/smp.c smp_call_function_many_cond() (Linux 6.18)
 */
import { assert } from '../base/assert.ts';
import type { Machine } from './machine.ts';
import type { Op } from './op.ts';
import { writing } from './point.ts';

export function* localIrqDisable(machine: Machine, cpu: number): Op<void> {
  yield writing(machine.objects.cpu(cpu));
  machine.irqsOff[cpu]!++;
}

export function* localIrqEnable(machine: Machine, cpu: number): Op<void> {
  yield writing(machine.objects.cpu(cpu));
  assert(machine.irqsOff[cpu]! > 0, 'interrupts that are turned on were off');
  machine.irqsOff[cpu]!--;
}

/** Asks `target` to flush what `cpu` has written into its request. */
export function* sendInterrupt(machine: Machine, cpu: number, target: number): Op<void> {
  yield writing(machine.objects.cpu(target));
  assert((machine.pending[target]! & (1 << cpu)) === 0, 'a CPU waits for its last request');
  machine.pending[target]! |= 1 << cpu;
}

/** What the handler on `cpu` does, in one go, for all that have sent it a request. */
export function handleInterrupts(machine: Machine, cpu: number): void {
  assert(machine.irqsOff[cpu] === 0, 'a handler runs while interrupts are on');
  for (let sender = 0; sender < machine.size.cpus; sender++) {
    if ((machine.pending[cpu]! & (1 << sender)) === 0) continue;
    const { requestMm, requestStart, requestEnd } = machine;
    machine.ledger.discharge(cpu, requestMm[sender]!, requestStart[sender]!, requestEnd[sender]!);
  }
  machine.pending[cpu] = 0;
}
