/**
 * Unmapping in batches: pages and tables that were taken out of the tables are freed only after
 * every CPU has flushed them, and tables only after every lockless walker has left too.
 *
 * The gather of an operation is its CPU's own data.
 *
 * @source mm/mmu_gather.c tlb_gather_mmu(), tlb_flush_mmu(), tlb_finish_mmu() (Linux 6.18)
 */
import { assert } from '../../base/assert.ts';
import { headOf, putFrame } from '../page/frame.ts';
import { dropRmap } from '../rmap/map_count.ts';
import { freeSwapCache } from '../swap/swap_cache.ts';
import type { Mm } from '../vma/mm.ts';
import { VM, type Vma } from '../vma/vma.ts';
import { deliverCallbacks } from '../world/delivery.ts';
import type { Op } from '../world/op.ts';
import { reading, writing } from '../world/point.ts';
import { callRcu } from '../world/rcu.ts';
import { freeTable } from '../world/table_page.ts';
import { flushTlbMmRange } from '../world/tlb.ts';
import type { World } from '../world/world.ts';

/**
 * Begins a gather, for `tlbFinishMmu()` to end. Who finishes while others are under way flushes
 * everything: entries that it found cleared may be those that the others have yet to flush.
 *
 * @source mm/mmu_gather.c tlb_gather_mmu(), tlb_finish_mmu() (Linux 6.18)
 */
export function* tlbGatherMmu(world: World, cpu: number, mm: number): Op<void> {
  yield writing(world.objects.flushPending(mm));
  world.flushes.pending[mm]!++;
  resetGather(world, cpu);
}

/** Flushes and frees what was gathered, and what others are about to flush. */
export function* tlbFinishMmu(world: World, cpu: number, mm: number): Op<void> {
  yield reading(world.objects.flushPending(mm));
  const isNested = world.flushes.pending[mm]! > 1 && world.bugs.noNestedFlush !== true;
  if (isNested) tlbUnlink(world, cpu, 0, Number.MAX_SAFE_INTEGER);
  yield* tlbFlushMmu(world, cpu, mm);
  yield writing(world.objects.flushPending(mm));
  world.flushes.pending[mm]!--;
}

function resetGather(world: World, cpu: number): void {
  world.gatherFrameCount[cpu] = 0;
  world.gatherTableCount[cpu] = 0;
  world.flushes.gatherUnlinked[cpu] = 0;
  world.gatherStart[cpu] = Number.POSITIVE_INFINITY;
  world.gatherEnd[cpu] = 0;
}

/** Whether the gather has room for another page and another table. */
export function isGatherFull(world: World, cpu: number): boolean {
  const { gather } = world.size;
  return world.gatherFrameCount[cpu] === gather || world.gatherTableCount[cpu] === gather;
}

/** Collects a page whose entry was cleared, with the reference that the entry had. */
export function tlbRemovePage(world: World, cpu: number, page: number, frame: number): void {
  assert(world.gatherFrameCount[cpu]! < world.size.gather, 'a gather has room for another page');
  world.gatherFrames[cpu * world.size.gather + world.gatherFrameCount[cpu]!++] = frame;
  tlbChange(world, cpu, page, page + 1);
}

/**
 * As `tlbRemovePage()`, of a page of a file that was written to: until the flush it counts as mapped,
 * so that nobody takes it for clean who may find it written to once more.
 */
export function tlbRemovePageLater(world: World, cpu: number, page: number, frame: number): void {
  tlbRemovePage(world, cpu, page, -1 - frame);
}

/**
 * Flushes if pages wait for that to count as mapped no longer. Called under the lock of their table.
 *
 * @source mm/mmu_gather.c tlb_flush_rmaps() (Linux 6.18)
 */
export function* tlbFlushRmaps(world: World, cpu: number, mm: Mm): Op<void> {
  const first = cpu * world.size.gather;
  let isFlushed = false;
  for (let at = first; at < first + world.gatherFrameCount[cpu]!; at++) {
    if (world.gatherFrames[at]! >= 0) continue;
    if (!isFlushed) {
      yield* flushTlbMmRange(world, cpu, mm.id, world.gatherStart[cpu]!, world.gatherEnd[cpu]!);
    }
    isFlushed = true;
    world.gatherFrames[at] = -1 - world.gatherFrames[at]!;
    const frame = world.gatherFrames[at]!;
    yield writing(world.objects.frame(headOf(world, frame)));
    dropRmap(world, mm, frame);
  }
}

/** `table` was linked for the pages `[start, end)`. */
export function tlbRemoveTable(
  world: World,
  cpu: number,
  start: number,
  end: number,
  table: number,
): void {
  world.gatherTables[cpu * world.size.gather + world.gatherTableCount[cpu]!++] = table;
  tlbUnlink(world, cpu, start, end);
}

/** As `tlbChange()`, where tables are linked no longer, or may have been. */
export function tlbUnlink(world: World, cpu: number, start: number, end: number): void {
  world.flushes.gatherUnlinked[cpu] = 1;
  tlbChange(world, cpu, start, end);
}

/** Entries of `[start, end)` have changed: their translations are to be flushed. */
export function tlbChange(world: World, cpu: number, start: number, end: number): void {
  if (start < world.gatherStart[cpu]!) world.gatherStart[cpu] = start;
  if (end > world.gatherEnd[cpu]!) world.gatherEnd[cpu] = end;
}

/**
 * Before VMAs leave the lists of their files: the owner of memory that entries map without a reference
 * (VM_PFNMAP) frees it when it finds none of them there, so it is to be flushed by then.
 *
 * @source include/asm-generic/tlb.h tlb_free_vmas() (Linux 6.18)
 */
export function* tlbFreeVmas(
  world: World,
  cpu: number,
  mm: number,
  vmas: readonly Pick<Vma, 'flags'>[],
): Op<void> {
  if (world.bugs.pfnsFlushedLater === true) return;
  if (vmas.some(({ flags }) => (flags & VM.PFNMAP) !== 0)) yield* tlbFlushMmu(world, cpu, mm);
}

/** Flushes, then frees the pages, and the tables after a grace period. */
export function* tlbFlushMmu(world: World, cpu: number, mm: number): Op<void> {
  if (world.gatherEnd[cpu] === 0) return;
  if (world.bugs.pagesFreedBeforeFlush === true) yield* freeFrames(world, cpu);
  const freedTables = world.flushes.gatherUnlinked[cpu] === 1;
  const [start, end] = [world.gatherStart[cpu]!, world.gatherEnd[cpu]!];
  yield* flushTlbMmRange(world, cpu, mm, start, end, freedTables);
  yield* freeFrames(world, cpu);
  for (let at = 0; at < world.gatherTableCount[cpu]!; at++) {
    const table = world.gatherTables[cpu * world.size.gather + at]!;
    if (world.bugs.tablesFreedAtOnce === true) yield* freeTable(world, cpu, table);
    else yield* callRcu(world, cpu, table);
  }
  if (world.gatherTableCount[cpu]! > 0) deliverCallbacks(world, cpu);
  resetGather(world, cpu);
}

function* freeFrames(world: World, cpu: number): Op<void> {
  for (let at = 0; at < world.gatherFrameCount[cpu]!; at++) {
    const frame = world.gatherFrames[cpu * world.size.gather + at]!;
    yield* freeSwapCache(world, cpu, headOf(world, frame));
    yield* putFrame(world, cpu, frame);
  }
  world.gatherFrameCount[cpu] = 0;
}
