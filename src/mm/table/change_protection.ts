/**
 * Giving pages that are mapped the rights of their VMA.
 *
 * @source mm/mprotect.c change_protection(), change_pte_range(), can_change_pte_writable()
 *         (Linux 6.18)
 * @omits  NUMA hinting, soft-dirty tracking
 */
import { ACCESSED, DIRTY, type LeafFlags, UFFD_WP, W } from '../../arch/index.ts';
import { ENOMEM } from '../../uapi/errno.ts';
import { changeHugePage } from '../huge/huge_protect.ts';
import { hugePages, hugeStart } from '../huge/huge_start.ts';
import { splitHugeEntry } from '../huge/split.ts';
import { invalidateRangeEnd, invalidateRangeStart } from '../notifier/notifier.ts';
import { Notify } from '../notifier/subscription.ts';
import { headOf } from '../page/frame.ts';
import { isAnonymousFrame } from '../rmap/map_count.ts';
import { flushTlbBatchedPending } from '../swap/unmap_flush.ts';
import type { Task } from '../task.ts';
import { usesWpMarkers } from '../userfaultfd/context.ts';
import { flagsOfWp, WpChange } from '../userfaultfd/wp_change.ts';
import { pageRights } from '../vma/page_rights.ts';
import { VM, type Vma } from '../vma/vma.ts';
import type { Op } from '../world/op.ts';
import { clearing, reading, setting } from '../world/point.ts';
import { FrameFlag, NONE, type World } from '../world/world.ts';
import { isMappedAt, mappedFlagsAt, mappedFrameAt, setMappedFlags } from './mapped_entry.ts';
import { tlbChange } from './mmu_gather.ts';
import { clearEntry, findMapped, isNoneAt, isPresentAt, walk, walkAllocating } from './pgtable.ts';
import { lockPte, tableEnd, unlockPte } from './pte_table.ts';
import {
  isWpMarkerAt,
  Marker,
  SoftFlag,
  SoftKind,
  setSoftEntry,
  softFlagsAt,
  softKindAt,
  softValueAt,
} from './soft_entry.ts';

/**
 * Changes the entries of `[start, end)`, which lies in `vma`. No table comes to be, unless write
 * protection for userfaultfd is to be noted where nothing is.
 *
 * Called under the VMA write lock, or of the mmap lock for userfaultfd, with a gather begun: its flush,
 * which must come before the mmap lock is dropped, is what makes rights that are lost unusable.
 *
 * @returns 0, or ENOMEM if there is no memory for a table
 * @locks   a page-table lock for each table
 */
export function* changeProtection(
  task: Task,
  vma: Vma,
  start: number,
  end: number,
  wp: WpChange = WpChange.NONE,
): Op<number> {
  const { machine, mm } = task;
  // Nobody is told where there are no tables: by what one of level 2 spans.
  const span = machine.format.entryPages[Math.min(3, machine.format.levels - 1)]!;
  const needsTables = wp === WpChange.PROTECT && usesWpMarkers(vma);
  for (let at = start; at < end; ) {
    const next = Math.min(end, (Math.floor(at / span) + 1) * span);
    let first = at;
    if (!needsTables) first = yield* findMapped(machine, mm, at, next, 2);
    if (first < next) {
      const from = Math.max(at, first);
      yield* invalidateRangeStart(task, mm, from, next, Notify.PROTECTION_VMA);
      const error = yield* changeWithin(task, vma, from, next, wp);
      yield* invalidateRangeEnd(task, mm, from, next, Notify.PROTECTION_VMA);
      if (error < 0) return error;
    }
    at = next;
  }
  return 0;
}

function* changeWithin(task: Task, vma: Vma, start: number, end: number, wp: WpChange): Op<number> {
  const { machine, mm } = task;
  const needsTables = wp === WpChange.PROTECT && usesWpMarkers(vma);
  for (let at = start; at < end; ) {
    if (!needsTables) at = yield* findMapped(machine, mm, at, end);
    if (at >= end) return 0;
    const next = tableEnd(machine, at, end);
    yield* changeHuge(task, vma, at, next, wp);
    if (needsTables) {
      const filled = yield* walkAllocating(task, mm, at);
      const isHuge = filled === NONE && (yield* isHugeAt(task, at));
      if (filled === NONE && !isHuge) return ENOMEM;
    }
    const slot = yield* lockPte(task, mm, at);
    if (slot !== NONE) {
      yield* changePteRange(task, vma, slot, at, next, wp);
      yield* unlockPte(task, mm, slot);
    }
    at = next;
  }
  return 0;
}

function* isHugeAt({ machine, mm }: Task, page: number): Op<boolean> {
  const slot = yield* walk(machine, mm, page, 1);
  if (slot === NONE) return false;
  yield reading(machine.objects.entry(slot));
  return isMappedAt(machine, slot, 1);
}

/**
 * A huge page stays one if all of it changes; that of a file is noted for userfaultfd page by page.
 *
 * @source mm/mprotect.c change_pmd_range(), pgtable_split_needed() (Linux 6.18)
 */
