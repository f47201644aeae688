/**
 * TLB flushes: a CPU flushes its own, and asks the others by interrupt.
 *
 * @source arch/x86/mm/tlb.c flush_tlb_mm_range(), broadcast_tlb_flush() (Linux 6.18)
 * @omits  PCID generations, lazy TLB mode, switching between address spaces
 */
import { assert } from '../base/assert.ts';
import { deliverInterrupts } from './delivery.ts';
import { sendInterrupt } from './interrupt.ts';
import type { Machine } from './machine.ts';
import type { Op } from './op.ts';
import { acknowledged, invalidating, reading } from './point.ts';

/** When it returns, no CPU holds a translation or a walk-cache entry for the pages `[start, end)`. */
export function* flushTlbMmRange(
  machine: Machine,
  cpu: number,
  mm: number,
  start: number,
  end: number,
): Op<void> {
  if (machine.size.flush === 'interrupt') {
    yield* flushByInterrupt(machine, cpu, mm, start, end);
    return;
  }
  // The instruction reaches CPUs with interrupts off, too: it says nothing about lockless walkers.
  yield invalidating(machine.objects.tlb(cpu));
  for (let other = 0; other < machine.size.cpus; other++) {
    machine.ledger.discharge(other, mm, start, end);
  }
}

function* flushByInterrupt(
  machine: Machine,
  cpu: number,
  mm: number,
  start: number,
  end: number,
): Op<void> {
  assert(machine.irqsOff[cpu] === 0, 'a CPU that waits for others lets them interrupt it');
  machine.requestMm[cpu] = mm;
  machine.requestStart[cpu] = start;
  machine.requestEnd[cpu] = end;
  yield reading(machine.objects.cpuMask(mm));
  const others = machine.mmCpus[mm]! & ~(1 << cpu);
  for (let target = 0; target < machine.size.cpus; target++) {
    if ((others & (1 << target)) !== 0) yield* sendInterrupt(machine, cpu, target);
  }
  yield invalidating(machine.objects.tlb(cpu));
  machine.ledger.discharge(cpu, mm, start, end);
  for (let target = 0; target < machine.size.cpus; target++) {
    if ((others & (1 << target)) === 0) continue;
    deliverInterrupts(machine, target);
    yield acknowledged(machine.objects.cpu(target));
    assert((machine.pending[target]! & (1 << cpu)) === 0, 'an IPI that was waited for is handled');
  }
}
