/**
 * Copying the entry of a huge page for fork.
 *
 * @source mm/huge_memory.c copy_huge_pmd() (Linux 6.18)
 * @omits  migration of huge pages
 */
import { ACCESSED, UFFD_WP, W } from '../../arch/index.ts';
import { EAGAIN, ENOMEM } from '../../uapi/errno.ts';
import { deposit } from '../huge/deposit.ts';
import { isHugeZero } from '../huge/huge_memory.ts';
import { addHugeRmap } from '../huge/huge_rmap.ts';
import { hugePages, hugeStart } from '../huge/huge_start.ts';
import { splitHugeEntry } from '../huge/split.ts';
import { maybeDmaPinned } from '../rmap/dup_rmap.ts';
import { mappedFlagsAt, mappedFrameAt, setMapped } from '../table/mapped_entry.ts';
import { lockOf, setLeaf, walkAllocating } from '../table/pgtable.ts';
import { VM } from '../vma/vma.ts';
import { lock, lockNested, Rank, unlock, unlockNested } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { clearing, reading, setting, writing } from '../world/point.ts';
import { allocTable, freeTable } from '../world/table_page.ts';
import { FrameFlag, NONE } from '../world/world.ts';
import type { Copy } from './copy_page_range.ts';

/**
 * Lets the child map the huge page at `slot`. Those of files are left to faults.
 *
 * @returns 0, ENOMEM, or EAGAIN if it may be pinned: then it is split, its pages are to be copied
 * @locks   the lock of the child's table, then that of the parent's
 */
export function* copyHugeEntry(copy: Copy, slot: number, page: number): Op<number> {
  const { task, child, to: vma } = copy;
  const { machine, cpu, mm } = task;
  if (vma.file !== undefined) return 0;
  const table = yield* allocTable(machine, cpu);
  if (table === NONE) return ENOMEM;
  const to = yield* walkAllocating(task, child, page, 1);
  if (to === NONE) {
    yield* freeTable(machine, cpu, table);
    return ENOMEM;
  }
  const outer = lockOf(machine, child, to, 1);
  const inner = lockOf(machine, mm, slot, 1);
  yield* lock(machine, cpu, outer, Rank.PAGE_TABLE);
  yield* lockNested(machine, cpu, inner, Rank.PAGE_TABLE);
  const isCopied = yield* copyLocked(copy, slot, to, hugeStart(machine, page), table);
  yield* unlockNested(machine, cpu, inner);
  yield* unlock(machine, cpu, outer, Rank.PAGE_TABLE);
  if (isCopied) return 0;
  yield* freeTable(machine, cpu, table);
  yield* splitHugeEntry(task, mm, hugeStart(machine, page), slot);
  return EAGAIN;
}

/** Called under both locks. False if the page may be pinned. */
function* copyLocked(
  copy: Copy,
  from: number,
  to: number,
  start: number,
  table: number,
): Op<boolean> {
  const { task, child, to: vma } = copy;
  const { machine, mm } = task;
  yield reading(machine.objects.entry(from));
  const head = mappedFrameAt(machine, from, 1);
  let flags = mappedFlagsAt(machine, from);
  if (!isHugeZero(machine, head)) {
    yield writing(machine.objects.frame(head));
    const isExclusive = (machine.frameFlags[head]! & FrameFlag.EXCLUSIVE) !== 0;
    if (isExclusive && mm.hasPinned && maybeDmaPinned(machine, head)) return false;
    machine.frameFlags[head]! &= ~FrameFlag.EXCLUSIVE;
    machine.frameReferences[head]!++;
    yield* addHugeRmap(machine, child, head, hugePages(machine));
  }
  deposit(machine, to, table);
  child.tables++;
  if ((flags & W) !== 0) {
    flags &= ~W;
    yield clearing(machine.objects.entry(from));
    setLeaf(machine, from, head, flags, 1);
    const end = start + hugePages(machine);
    machine.ledger.openFolio(machine.mmCpus[mm.id]!, mm.id, start, end, head, true);
  }
  yield setting(machine.objects.entry(to));
  const forgotten = (vma.flags & VM.UFFD_WP) === 0 ? ACCESSED | UFFD_WP : ACCESSED;
  setMapped(machine, to, head, flags & ~forgotten, 1);
  return true;
}
