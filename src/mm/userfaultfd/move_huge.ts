/**
 * Moving a huge page of private memory to another address of its process, whole, with the table that is
 * deposited for it.
 *
 * @source mm/huge_memory.c move_pages_huge_pmd() (Linux 6.18)
 */
import { ACCESSED, DIRTY, W } from '../../arch/index.ts';
import { EAGAIN, EBUSY } from '../../uapi/errno.ts';
import { deposit, withdraw } from '../huge/deposit.ts';
import { isHugeZero } from '../huge/huge_memory.ts';
import { hugePages } from '../huge/huge_start.ts';
import { getFrame } from '../page/frame.ts';
import { isMappedAt, mappedFlagsAt, mappedFrameAt, setMapped } from '../table/mapped_entry.ts';
import { clearEntry, isNoneAt, isPresentAt, isSameAt, lockOf, setEntry } from '../table/pgtable.ts';
import type { Task } from '../task.ts';
import { pageRights } from '../vma/page_rights.ts';
import type { Vma } from '../vma/vma.ts';
import { lock, lockNested, Rank, unlock, unlockNested } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { clearing, reading, setting } from '../world/point.ts';
import { flushTlbMmRange } from '../world/tlb.ts';
import { FrameFlag, NONE } from '../world/world.ts';
import { isPinnedNow, moveAnonRmap, withFolio } from './move_page.ts';

/** The entry that is moved, and the empty one that it is moved to. */
export interface HugeMove {
  readonly from: Vma;
  readonly to: Vma;
  /** First pages, of huge pages. */
  readonly page: number;
  readonly target: number;
  readonly slot: number;
  readonly targetSlot: number;
}

/** An entry as it was read: its folio, with a reference, or `NONE` of the huge zero page. */
interface Held {
  readonly low: number;
  readonly high: number;
  readonly head: number;
}

/**
 * Called under the mmap lock, with the tables of both places there.
 *
 * @returns 0; EAGAIN to look again; EBUSY of a page that is not the process's own, or is pinned
 * @locks   the lock of the table; then the folio lock, the lock of the anon_vma, the locks of both tables
 */
export function* moveHuge(task: Task, move: HugeMove): Op<number> {
  const { machine, cpu, mm } = task;
  const { from, to, slot } = move;
  const guard = lockOf(machine, mm, slot, 1);
  yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
  yield reading(machine.objects.entry(slot));
  const [low, high] = [machine.lanes[slot * 2]!, machine.lanes[slot * 2 + 1]!];
  const found = isMappedAt(machine, slot, 1) ? yield* holdHuge(task, slot) : EAGAIN;
  yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
  if (found < 0 && found !== NONE) return found;
  const held = { low, high, head: found };
  return yield* withFolio(task, from, to, found, () => moveLocked(task, move, held));
}

/** @returns the folio, with a reference, `NONE` of the huge zero page, or EBUSY */
function* holdHuge({ machine }: Task, slot: number): Op<number> {
  const head = mappedFrameAt(machine, slot, 1);
  if (isHugeZero(machine, head)) return NONE;
  yield reading(machine.objects.frame(head));
  if ((machine.frameFlags[head]! & FrameFlag.EXCLUSIVE) === 0) return EBUSY;
  yield* getFrame(machine, head);
  return head;
}

function* moveLocked(task: Task, move: HugeMove, held: Held): Op<number> {
  const { machine, cpu, mm } = task;
  const guards = [move.slot, move.targetSlot].map((slot) => lockOf(machine, mm, slot, 1));
  const [first, second] = [Math.min(...guards), Math.max(...guards)];
  yield* lock(machine, cpu, first, Rank.PAGE_TABLE);
  if (second !== first) yield* lockNested(machine, cpu, second, Rank.PAGE_TABLE);
  const result = yield* moveEntry(task, move, held);
  if (second !== first) yield* unlockNested(machine, cpu, second);
  yield* unlock(machine, cpu, first, Rank.PAGE_TABLE);
  return result;
}

/** Called under the locks of both tables. */
function* moveEntry(
  task: Task,
  { to, page, target, slot, targetSlot }: HugeMove,
  { low, high, head }: Held,
): Op<number> {
  const { machine, cpu, mm } = task;
  yield reading(machine.objects.entry(targetSlot));
  if (!isNoneAt(machine, targetSlot)) return EAGAIN;
  yield reading(machine.objects.entry(slot));
  if (!isSameAt(machine, slot, low, high)) return EAGAIN;
  const wasPinned = head !== NONE && (yield* isPinnedNow(machine, head));
  if (wasPinned) return EBUSY;
  yield clearing(machine.objects.entry(slot));
  const pages = hugePages(machine);
  const frame = mappedFrameAt(machine, slot, 1);
  if (isPresentAt(machine, slot)) {
    const isWritable = (mappedFlagsAt(machine, slot) & W) !== 0;
    machine.ledger.openFolio(machine.mmCpus[mm.id]!, mm.id, page, page + pages, frame, isWritable);
  }
  clearEntry(machine, slot);
  yield* flushTlbMmRange(machine, cpu, mm.id, page, page + pages);
  // Walkers without locks may have pinned it before: then it stays.
  const isPinned = head !== NONE && (yield* isPinnedNow(machine, head));
  if (isPinned) {
    yield setting(machine.objects.entry(slot));
    setEntry(machine, slot, low, high);
    return EBUSY;
  }
  if (head !== NONE) yield* moveAnonRmap(task, to, target, head);
  yield setting(machine.objects.entry(targetSlot));
  const written = head === NONE ? 0 : W | DIRTY;
  setMapped(machine, targetSlot, frame, pageRights(to) | ACCESSED | written, 1);
  deposit(machine, targetSlot, withdraw(machine, slot));
  return 0;
}
