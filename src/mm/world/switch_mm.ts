/**
 * Which address space a CPU runs, for those who flush: a CPU that does not run it need not be
 * interrupted, because it will flush before it does.
 *
 * A CPU that switches is in between for a while: the hardware walks the new tables before the CPU says
 * so. A CPU in a kernel thread goes on with the tables of the last process, lazily: it makes no access
 * to that, and flushes when it comes back; but its hardware may walk those tables at any time, to
 * speculate. So when tables are freed it is interrupted all the same.
 *
 * @source arch/x86/mm/tlb.c switch_mm_irqs_off(), enter_lazy_tlb(), should_flush_tlb() (Linux 6.18)
 * @omits  generations: a CPU flushes at every switch; CPUs that leave the mask of an address space
 */
import { dropTranslations, EVERY_MM } from './cpu_tlb.ts';
import type { Op } from './op.ts';
import { invalidating, reading, writing } from './point.ts';
import { NONE, type World } from './world.ts';

/** In `loadedMm`: neither the old one nor the new one for certain (LOADED_MM_SWITCHING). */
const SWITCHING = -2;

/** `cpu` runs the address space `mm` from now on. */
export function* switchMm(world: World, cpu: number, mm: number): Op<void> {
  yield writing(world.objects.tlbState(cpu));
  const isBack = world.flushes.loadedMm[cpu] === mm;
  world.flushes.lazyTlb[cpu] = 0;
  if (!isBack) world.flushes.loadedMm[cpu] = SWITCHING;
  yield writing(world.objects.cpuMask(mm));
  world.mmCpus[mm]! |= 1 << cpu;
  // The hardware forgets what it had, and walks the tables of `mm`.
  yield invalidating(world.objects.tlb(cpu));
  dropTranslations(world, cpu, EVERY_MM, 0, Number.POSITIVE_INFINITY);
  world.flushes.walkedMm[cpu] = mm;
  yield writing(world.objects.tlbState(cpu));
  world.flushes.loadedMm[cpu] = mm;
}

/** `cpu` goes on in a kernel thread, with the tables that it has. */
export function* enterLazyTlb(world: World, cpu: number): Op<void> {
  yield writing(world.objects.tlbState(cpu));
  world.flushes.lazyTlb[cpu] = 1;
}

/**
 * Of `cpus`, which may hold translations of `mm`, those that may use them before they flush. The others
 * will have forgotten the pages `[start, end)` when they run `mm` next.
 */
export function* whoFlushes(
  world: World,
  cpu: number,
  cpus: number,
  mm: number,
  start: number,
  end: number,
): Op<number> {
  let found = cpus;
  for (let target = 0; target < world.size.cpus; target++) {
    if (target === cpu || (cpus & (1 << target)) === 0) continue;
    yield reading(world.objects.tlbState(target));
    if (mayUse(world, target, mm)) continue;
    found &= ~(1 << target);
    yield invalidating(world.objects.tlb(target));
    const isWalking = world.flushes.walkedMm[target] === mm && world.flushes.lazyTlb[target] === 0;
    if (!isWalking) dropTranslations(world, target, mm, start, end, true);
  }
  return found;
}

function mayUse({ bugs, flushes }: World, cpu: number, mm: number): boolean {
  const { lazyTlb, loadedMm } = flushes;
  if (lazyTlb[cpu] === 1) return false;
  if (loadedMm[cpu] === SWITCHING) return bugs.flushSkipsSwitching !== true;
  // One that has not switched yet has run it all the time.
  return loadedMm[cpu] === mm || loadedMm[cpu] === NONE;
}
