/**
 * Giving pages that are mapped the rights of their VMA.
 *
 * @source mm/mprotect.c change_protection(), change_pte_range(), can_change_pte_writable()
 *         (Linux 6.18)
 * @omits  userfaultfd write protection, NUMA hinting, soft-dirty tracking
 */
import { ACCESSED, DIRTY, type LeafFlags, W } from '../../arch/index.ts';
import { changeHugePage } from '../huge/huge_protect.ts';
import { hugePages, hugeStart } from '../huge/huge_start.ts';
import { splitHugeEntry } from '../huge/split.ts';
import { invalidateRangeEnd, invalidateRangeStart } from '../notifier/notifier.ts';
import { Notify } from '../notifier/subscription.ts';
import { headOf } from '../page/frame.ts';
import { isAnonymousFrame } from '../rmap/map_count.ts';
import { flushTlbBatchedPending } from '../swap/unmap_flush.ts';
import type { Task } from '../task.ts';
import { pageRights } from '../vma/page_rights.ts';
import { VM, type Vma } from '../vma/vma.ts';
import type { Op } from '../world/op.ts';
import { clearing, reading } from '../world/point.ts';
import { FrameFlag, NONE, type World } from '../world/world.ts';
import { isMappedAt, mappedFlagsAt, mappedFrameAt, setMappedFlags } from './mapped_entry.ts';
import { tlbChange } from './mmu_gather.ts';
import { findMapped, isNoneAt, isPresentAt, walk } from './pgtable.ts';
import { lockPte, tableEnd, unlockPte } from './pte_table.ts';
import {
  SoftFlag,
  SoftKind,
  setSoftEntry,
  softFlagsAt,
  softKindAt,
  softValueAt,
} from './soft_entry.ts';

/**
 * Changes the entries of `[start, end)`, which lies in `vma`. No table comes to be.
 *
 * Called under the VMA write lock, with a gather begun: its flush, which must come before the mmap
 * lock is dropped, is what makes rights that are lost unusable.
 *
 * @locks a page-table lock for each table
 */
export function* changeProtection(task: Task, vma: Vma, start: number, end: number): Op<void> {
  const { machine, mm } = task;
  // Nobody is told where there are no tables: by what one of level 2 spans.
  const span = machine.format.entryPages[Math.min(3, machine.format.levels - 1)]!;
  for (let at = start; at < end; ) {
    const next = Math.min(end, (Math.floor(at / span) + 1) * span);
    const first = yield* findMapped(machine, mm, at, next, 2);
    if (first < next) {
      const from = Math.max(at, first);
      yield* invalidateRangeStart(task, mm, from, next, Notify.PROTECTION_VMA);
      yield* changeWithin(task, vma, from, next);
      yield* invalidateRangeEnd(task, mm, from, next, Notify.PROTECTION_VMA);
    }
    at = next;
  }
}

function* changeWithin(task: Task, vma: Vma, start: number, end: number): Op<void> {
  const { machine, mm } = task;
  for (let at = yield* findMapped(machine, mm, start, end); at < end; ) {
    const next = tableEnd(machine, at, end);
    yield* changeHuge(task, vma, at, next);
    const slot = yield* lockPte(task, mm, at);
    if (slot !== NONE) {
      yield* changePteRange(task, vma, slot, at, next);
      yield* unlockPte(task, mm, slot);
    }
    at = yield* findMapped(machine, mm, next, end);
  }
}

/** A huge page stays one if all of it changes. @source mm/mprotect.c change_pmd_range() */
function* changeHuge(task: Task, vma: Vma, start: number, end: number): Op<void> {
  const { machine, mm } = task;
  const slot = yield* walk(machine, mm, start, 1);
  if (slot === NONE) return;
  yield reading(machine.objects.entry(slot));
  if (!isMappedAt(machine, slot, 1)) return;
  const isWhole = end - start === hugePages(machine);
  if (isWhole) yield* changeHugePage(task, vma, start, slot);
  else yield* splitHugeEntry(task, mm, hugeStart(machine, start), slot);
}

function* changePteRange(
  task: Task,
  vma: Vma,
  first: number,
  start: number,
  end: number,
): Op<void> {
  const { machine, cpu, mm } = task;
  if (machine.bugs.protectWithoutBatchFlush !== true) {
    yield* flushTlbBatchedPending(machine, cpu, mm);
  }
  const rights = pageRights(vma);
  const mayUpgrade = (vma.flags & VM.WRITE) !== 0 && (rights & W) === 0;
  for (let page = start; page < end; page++) {
    const slot = first + page - start;
    yield reading(machine.objects.entry(slot));
    if (isNoneAt(machine, slot)) continue;
    if (!isMappedAt(machine, slot)) {
      yield* changeSoftEntry(machine, slot);
      continue;
    }
    let flags = (mappedFlagsAt(machine, slot) & (ACCESSED | DIRTY)) | rights;
    if (mayUpgrade) {
      const isUpgraded = yield* canBeWritable(machine, vma, slot);
      if (isUpgraded) flags |= W;
    }
    if (flags !== mappedFlagsAt(machine, slot)) yield* changeEntry(task, slot, page, flags);
  }
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
  if ((old & ~flags) === W) ledger.openProtected(mmCpus[mm.id]!, mm.id, page, page + 1);
  else if ((old & ~flags) !== 0) {
    ledger.openPage(mmCpus[mm.id]!, mm.id, page, frame, (old & W) !== 0);
  }
  tlbChange(machine, cpu, page, page + 1);
}

/** What comes back from a migration may have to be copied: it will be asked again. */
function* changeSoftEntry(world: World, slot: number): Op<void> {
  if (softKindAt(world, slot) !== SoftKind.MIGRATION) return;
  const flags = softFlagsAt(world, slot);
  if ((flags & SoftFlag.WRITABLE) === 0) return;
  const frame = softValueAt(world, slot);
  yield reading(world.objects.frame(headOf(world, frame)));
  const exclusive = isAnonymousFrame(world, frame) ? SoftFlag.EXCLUSIVE : 0;
  yield clearing(world.objects.entry(slot));
  setSoftEntry(world, slot, SoftKind.MIGRATION, frame, (flags & ~SoftFlag.WRITABLE) | exclusive);
}
