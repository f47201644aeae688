/**
 * Giving huge pages that are mapped the rights of their VMA.
 *
 * @source mm/hugetlb.c hugetlb_change_protection() (Linux 6.18)
 */
import { ACCESSED, DIRTY, UFFD_WP, W } from '../../arch/index.ts';
import { ENOMEM } from '../../uapi/errno.ts';
import { invalidateRangeEnd, invalidateRangeStart } from '../notifier/notifier.ts';
import { Notify } from '../notifier/subscription.ts';
import { isMappedAt, mappedFrameAt } from '../table/mapped_entry.ts';
import { clearEntry, isNoneAt, isPresentAt, walk } from '../table/pgtable.ts';
import {
  isWpMarkerAt,
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
import { pageRights } from '../vma/page_rights.ts';
import type { Vma } from '../vma/vma.ts';
import { lock, Rank, unlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { clearing, reading, setting } from '../world/point.ts';
import { flushTlbMmRange } from '../world/tlb.ts';
import { NONE } from '../world/world.ts';
import { granularOf } from './granular.ts';
import { hstateOf, nextBlock } from './hstate.ts';
import { hugePteFlags, hugePteLock, setHugePte } from './huge_pte.ts';
import { hugePteAlloc } from './share.ts';
import {
  flushUnshared,
  hugePmdUnshare,
  nothingUnshared,
  notifiedRange,
  type Unshared,
} from './unshare.ts';
import { vmaLockWrite, vmaUnlockWrite } from './vma_lock.ts';

/**
 * Changes the entries of `[start, end)`; shared tables are given up as they are.
 *
 * Called under the VMA write lock, or the mmap lock for userfaultfd.
 *
 * @returns 0, or ENOMEM if there is no memory for a table
 * @locks the lock of the VMA, i_mmap_rwsem, both for writing; page-table locks
 */
export function* hugetlbChangeProtection(
  task: Task,
  vma: Vma,
  start: number,
  end: number,
  wp: WpChange = WpChange.NONE,
): Op<number> {
  const { machine, cpu, mm } = task;
  const hstate = hstateOf(vma);
  const guard = machine.objects.iMmapLock(vma.file!.inode.id);
  const unshared = nothingUnshared();
  const [from, to] = notifiedRange(task, vma, start, end);
  // UFFDIO_UNREGISTER may end within a huge page, whose translation is flushed whole.
  const step = granularOf(machine, vma) === undefined ? hstate.pages : 1;
  const steps = Math.ceil((end - start) / step);
  let result = 0;
  yield* invalidateRangeStart(task, mm, from, to, Notify.PROTECTION_VMA);
  yield* vmaLockWrite(task, vma);
  yield* lock(machine, cpu, guard, Rank.I_MMAP);
  const granular = granularOf(machine, vma);
  if (granular !== undefined) yield* granular.protect(task, vma, start, end);
  for (let page = granular === undefined ? start : end; page < end; ) {
    const found = yield* walk(machine, mm, page, hstate.level);
    const isMade = found === NONE && wp === WpChange.PROTECT;
    const slot = isMade ? yield* hugePteAlloc(task, mm, vma, page) : found;
    if (isMade && slot === NONE) {
      result = ENOMEM;
      break;
    }
    const isGone =
      slot !== NONE && (yield* changeHugetlbEntry(task, vma, page, slot, wp, unshared));
    page = slot === NONE || isGone ? nextBlock(machine, hstate, page) : page + hstate.pages;
  }
  yield* flushUnshared(task, unshared);
  yield* flushTlbMmRange(machine, cpu, mm.id, start, start + steps * step);
  yield* unlock(machine, cpu, guard, Rank.I_MMAP);
  yield* vmaUnlockWrite(task, vma);
  yield* invalidateRangeEnd(task, mm, from, to, Notify.PROTECTION_VMA);
  return result;
}

/**
 * Called under the lock of the VMA and i_mmap_rwsem, both for writing.
 *
 * @returns whether the table was a shared one, and is given up
 */
export function* changeHugetlbEntry(
  task: Task,
  vma: Vma,
  page: number,
  slot: number,
  wp: WpChange,
  unshared: Unshared,
): Op<boolean> {
  const { machine, cpu, mm } = task;
  const hstate = hstateOf(vma);
  const { level, pages } = hstate;
  const guard = hugePteLock(machine, mm, slot, hstate);
  yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
  const isGone = yield* hugePmdUnshare(task, vma, page, slot, unshared);
  if (!isGone) {
    yield reading(machine.objects.entry(slot));
    if (isMappedAt(machine, slot, level)) {
      yield clearing(machine.objects.entry(slot));
      const old = hugePteFlags(machine, slot, hstate);
      const head = mappedFrameAt(machine, slot, level);
      const wasPresent = isPresentAt(machine, slot);
      const kept = old & (ACCESSED | DIRTY | UFFD_WP);
      setHugePte(machine, slot, hstate, head, flagsOfWp(kept | pageRights(vma), wp));
      const cpus = machine.mmCpus[mm.id]!;
      const isWritable = (old & W) !== 0;
      if (wasPresent) {
        machine.ledger.openFolio(cpus, mm.id, page, page + pages, head, isWritable);
      }
    } else yield* changeSoftEntry(task, slot, wp);
  }
  yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
  return isGone;
}

/** Where nothing is mapped, write protection is noted, or forgotten. Called under the lock of the table. */
function* changeSoftEntry({ machine }: Task, slot: number, wp: WpChange): Op<void> {
  yield setting(machine.objects.entry(slot));
  if (softKindAt(machine, slot) === SoftKind.MIGRATION) {
    if (wp === WpChange.NONE) return;
    const flags = softFlagsAt(machine, slot) & ~SoftFlag.UFFD_WP;
    const noted = wp === WpChange.PROTECT ? SoftFlag.UFFD_WP : 0;
    setSoftEntry(machine, slot, SoftKind.MIGRATION, softValueAt(machine, slot), flags | noted);
  } else if (wp === WpChange.PROTECT && isNoneAt(machine, slot)) {
    setSoftEntry(machine, slot, SoftKind.MARKER, Marker.UFFD_WP);
  } else if (wp === WpChange.RESOLVE && isWpMarkerAt(machine, slot)) clearEntry(machine, slot);
}
