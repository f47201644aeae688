/**
 * The MMUs that programs' accesses go through: here none, for an access may use any translation that
 * the flush ledger still allows, whatever a certain TLB holds.
 *
 * In the blanked build `mmus.fast.ts` takes this file's place.
 */
import type { Mmu } from '../../mmu/index.ts';
import type { WorldSize } from './world_size.ts';

export function newMmus(_size: WorldSize, _lanes: Uint32Array): readonly Mmu[] {
  return [];
}
