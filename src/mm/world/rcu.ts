/**
 * RCU: what lockless readers may still see is freed after they have all left.
 *
 * A grace period is a wait for each CPU in turn to be outside of read sections and irq-off sections.
 *
 * @source kernel/rcu/tree.c call_rcu(), synchronize_rcu(); mm/mmu_gather.c tlb_remove_table_free()
 */
import { assert } from '../base/assert.ts';
import { type Machine, NONE } from './machine.ts';
import type { Op } from './op.ts';
import { freeTable } from './pgtable.ts';
import { quiescent, takingCallbacks, writing } from './point.ts';

export function* rcuReadLock(machine: Machine, cpu: number): Op<void> {
  yield writing(machine.objects.cpu(cpu));
  machine.rcuNesting[cpu]!++;
}

export function* rcuReadUnlock(machine: Machine, cpu: number): Op<void> {
  yield writing(machine.objects.cpu(cpu));
  assert(machine.rcuNesting[cpu]! > 0, 'an RCU read section that ends has begun');
  machine.rcuNesting[cpu]!--;
}

export const isQuiescent = (machine: Machine, cpu: number): boolean =>
  machine.rcuNesting[cpu] === 0 && machine.irqsOff[cpu] === 0;

export function* synchronizeRcu(machine: Machine): Op<void> {
  for (let cpu = 0; cpu < machine.size.cpus; cpu++) {
    yield quiescent(machine.objects.cpu(cpu));
    assert(isQuiescent(machine, cpu), 'a grace period waits for readers');
  }
}

/** Frees `table` after a grace period. */
export function* callRcu(machine: Machine, cpu: number, table: number): Op<void> {
  yield writing(machine.objects.callbacks(cpu));
  machine.tableNext[table] = machine.callbackTables[cpu]!;
  machine.callbackTables[cpu] = table;
}

/**
 * Frees, after one grace period, all tables that `cpu` has handed to `callRcu()` by now.
 *
 * It is a thread of its own beside the program of the CPU, so the locks it holds are its own, too.
 */
export function* runCallbacks(machine: Machine, cpu: number): Op<void> {
  yield takingCallbacks(machine.objects.callbacks(cpu));
  let table = machine.callbackTables[cpu]!;
  machine.callbackTables[cpu] = NONE;
  if (table === NONE) return;
  yield* synchronizeRcu(machine);
  const thread = machine.size.cpus + cpu;
  while (table !== NONE) {
    const next = machine.tableNext[table]!;
    yield* freeTable(machine, thread, table);
    table = next;
  }
}
