/**
 * Copying the huge pages of a private mapping for fork. Shared ones are left to faults.
 *
 * @source mm/hugetlb.c copy_hugetlb_page_range() (Linux 6.18)
 */
import { UFFD_WP, W } from '../../arch/index.ts';
import { EFAULT, ENOMEM } from '../../uapi/errno.ts';
import { isPinned } from '../rmap/dup_rmap.ts';
import { isAnonymousFrame } from '../rmap/map_count.ts';
import { isMappedAt, mappedFlagsAt, mappedFrameAt } from '../table/mapped_entry.ts';
import { isPresentAt, walk } from '../table/pgtable.ts';
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
import type { Mm } from '../vma/mm.ts';
import { VM, type Vma } from '../vma/vma.ts';
import { lock, lockNested, Rank, unlock, unlockNested } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { clearing, reading, readingContent, setting, writing } from '../world/point.ts';
import { FrameFlag, NONE } from '../world/world.ts';
import { granularOf } from './granular.ts';
import { hstateOf, nextBlock } from './hstate.ts';
import { hugePteFlags, hugePteLock, setHugePte } from './huge_pte.ts';
import { leafFlags } from './leaf_flags.ts';
import { allocHugetlbFolio } from './reserve.ts';
import { countMap, mapNewAnonymousFolio } from './rmap.ts';
import { hugePteAlloc } from './share.ts';

/** A page that its owner may have pinned: the child gets a copy at once. */
const PINNED = -1;

/**
 * Lets `to`, of `child`, map what `from`, of the parent, maps. Called under both mmap locks.
 *
 * @returns 0 or ENOMEM
 * @locks   the lock of a table of the child, then of the parent
 */
export function* copyHugetlbRange(task: Task, child: Mm, to: Vma, from: Vma): Op<number> {
  const { machine, mm } = task;
  const granular = granularOf(machine, from);
  if (granular !== undefined) return yield* granular.copy(task, child, to, from);
  const hstate = hstateOf(from);
  for (let page = from.start; page < from.end; ) {
    const slot = yield* walk(machine, mm, page, hstate.level);
    if (slot === NONE) {
      page = nextBlock(machine, hstate, page);
      continue;
    }
    const target = yield* hugePteAlloc(task, child, to, page);
    if (target === NONE) return ENOMEM;
    const head = yield* copyEntry(task, child, from, to, page, slot, target);
    if (head === EFAULT) return EFAULT;
    if (head !== PINNED) page += hstate.pages;
    else {
      const error = yield* copyPinned(task, child, to, page, slot, target);
      if (error < 0) return error;
      page += hstate.pages;
    }
  }
  return 0;
}

function* copyEntry(
  task: Task,
  child: Mm,
  from: Vma,
  to: Vma,
  page: number,
  slot: number,
  target: number,
): Op<number> {
  const { machine, cpu, mm } = task;
  const hstate = hstateOf(from);
  const { level, pages } = hstate;
  const outer = hugePteLock(machine, child, target, hstate);
  const inner = hugePteLock(machine, mm, slot, hstate);
  yield* lock(machine, cpu, outer, Rank.PAGE_TABLE);
  yield* lockNested(machine, cpu, inner, Rank.PAGE_TABLE);
  yield reading(machine.objects.entry(slot));
  let result = 0;
  if (isMappedAt(machine, slot, level)) {
    const head = mappedFrameAt(machine, slot, level);
    yield writing(machine.objects.frame(head));
    if (machine.bugs.tryGetInverted === true) {
      machine.frameReferences[head]!++;
      return EFAULT;
    }
    const flags = machine.frameFlags[head]!;
    if (isAnonymousFrame(machine, head) && isPinned(machine, mm, flags, head)) result = PINNED;
    else {
      machine.frameFlags[head]! &= ~FrameFlag.EXCLUSIVE;
      machine.frameReferences[head]!++;
      countMap(machine, head, 1);
      child.hugetlbPages += pages;
      yield* shareEntry(task, from, to, page, slot, target);
    }
  } else if (softKindAt(machine, slot) === SoftKind.MARKER) {
    yield* copyMarker(task, to, slot, target);
  } else if (softKindAt(machine, slot) === SoftKind.MIGRATION) {
    if (machine.bugs.movedHugePageUncounted !== true) child.hugetlbPages += pages;
    yield* copyMigration(task, from, to, slot, target);
  }
  yield* unlockNested(machine, cpu, inner);
  yield* unlock(machine, cpu, outer, Rank.PAGE_TABLE);
  return result;
}

