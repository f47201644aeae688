/**
 * Copying the entries of one table for fork.
 *
 * A private page becomes common: both processes have it without the right to write, and it is nobody's
 * exclusive page any more. Only a page that may be pinned is copied at once, because who has pinned it
 * must go on seeing what the parent sees.
 *
 * @source mm/memory.c copy_pte_range(), copy_present_ptes(), copy_present_page() (Linux 6.18)
 * @omits  batches of a large folio, letting others run half way
 */
import { ACCESSED, DIRTY, UFFD_WP, W } from '../../arch/index.ts';
import { ENOMEM } from '../../uapi/errno.ts';
import { allocFrame, headOf, putFrame } from '../page/frame.ts';
import { flagsAt, frameAt, isNoneAt, isPresentAt, isWritableAt, lockOf } from '../table/pgtable.ts';
import { VM } from '../vma/vma.ts';
import { ENTRIES_AT_ONCE } from '../world/batch.ts';
import { lock, lockNested, Rank, unlock, unlockNested } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { clearing, reading, setting, writing } from '../world/point.ts';
import { NONE } from '../world/world.ts';
import type { Copy } from './copy_page_range.ts';
import { copyPinned } from './copy_pinned.ts';
import { copySoftEntry } from './copy_soft_entry.ts';
import { changeRun, copyRun, shareRun } from './present_run.ts';

/**
 * Copies the entries for `[start, end)`, of one table, from the slot `from` on to the slot `to` on.
 *
 * @returns 0 or ENOMEM
 * @locks   the lock of the child's table, then that of the parent's
 */
export function* copyPteRange(
  copy: Copy,
  from: number,
  to: number,
  start: number,
  end: number,
): Op<number> {
  const { machine, cpu } = copy.task;
  for (let at = start; ; ) {
    at = yield* copyLocked(copy, from + at - start, to + at - start, at, end);
    if (at === end) break;
    copy.spare = yield* allocFrame(machine, cpu);
    if (copy.spare === NONE) return ENOMEM;
  }
  // The pin may have gone meanwhile.
  if (copy.spare !== NONE) yield* putFrame(machine, cpu, copy.spare);
  copy.spare = NONE;
  return 0;
}

/** Copies entries under both locks. @returns `end`, or the page for whose copy a frame is missing */
function* copyLocked(copy: Copy, from: number, to: number, start: number, end: number): Op<number> {
  const { task, child } = copy;
  const { machine, cpu, mm } = task;
  const outer = lockOf(machine, child, to, 0);
  const inner = lockOf(machine, mm, from, 0);
  yield* lock(machine, cpu, outer, Rank.PAGE_TABLE);
  yield* lockNested(machine, cpu, inner, Rank.PAGE_TABLE);
  let page = start;
  while (page < end) {
    page = yield* copyPresent(copy, from + page - start, to + page - start, page, end);
    if (page === end) break;
    const isCopied = yield* copyOther(copy, from + page - start, to + page - start, page);
    if (!isCopied) break;
    page++;
  }
  yield* unlockNested(machine, cpu, inner);
  yield* unlock(machine, cpu, outer, Rank.PAGE_TABLE);
  return page;
}

/**
 * Copies entries that are empty or present, from `start` on.
 *
 * @returns the first page with another entry, or that may be pinned; or `end`
 */
function* copyPresent(
  { task, child, from: vma, to: childVma, isCow }: Copy,
  from: number,
  to: number,
  start: number,
  end: number,
): Op<number> {
  const { machine, mm } = task;
  const { ledger, mmCpus, objects } = machine;
  const isForgotten = (childVma.flags & VM.UFFD_WP) === 0;
  const unused =
    ACCESSED | ((vma.flags & VM.SHARED) === 0 ? 0 : DIRTY) | (isForgotten ? UFFD_WP : 0);
  for (let page = start; page < end; ) {
    const slot = from + page - start;
    yield reading(objects.entry(slot));
    if (isNoneAt(machine, slot)) {
      page++;
      continue;
    }
    if (!isPresentAt(machine, slot)) return page;
    const isProtected = isCow && isWritableAt(machine, slot);
    const most = Math.min(end - page, ENTRIES_AT_ONCE);
    yield writing(objects.frame(headOf(machine, frameAt(machine, slot))));
    const pages = shareRun(machine, mm, child, slot, most);
    if (pages === 0) return page;
    if (isProtected) {
      yield clearing(objects.entry(slot));
      const flags = flagsAt(machine, slot);
      changeRun(machine, slot, pages, flags, flags & ~W);
      ledger.openProtected(mmCpus[mm.id]!, mm.id, page, page + pages);
    }
    const copied = to + page - start;
    yield setting(objects.entry(copied));
    const flags = flagsAt(machine, slot);
    copyRun(machine, slot, copied, pages, flags, flags & ~unused);
    page += pages;
  }
  return end;
}

/** Copies an entry that is not present, or of a page that may be pinned; false if a frame is missing. */
function* copyOther(copy: Copy, from: number, to: number, page: number): Op<boolean> {
  const { machine } = copy.task;
  if (!isPresentAt(machine, from)) return yield* copySoftEntry(copy, from, to, page);
  const isWp = (flagsAt(machine, from) & UFFD_WP) !== 0;
  return yield* copyPinned(copy, to, page, frameAt(machine, from), isWp);
}