function* changeHuge(task: Task, vma: Vma, start: number, end: number, wp: WpChange): Op<void> {
  const { machine, mm } = task;
  const slot = yield* walk(machine, mm, start, 1);
  if (slot === NONE) return;
  yield reading(machine.objects.entry(slot));
  if (!isMappedAt(machine, slot, 1)) return;
  const isSplit = wp === WpChange.PROTECT && vma.file !== undefined;
  const isWhole = end - start === hugePages(machine);
  if (isWhole && !isSplit) yield* changeHugePage(task, vma, start, slot, wp);
  else yield* splitHugeEntry(task, mm, hugeStart(machine, start), slot);
}

function* changePteRange(
  task: Task,
  vma: Vma,
  first: number,
  start: number,
  end: number,
  wp: WpChange,
): Op<void> {
  const { machine, cpu, mm } = task;
  if (machine.bugs.protectWithoutBatchFlush !== true) {
    yield* flushTlbBatchedPending(machine, cpu, mm);
  }
  const isNoted = wp === WpChange.PROTECT && usesWpMarkers(vma);
  for (let page = start; page < end; page++) {
    const slot = first + page - start;
    const isThere = yield* changePte(task, vma, slot, page, wp);
    if (!isThere && isNoted) {
      yield setting(machine.objects.entry(slot));
      setSoftEntry(machine, slot, SoftKind.MARKER, Marker.UFFD_WP);
    }
  }
}

/** Called under the lock of the table. @returns whether there is an entry */
export function* changePte(
  task: Task,
  vma: Vma,
  slot: number,
  page: number,
  wp: WpChange,
): Op<boolean> {
  const { machine } = task;
  yield reading(machine.objects.entry(slot));
  if (isNoneAt(machine, slot)) return false;
  if (isMappedAt(machine, slot)) yield* changeMapped(task, vma, slot, page, wp);
  else yield* changeSoftEntry(machine, slot, wp);
  return true;
}

function* changeMapped(task: Task, vma: Vma, slot: number, page: number, wp: WpChange): Op<void> {
  const { machine } = task;
  const rights = pageRights(vma);
  const kept = mappedFlagsAt(machine, slot) & (ACCESSED | DIRTY | UFFD_WP);
  let flags = flagsOfWp(kept | rights, wp);
  const isWp = (flags & UFFD_WP) !== 0 && (vma.flags & VM.UFFD_WP) !== 0;
  const isUpgrading = (vma.flags & VM.WRITE) !== 0 && (rights & W) === 0;
  if (isUpgrading && wp !== WpChange.PROTECT && !isWp) {
    const isUpgraded = yield* canBeWritable(machine, vma, slot);
    if (isUpgraded) flags |= W;
  }
  if (flags !== mappedFlagsAt(machine, slot)) yield* changeEntry(task, slot, page, flags);
}

/** Whether a page may be written to at once, as a write fault would find out. */
function* canBeWritable(world: World, vma: Vma, slot: number): Op<boolean> {
  // What is dirty, its file system knows of.
  if ((vma.flags & VM.SHARED) !== 0) return (mappedFlagsAt(world, slot) & DIRTY) !== 0;
  const frame = mappedFrameAt(world, slot);
  yield reading(world.objects.frame(headOf(world, frame)));
  return isAnonymousFrame(world, frame) && (world.frameFlags[frame]! & FrameFlag.EXCLUSIVE) !== 0;
}

function* changeEntry(task: Task, slot: number, page: number, flags: LeafFlags): Op<void> {
  const { machine, cpu, mm } = task;
  yield clearing(machine.objects.entry(slot));
  const wasPresent = isPresentAt(machine, slot);
  const old = mappedFlagsAt(machine, slot);
  const frame = mappedFrameAt(machine, slot);
  setMappedFlags(machine, slot, flags);
  if (!wasPresent) return;
  const { ledger, mmCpus } = machine;
  // Hardware does not know of notes.
  const lost = old & ~flags & ~UFFD_WP;
  if (lost === W) ledger.openProtected(mmCpus[mm.id]!, mm.id, page, page + 1);
  else if (lost !== 0) {
    ledger.openPage(mmCpus[mm.id]!, mm.id, page, frame, (old & W) !== 0);
  }
  tlbChange(machine, cpu, page, page + 1);
}

/** What comes back from a migration may have to be copied: it will be asked again. */
function* changeSoftEntry(world: World, slot: number, wp: WpChange): Op<void> {
  const kind = softKindAt(world, slot);
  if (kind === SoftKind.MARKER) {
    if (wp !== WpChange.RESOLVE || !isWpMarkerAt(world, slot)) return;
    yield clearing(world.objects.entry(slot));
    clearEntry(world, slot);
    return;
  }
  const old = softFlagsAt(world, slot);
  const value = softValueAt(world, slot);
  let flags = old;
  if (wp === WpChange.PROTECT) flags |= SoftFlag.UFFD_WP;
  if (wp === WpChange.RESOLVE) flags &= ~SoftFlag.UFFD_WP;
  if (kind === SoftKind.MIGRATION && (flags & SoftFlag.WRITABLE) !== 0) {
    yield reading(world.objects.frame(headOf(world, value)));
    const exclusive = isAnonymousFrame(world, value) ? SoftFlag.EXCLUSIVE : 0;
    flags = (flags & ~SoftFlag.WRITABLE) | exclusive;
  }
  if (flags === old) return;
  yield clearing(world.objects.entry(slot));
  setSoftEntry(world, slot, kind as SoftKind, value, flags);
}
