/**
 * Who is flushed when the host changes.
 *
 * Nobody runs the host, so its flush reaches no other CPU: they hold its entries as those of guests.
 * v3 registers a notifier on the host that flushes every CPU. It runs with every flush of the host,
 * before what was unmapped is freed.
 *
 * Dave Hansen's options B, C and D reach fewer CPUs. C and D know guests by i_mmap of the region, which
 * a VMA leaves before the flush of its munmap(2).
 *
 * @source v3 08/22 mshare_invalidate_tlbs(); Dave Hansen, "About TLB flushing...", 2 October 2024
 */
import type { Machine } from '../../mm/machine.ts';
import { lockShared, Rank, unlockShared } from '../../mm/world/lock.ts';
import type { Op } from '../../mm/world/op.ts';
import { lockingShared, reading, unlockingShared } from '../../mm/world/point.ts';
import { flushTlbAll, flushTlbCpus, flushTlbMmRange } from '../../mm/world/tlb.ts';
import type { World } from '../../mm/world/world.ts';
import { alignment, machineOf, pagesOfRegion, type Region, regionOfHost } from './region.ts';
import type { MshareVariant } from './variant.ts';

/** The pages `[start, end)` of an address space were flushed; those who see them as guests are, too. */
export function* flushGuests(
  { flush, forwards }: MshareVariant,
  world: World,
  cpu: number,
  mm: number,
  start: number,
  end: number,
): Op<void> {
  const machine = machineOf(world);
  const region = regionOfHost(machine, mm);
  if (region === undefined) return;
  switch (flush) {
    case 'all':
      yield* flushTlbAll(world, cpu);
      break;
    case 'host-mask':
      break;
    case 'kept-mask':
      yield reading(world.objects.cpuMask(mm));
      yield* flushTlbCpus(world, cpu, world.mmCpus[mm]!);
      break;
    default:
      yield* flushListed(machine, cpu, region, flush, start, end);
  }
  if (forwards !== 'no') yield* forward(machine, cpu, region, start, end);
}

/** Flushes the guests that i_mmap lists. */
function* flushListed(
  machine: Machine,
  cpu: number,
  region: Region,
  flush: 'guests' | 'guests-rwsem' | 'multi-cpu',
  start: number,
  end: number,
): Op<void> {
  const guard = machine.objects.iMmapLock(region.inode);
  const isSleeping = flush === 'guests-rwsem';
  if (isSleeping) yield* lockShared(machine, cpu, guard, Rank.I_MMAP);
  else yield* lockList(machine, guard);
  const guests = guestRanges(machine, region, start, end);
  if (flush === 'multi-cpu') {
    let cpus = 0;
    for (const { mm } of guests) {
      yield reading(machine.objects.cpuMask(mm));
      cpus |= machine.mmCpus[mm]!;
    }
    yield* flushTlbCpus(machine, cpu, cpus);
  } else {
    for (const guest of guests) {
      yield* flushTlbMmRange(machine, cpu, guest.mm, guest.start, guest.end);
    }
  }
  if (isSleeping) yield* unlockShared(machine, cpu, guard, Rank.I_MMAP);
  else yield* unlockList(machine, guard);
}

/** As if a spinlock below all others guarded the list: the flush may come under page-table locks. */
function* lockList(machine: Machine, guard: number): Op<void> {
  yield lockingShared(guard);
  machine.lockReaders[guard]!++;
}

function* unlockList(machine: Machine, guard: number): Op<void> {
  yield unlockingShared(guard);
  machine.lockReaders[guard]!--;
}

interface GuestRange {
  readonly mm: number;
  readonly start: number;
  readonly end: number;
}

/** Where guests see the pages `[start, end)` of the host. Called under the lock of i_mmap. */
export function guestRanges(
  machine: Machine,
  region: Region,
  start: number,
  end: number,
): readonly GuestRange[] {
  const base = alignment(machine.format);
  const from = Math.max(start, base) - base;
  const to = Math.min(end, base + pagesOfRegion(region)) - base;
  if (from >= to) return [];
  const guests = [...machine.inodes.get(region.inode).mappings];
  return guests.map(([vma, mm]) => ({ mm: mm.id, start: vma.start + from, end: vma.start + to }));
}

/** Tells who listens to the guests. */
function* forward(
  machine: Machine,
  cpu: number,
  region: Region,
  start: number,
  end: number,
): Op<void> {
  const guard = machine.objects.iMmapLock(region.inode);
  yield* lockList(machine, guard);
  for (const guest of guestRanges(machine, region, start, end)) {
    for (const tell of machine.secondary) {
      yield* tell(machine, cpu, guest.mm, guest.start, guest.end);
    }
  }
  yield* unlockList(machine, guard);
}

/** A CPU that begins to run a guest may hold what it is linked to. Keeps the mask of option B. */
export function noteLoaded(machine: Machine, cpu: number, mm: number): void {
  for (const view of machine.views.save()) {
    if (view.mm !== mm) continue;
    for (const { mm: host } of machine.views.of(view.table)) {
      if (regionOfHost(machine, host) !== undefined) machine.mmCpus[host]! |= 1 << cpu;
    }
  }
}
