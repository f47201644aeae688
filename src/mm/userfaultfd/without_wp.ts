/** Entries that are moved to where nobody write-protects them. */
import { UFFD_WP } from '../../arch/index.ts';
import { isMappedAt, mappedFlagsAt, mappedFrameAt, setMapped } from '../table/mapped_entry.ts';
import { clearEntry, setEntry } from '../table/pgtable.ts';
import {
  isWpMarkerAt,
  SoftFlag,
  SoftKind,
  setSoftEntry,
  softFlagsAt,
  softKindAt,
  softValueAt,
} from '../table/soft_entry.ts';
import type { World } from '../world/world.ts';

/**
 * Sets the entry of `level` at `slot` to these lanes, but for what they note of userfaultfd. Called under
 * the lock of the table, when the entry was announced.
 */
export function setWithoutWp(
  world: World,
  slot: number,
  low: number,
  high: number,
  level = 0,
): void {
  setEntry(world, slot, low, high);
  if (isMappedAt(world, slot, level)) {
    const flags = mappedFlagsAt(world, slot);
    if ((flags & UFFD_WP) === 0) return;
    setMapped(world, slot, mappedFrameAt(world, slot, level), flags & ~UFFD_WP, level);
  } else if (isWpMarkerAt(world, slot)) clearEntry(world, slot);
  else {
    const kind = softKindAt(world, slot);
    const flags = softFlagsAt(world, slot);
    if (kind === 0 || kind === SoftKind.MARKER || (flags & SoftFlag.UFFD_WP) === 0) return;
    setSoftEntry(world, slot, kind, softValueAt(world, slot), flags & ~SoftFlag.UFFD_WP);
  }
}
