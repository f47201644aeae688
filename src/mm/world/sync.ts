/**
 * Waiting for lockless walkers: they walk with interrupts off, so a CPU that has taken an interrupt
 * has left every table that it could have seen before.
 *
 * @source mm/mmu_gather.c tlb_remove_table_sync_one() (Linux 6.18)
 */
import { assert } from '../../base/assert.ts';
import { deliverInterrupts } from './delivery.ts';
import { sendInterrupt } from './interrupt.ts';
import type { Op } from './op.ts';
import { acknowledged } from './point.ts';
import { NONE, type World } from './world.ts';

/** When it returns, no CPU walks a table that was unlinked before. */
export function* tlbRemoveTableSyncOne(world: World, cpu: number): Op<void> {
  assert(world.irqsOff[cpu] === 0, 'a CPU that waits for others lets them interrupt it');
  // Of no address space: the handlers flush nothing.
  world.requestMm[cpu] = NONE;
  for (let target = 0; target < world.size.cpus; target++) {
    if (target !== cpu) yield* sendInterrupt(world, cpu, target);
  }
  for (let target = 0; target < world.size.cpus; target++) {
    if (target === cpu) continue;
    deliverInterrupts(world, target);
    yield acknowledged(world.objects.cpu(target));
    world.trace?.ipiAcknowledged(target);
  }
}
