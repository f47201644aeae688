/**
 * RCU: what lockless readers may still see is freed after they have all left.
 *
 * A grace period is a wait for each CPU in turn to be outside of read sections and irq-off sections.
 *
 * @source kernel/rcu/tree.c call_rcu(), synchronize_rcu(); mm/mmu_gather.c tlb_remove_table_free()
 */
import { assert } from '../../base/assert.ts';
import type { Op } from './op.ts';
import { changingCpu, Note, quiescent, takingCallbacks, writing } from './point.ts';
import { freeTable } from './table_page.ts';
import { NONE, type World } from './world.ts';

export function* rcuReadLock(world: World, cpu: number): Op<void> {
  yield changingCpu(world.objects.cpu(cpu), Note.RCU_LOCK);
  world.rcuNesting[cpu]!++;
}

export function* rcuReadUnlock(world: World, cpu: number): Op<void> {
  yield changingCpu(world.objects.cpu(cpu), Note.RCU_UNLOCK);
  assert(world.rcuNesting[cpu]! > 0, 'an RCU read section that ends has begun');
  world.rcuNesting[cpu]!--;
}

export const isQuiescent = (world: World, cpu: number): boolean =>
  world.rcuNesting[cpu] === 0 && world.irqsOff[cpu] === 0;

export function* synchronizeRcu(world: World): Op<void> {
  world.trace?.gracePeriodBegin();
  for (let cpu = 0; cpu < world.size.cpus; cpu++) {
    yield quiescent(world.objects.cpu(cpu));
    assert(isQuiescent(world, cpu), 'a grace period waits for readers');
  }
  world.trace?.gracePeriodEnd();
}

/** Frees `table` after a grace period. */
export function* callRcu(world: World, cpu: number, table: number): Op<void> {
  yield writing(world.objects.callbacks(cpu));
  world.tableNext[table] = world.callbackTables[cpu]!;
  world.callbackTables[cpu] = table;
}

/**
 * Frees, after one grace period, all tables that `cpu` has handed to `callRcu()` by now.
 *
 * It is a thread of its own beside the program of the CPU, so the locks it holds are its own, too.
 */
export function* runCallbacks(world: World, cpu: number): Op<void> {
  yield takingCallbacks(world.objects.callbacks(cpu));
  let table = world.callbackTables[cpu]!;
  world.callbackTables[cpu] = NONE;
  if (table === NONE) return;
  yield* synchronizeRcu(world);
  const thread = world.size.cpus + cpu;
  while (table !== NONE) {
    const next = world.tableNext[table]!;
    yield* freeTable(world, thread, table);
    table = next;
  }
}
