/**
 * Flushing what reclaim has unmapped: in batches, each CPU once for all pages.
 *
 * Entries are cleared under the lock of their table, and the flush comes after that is dropped: before
 * a page is written out, at the latest before it is freed. Until then whoever finds such an entry under
 * that lock, and promises something about its page, must flush first: he cannot see in the entry that
 * TLBs still have it.
 *
 * @source mm/rmap.c set_tlb_ubc_flush_pending(), try_to_unmap_flush(), flush_tlb_batched_pending()
 *         (Linux 6.18)
 */
import type { Machine } from '../machine.ts';
import type { Mm } from '../vma/mm.ts';
import type { Op } from '../world/op.ts';
import { reading, writing } from '../world/point.ts';
import { flushTlbCpus, flushTlbMmRange } from '../world/tlb.ts';

/** A translation of `mm` was taken away, for the batch of `cpu`. Called under the lock of the table. */
export function* deferFlush(machine: Machine, cpu: number, mm: Mm): Op<void> {
  yield reading(machine.objects.cpuMask(mm.id));
  machine.flushes.batchCpus[cpu]! |= machine.mmCpus[mm.id]!;
  yield writing(machine.objects.flushBatched(mm.id));
  machine.flushes.batches[mm.id]!++;
}

/** Flushes what the batch of `cpu` has taken away. No page-table lock is held. */
export function* tryToUnmapFlush(machine: Machine, cpu: number): Op<void> {
  const cpus = machine.flushes.batchCpus[cpu]!;
  if (cpus === 0) return;
  yield* flushTlbCpus(machine, cpu, cpus);
  machine.flushes.batchCpus[cpu] = 0;
}

/**
 * Flushes what others have taken from `mm` and have yet to flush. Called under the lock of a table by
 * who changes its entries: reclaim takes its own from this table under the same lock.
 */
export function* flushTlbBatchedPending(machine: Machine, cpu: number, mm: Mm): Op<void> {
  if (machine.size.swapSlots === 0) return;
  const count = machine.objects.flushBatched(mm.id);
  yield reading(count);
  const pending = machine.flushes.batches[mm.id]!;
  if (pending === machine.flushes.batchesFlushed[mm.id]) return;
  yield* flushTlbMmRange(machine, cpu, mm.id, 0, Number.POSITIVE_INFINITY, false);
  yield writing(count);
  if (machine.flushes.batches[mm.id] === pending) machine.flushes.batchesFlushed[mm.id] = pending;
}
