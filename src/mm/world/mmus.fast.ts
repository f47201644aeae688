/**
 * The blanked build of `mmus.ts`: one for each CPU, if the machine has TLBs. All read the same tables,
 * and set accessed and dirty bits in them.
 */
import { entryIndex } from '../../arch/index.ts';
import { Mmu } from '../../mmu/index.ts';
import type { WorldSize } from './world_size.ts';

export function newMmus(size: WorldSize, lanes: Uint32Array): readonly Mmu[] {
  const { format, cpus, frames, tables, tlb } = size;
  if (tlb === undefined) return [];
  const origin = entryIndex((frames * lanes.length) / (2 * tables));
  return Array.from({ length: cpus }, () => new Mmu(format, { lanes, origin }, tlb));
}