/** Neither of the two may write to the page any more. Called under both locks. */
function* shareEntry(
  task: Task,
  from: Vma,
  to: Vma,
  page: number,
  slot: number,
  target: number,
): Op<void> {
  const { machine, mm } = task;
  const hstate = hstateOf(from);
  const { level, pages } = hstate;
  const head = mappedFrameAt(machine, slot, level);
  // What is shared stays as it is.
  const isCow = (from.flags & (VM.SHARED | VM.MAYWRITE)) === VM.MAYWRITE;
  const flags = hugePteFlags(machine, slot, hstate) & (isCow ? ~W : ~0);
  yield clearing(machine.objects.entry(slot));
  const wasWritable =
    isCow && (mappedFlagsAt(machine, slot) & W) !== 0 && isPresentAt(machine, slot);
  setHugePte(machine, slot, hstate, head, flags);
  if (wasWritable) {
    machine.ledger.openProtected(machine.mmCpus[mm.id]!, mm.id, page, page + pages);
  }
  yield setting(machine.objects.entry(target));
  const forgotten = (to.flags & VM.UFFD_WP) === 0 ? UFFD_WP : 0;
  setHugePte(machine, target, hstate, head, flags & ~forgotten);
}

/** Of markers the child gets poison, and write protection if it is protected, too. */
function* copyMarker({ machine }: Task, to: Vma, slot: number, target: number): Op<void> {
  const wp = (to.flags & VM.UFFD_WP) === 0 ? 0 : Marker.UFFD_WP;
  const marker = softValueAt(machine, slot) & (Marker.POISONED | wp);
  yield setting(machine.objects.entry(target));
  if (marker !== 0) setSoftEntry(machine, target, SoftKind.MARKER, marker);
}

/** A page that is being moved will be common to both when it arrives. What it is counts as mapped. */
function* copyMigration(
  { machine }: Task,
  from: Vma,
  to: Vma,
  slot: number,
  target: number,
): Op<void> {
  const head = softValueAt(machine, slot);
  const isCow = (from.flags & (VM.SHARED | VM.MAYWRITE)) === VM.MAYWRITE;
  const flags = softFlagsAt(machine, slot) & (isCow ? ~SoftFlag.WRITABLE : ~0);
  yield writing(machine.objects.entry(slot));
  setSoftEntry(machine, slot, SoftKind.MIGRATION, head, flags);
  yield setting(machine.objects.entry(target));
  const isKept = (to.flags & VM.UFFD_WP) !== 0 || machine.bugs.hugetlbForkKeepsSoftUffdWp === true;
  const noted = isKept ? ~0 : ~SoftFlag.UFFD_WP;
  setSoftEntry(machine, target, SoftKind.MIGRATION, head, flags & noted);
}

/** @returns 0 or ENOMEM */
function* copyPinned(
  task: Task,
  child: Mm,
  to: Vma,
  page: number,
  slot: number,
  target: number,
): Op<number> {
  const { machine, cpu } = task;
  const hstate = hstateOf(to);
  const { level, pages } = hstate;
  const copy = yield* allocHugetlbFolio(task, to, page);
  if (copy < 0) return ENOMEM;
  const head = mappedFrameAt(machine, slot, level);
  for (let at = 0; at < pages; at++) {
    yield readingContent(machine.objects.frame(head + at));
    if (machine.size.contents) machine.frameData[copy + at] = machine.frameData[head + at]!;
  }
  const guard = hugePteLock(machine, child, target, hstate);
  yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
  yield writing(machine.objects.frame(copy));
  mapNewAnonymousFolio(machine, copy, to.anonVma!, to.pgoff + page - to.start);
  yield setting(machine.objects.entry(target));
  setHugePte(machine, target, hstate, copy, leafFlags(to, true));
  child.hugetlbPages += pages;
  yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
  return 0;
}
