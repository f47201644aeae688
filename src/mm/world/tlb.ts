/**
 * TLB flushes: a CPU flushes its own, and asks the others by interrupt.
 *
 * @source arch/x86/mm/tlb.c flush_tlb_mm_range(), broadcast_tlb_flush() (Linux 6.18)
 * @omits  PCID generations: each address space has a PCID of its own; lazy TLB mode
 */
import { assert } from '../../base/assert.ts';
import { dropTranslations } from './cpu_tlb.ts';
import { deliverInterrupts } from './delivery.ts';
import { sendInterrupt } from './interrupt.ts';
import type { Op } from './op.ts';
import { acknowledged, invalidating, reading } from './point.ts';
import { tellFlush } from './tell.ts';
import type { World } from './world.ts';

/** When it returns, no CPU holds a translation or a walk-cache entry for the pages `[start, end)`. */
export function* flushTlbMmRange(
  world: World,
  cpu: number,
  mm: number,
  start: number,
  end: number,
): Op<void> {
  if (world.size.flush === 'interrupt') {
    yield* flushByInterrupt(world, cpu, mm, start, end);
    return;
  }
  // The instruction reaches CPUs with interrupts off, too: it says nothing about lockless walkers.
  yield invalidating(world.objects.tlb(cpu));
  if (world.trace !== undefined) tellFlush(world.trace, world, mm, start, end);
  for (let other = 0; other < world.size.cpus; other++) {
    dropTranslations(world, other, mm, start, end);
  }
}

function* flushByInterrupt(
  world: World,
  cpu: number,
  mm: number,
  start: number,
  end: number,
): Op<void> {
  assert(world.irqsOff[cpu] === 0, 'a CPU that waits for others lets them interrupt it');
  world.requestMm[cpu] = mm;
  world.requestStart[cpu] = start;
  world.requestEnd[cpu] = end;
  yield reading(world.objects.cpuMask(mm));
  const others = world.mmCpus[mm]! & ~(1 << cpu);
  for (let target = 0; target < world.size.cpus; target++) {
    if ((others & (1 << target)) !== 0) yield* sendInterrupt(world, cpu, target);
  }
  yield invalidating(world.objects.tlb(cpu));
  if (world.trace !== undefined) tellFlush(world.trace, world, mm, start, end);
  dropTranslations(world, cpu, mm, start, end);
  for (let target = 0; target < world.size.cpus; target++) {
    if ((others & (1 << target)) === 0) continue;
    deliverInterrupts(world, target);
    yield acknowledged(world.objects.cpu(target));
    assert((world.pending[target]! & (1 << cpu)) === 0, 'an IPI that was waited for is handled');
    world.trace?.ipiAcknowledged(target);
  }
}
