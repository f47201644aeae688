/**
 * TLB flushes: a CPU flushes its own, and asks the others by interrupt.
 *
 * @source arch/x86/mm/tlb.c flush_tlb_mm_range(), broadcast_tlb_flush() (Linux 6.18)
 * @omits  PCID generations: each address space has a PCID of its own
 */
import { assert } from '../../base/assert.ts';
import { dropTranslations, EVERY_MM } from './cpu_tlb.ts';
import { deliverInterrupts } from './delivery.ts';
import { sendInterrupt } from './interrupt.ts';
import type { Op } from './op.ts';
import { acknowledged, invalidating, reading } from './point.ts';
import { whoFlushes } from './switch_mm.ts';
import { tellFlush } from './tell.ts';
import type { World } from './world.ts';

/**
 * When it returns, no CPU uses a translation for the pages `[start, end)`, nor does who walks the tables
 * of `mm` by other means.
 *
 * @param freedTables whether tables were unlinked: then nothing in walk caches leads to them, either,
 *                    not even on CPUs that run `mm` lazily
 */
export function* flushTlbMmRange(
  world: World,
  cpu: number,
  mm: number,
  start: number,
  end: number,
  freedTables = true,
): Op<void> {
  yield* flushCpus(world, cpu, mm, start, end, freedTables);
  for (const invalidate of world.secondary) yield* invalidate(world, cpu, mm, start, end);
}

/** As `flushTlbMmRange()`, of what only TLBs know: the pages of a guest. */
export function* flushTlbSpace(
  world: World,
  cpu: number,
  space: number,
  start: number,
  end: number,
): Op<void> {
  // What a CPU has loaded says nothing of the guest on it: none is passed over.
  yield* flushCpus(world, cpu, space, start, end, true);
}

function* flushCpus(
  world: World,
  cpu: number,
  mm: number,
  start: number,
  end: number,
  freedTables: boolean,
): Op<void> {
  if (world.size.flush === 'interrupt') {
    yield* flushByInterrupt(world, cpu, mm, start, end, freedTables);
    return;
  }
  // The instruction reaches CPUs with interrupts off, too: it says nothing about lockless walkers.
  yield invalidating(world.objects.tlb(cpu));
  if (world.trace !== undefined) tellFlush(world.trace, world, mm, start, end);
  for (let other = 0; other < world.size.cpus; other++) {
    dropTranslations(world, other, mm, start, end, !freedTables);
  }
}

/** When it returns, no CPU holds any translation. @source arch/x86/mm/tlb.c flush_tlb_all() */
export function* flushTlbAll(world: World, cpu: number): Op<void> {
  const end = Number.POSITIVE_INFINITY;
  if (world.size.flush === 'interrupt') {
    yield* interruptAndFlush(world, cpu, 2 ** world.size.cpus - 1, EVERY_MM, 0, end);
    return;
  }
  yield invalidating(world.objects.tlb(cpu));
  if (world.trace !== undefined) tellFlush(world.trace, world, EVERY_MM, 0, end);
  for (let other = 0; other < world.size.cpus; other++) {
    dropTranslations(world, other, EVERY_MM, 0, end);
  }
}

/**
 * When it returns, none of `cpus`, nor this one, holds any translation: one interrupt for each,
 * whatever is loaded there (as arch_tlbbatch_flush() does).
 */
export function* flushTlbCpus(world: World, cpu: number, cpus: number): Op<void> {
  if (world.size.flush === 'interrupt') {
    yield* interruptAndFlush(world, cpu, cpus, EVERY_MM, 0, Number.POSITIVE_INFINITY);
  } else yield* flushTlbAll(world, cpu);
}

function* flushByInterrupt(
  world: World,
  cpu: number,
  mm: number,
  start: number,
  end: number,
  freedTables: boolean,
): Op<void> {
  yield reading(world.objects.cpuMask(mm));
  let cpus = world.mmCpus[mm]!;
  if (world.size.switches && !freedTables) {
    cpus = yield* whoFlushes(world, cpu, cpus, mm, start, end);
  }
  yield* interruptAndFlush(world, cpu, cpus, mm, start, end);
}

/** Lets `cpus`, and in any case this one, flush the pages `[start, end)` of `mm`, or everything. */
function* interruptAndFlush(
  world: World,
  cpu: number,
  cpus: number,
  mm: number,
  start: number,
  end: number,
): Op<void> {
  assert(world.irqsOff[cpu] === 0, 'a CPU that waits for others lets them interrupt it');
  world.requestMm[cpu] = mm;
  world.requestStart[cpu] = start;
  world.requestEnd[cpu] = end;
  const others = cpus & ~(1 << cpu);
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
