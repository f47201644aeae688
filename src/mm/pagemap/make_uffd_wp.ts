/**
 * Noting write protection for userfaultfd in one entry.
 *
 * @source fs/proc/task_mmu.c make_uffd_wp_pte(), make_uffd_wp_pmd(), make_uffd_wp_huge_pte()
 *         (Linux 6.18)
 */
import { W } from '../../arch/index.ts';
import type { Hstate } from '../hugetlb/hstate.ts';
import { hugePteFlags, setHugePte } from '../hugetlb/huge_pte.ts';
import { isMappedAt, mappedFrameAt } from '../table/mapped_entry.ts';
import { isNoneAt, isPresentAt } from '../table/pgtable.ts';
import {
  Marker,
  SoftFlag,
  SoftKind,
  setSoftEntry,
  softFlagsAt,
  softKindAt,
  softValueAt,
} from '../table/soft_entry.ts';
import type { Task } from '../task.ts';
import { flagsOfWp, WpChange } from '../userfaultfd/wp_change.ts';
import type { Op } from '../world/op.ts';
import { clearing, setting } from '../world/point.ts';
import type { World } from '../world/world.ts';

/** The entries that map a page: of which level, how many, and how many small pages they span. */
export type Extent = Pick<Hstate, 'level' | 'entries' | 'pages'>;

/**
 * Notes it in the entry at `slot`, which maps `page` and what follows it, or nothing.
 *
 * Called under the lock of the table; the caller flushes before it drops that.
 */
export function* makeUffdWp(task: Task, slot: number, page: number, extent: Extent): Op<void> {
  const { machine } = task;
  if (isMappedAt(machine, slot, extent.level)) {
    yield* protectMapped(task, slot, page, extent);
    return;
  }
  yield setting(machine.objects.entry(slot));
  if (isNoneAt(machine, slot)) setSoftEntry(machine, slot, SoftKind.MARKER, Marker.UFFD_WP);
  else noteInSoftEntry(machine, slot);
}

function* protectMapped(task: Task, slot: number, page: number, extent: Extent): Op<void> {
  const { machine, mm } = task;
  yield clearing(machine.objects.entry(slot));
  const wasPresent = isPresentAt(machine, slot);
  const old = hugePteFlags(machine, slot, extent);
  const frame = mappedFrameAt(machine, slot, extent.level);
  setHugePte(machine, slot, extent, frame, flagsOfWp(old, WpChange.PROTECT));
  if (!wasPresent || (old & W) === 0) return;
  machine.ledger.openProtected(machine.mmCpus[mm.id]!, mm.id, page, page + extent.pages);
}

function noteInSoftEntry(world: World, slot: number): void {
  const flags = softFlagsAt(world, slot) | SoftFlag.UFFD_WP;
  setSoftEntry(world, slot, softKindAt(world, slot) as SoftKind, softValueAt(world, slot), flags);
}
