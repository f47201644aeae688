/** What a flush does on one CPU. */
import { EVERY_ASID } from '../../mmu/index.ts';
import type { World } from './world.ts';

/** In place of an address space: every one. */
export const EVERY_MM = -2;

/**
 * `cpu` drops all that it holds of the pages `[start, end)`, walk caches included unless `isLeafOnly`.
 *
 * @source arch/x86/mm/tlb.c flush_tlb_func() (Linux 6.18)
 * @omits  flushing all of an address space when that is cheaper than its pages one by one
 */
export function dropTranslations(
  world: World,
  cpu: number,
  mm: number,
  start: number,
  end: number,
  isLeafOnly = false,
): void {
  if (mm === EVERY_MM) {
    world.ledger.dischargeAll(cpu);
    world.mmus[cpu]?.invalidateSpace(EVERY_ASID);
    return;
  }
  world.ledger.discharge(cpu, mm, start, end, isLeafOnly);
  const tag = world.size.tlbTags === 'mm' ? mm : EVERY_ASID;
  world.mmus[cpu]?.invalidateRange(start, end, tag);
}
