/**
 * Moving one private page to another address of its process.
 *
 * The folio is locked, which keeps the reverse map and the swap cache from it, and its anon_vma, for
 * writing, which keeps walks of the reverse map from missing it at both places.
 *
 * @source mm/userfaultfd.c move_pages_pte(), move_present_ptes(), move_swap_pte(),
 *         move_zeropage_pte() (Linux 6.18)
 */
import { ACCESSED, DIRTY, W } from '../../arch/index.ts';
import { EAGAIN, EBUSY, EEXIST, EFAULT, ENOENT } from '../../uapi/errno.ts';
import { lockFolio, unlockFolio } from '../page/folio_lock.ts';
import { getFrame, headOf, orderOf, putFrame, ZERO_FRAME } from '../page/frame.ts';
import { maybeDmaPinned } from '../rmap/dup_rmap.ts';
import { swapCacheGet } from '../swap/swap_cache.ts';
import { isMappedAt, mappedFlagsAt, mappedFrameAt } from '../table/mapped_entry.ts';
import {
  clearEntry,
  isNoneAt,
  isPresentAt,
  isSameAt,
  isWritableAt,
  lockOf,
  setEntry,
  setLeaf,
  walk,
} from '../table/pgtable.ts';
import { lockPte, unlockPte } from '../table/pte_table.ts';
import { SoftFlag, SoftKind, softFlagsAt, softKindAt, softValueAt } from '../table/soft_entry.ts';
import type { Task } from '../task.ts';
import { pageRights } from '../vma/page_rights.ts';
import { pgoffAt, type Vma } from '../vma/vma.ts';
import { lock, lockNested, Rank, unlock, unlockNested } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { clearing, lockingFolio, reading, setting, writing } from '../world/point.ts';
import { flushTlbMmRange } from '../world/tlb.ts';
import { FrameFlag, NONE, type World } from '../world/world.ts';

/** What is to be moved: the entry of the source as it was read. */
interface Source {
  readonly page: number;
  readonly target: number;
  readonly low: number;
  readonly high: number;
  /** The folio, locked and with a reference, or `NONE`. */
  readonly head: number;
}

/**
 * Called under the mmap lock, with the tables of both places there.
 *
 * @returns 0 or a negative errno: EAGAIN to look again
 * @locks   the folio lock, the lock of the anon_vma, the locks of both tables
 */
export function* movePage(
  task: Task,
  from: Vma,
  to: Vma,
  page: number,
  target: number,
  mayBeHole: boolean,
): Op<number> {
  const { machine, mm } = task;
  const slot = yield* lockPte(task, mm, page);
  if (slot === NONE) return EAGAIN;
  yield reading(machine.objects.entry(slot));
  const [low, high] = [machine.lanes[slot * 2]!, machine.lanes[slot * 2 + 1]!];
  const isTaken = yield* isTargetTaken(task, target);
  const found = isTaken ? EEXIST : yield* holdFolio(task, slot, mayBeHole);
  const kind = softKindAt(machine, slot);
  const value = softValueAt(machine, slot);
  yield* unlockPte(task, mm, slot);
  if (found === HOLE) return 0;
  if (found < 0 && found !== NO_FOLIO) {
    // Who moves the page elsewhere holds its lock until it is there.
    if (found === EAGAIN) yield lockingFolio(machine.objects.folioLock(value));
    return found;
  }
  const head = kind === SoftKind.SWAP ? yield* cachedFolio(task, value) : found;
  const source = { page, target, low, high, head: Math.max(head, NONE) };
  return yield* withFolio(task, from, to, source.head, () => moveLocked(task, to, source));
}

/** Nothing to move; nothing to lock. No errnos. */
const HOLE = -(2 ** 20);
const NO_FOLIO = HOLE - 1;

function* isTargetTaken({ machine, mm }: Task, target: number): Op<boolean> {
  const slot = yield* walk(machine, mm, target);
  if (slot === NONE) return false;
  yield reading(machine.objects.entry(slot));
  return !isNoneAt(machine, slot);
}

/** @returns the head with a reference, `HOLE`, `NO_FOLIO`, or a negative errno */
function* holdFolio({ machine }: Task, slot: number, mayBeHole: boolean): Op<number> {
  if (isNoneAt(machine, slot)) return mayBeHole ? HOLE : ENOENT;
  const kind = softKindAt(machine, slot);
  if (kind === SoftKind.SWAP) {
    return (softFlagsAt(machine, slot) & SoftFlag.EXCLUSIVE) === 0 ? EBUSY : NO_FOLIO;
  }
  if (kind === SoftKind.MIGRATION) return EAGAIN;
  if (!isMappedAt(machine, slot)) return EFAULT;
  const frame = mappedFrameAt(machine, slot);
  if (frame === ZERO_FRAME) return NO_FOLIO;
  const head = headOf(machine, frame);
  yield reading(machine.objects.frame(head));
  const isLarge = orderOf(machine, head) > 0;
  if ((machine.frameFlags[frame]! & FrameFlag.EXCLUSIVE) === 0 || isLarge) return EBUSY;
  yield* getFrame(machine, head);
  return head;
}

/** What the swap cache has of a slot: whoever has it locked brings it in, or writes it out. */
function* cachedFolio({ machine, cpu }: Task, slot: number): Op<number> {
  if (machine.bugs.moveIgnoresSwapCache === true) return NONE;
  return yield* swapCacheGet(machine, cpu, slot);
}

/**
 * Lets `move` be done to a folio, `head`, which is locked meanwhile, and whose reference is dropped: or
 * to what has none.
 */
export function* withFolio(
  task: Task,
  from: Vma,
  to: Vma,
  head: number,
  move: () => Op<number>,
): Op<number> {
  const { machine, cpu } = task;
  if (head !== NONE) yield* lockFolio(machine, cpu, head);
  const guard = machine.objects.anonVmaLock((from.anonVma ?? to.anonVma!).root.id);
  if (head !== NONE) yield* lock(machine, cpu, guard, Rank.ANON_VMA);
  const result = yield* move();
  if (head === NONE) return result;
  yield* unlock(machine, cpu, guard, Rank.ANON_VMA);
  yield* unlockFolio(machine, cpu, head);
  yield* putFrame(machine, cpu, head);
  return result;
}

function* moveLocked(task: Task, to: Vma, source: Source): Op<number> {
  const { machine, cpu, mm } = task;
  const slot = yield* lockPte(task, mm, source.page);
  if (slot === NONE) return EAGAIN;
  const target = yield* walk(machine, mm, source.target);
  let result: number = EAGAIN;
  if (target !== NONE) {
    const guard = lockOf(machine, mm, target, 0);
    const isOther = guard !== lockOf(machine, mm, slot, 0);
    if (isOther) yield* lockNested(machine, cpu, guard, Rank.PAGE_TABLE);
    result = yield* moveEntry(task, to, source, slot, target);
    if (isOther) yield* unlockNested(machine, cpu, guard);
  }
  yield* unlockPte(task, mm, slot);
  return result;
}

/** Called under the locks of both tables. */
function* moveEntry(
  task: Task,
  to: Vma,
  { page, target: targetPage, low, high, head }: Source,
  slot: number,
  target: number,
): Op<number> {
  const { machine, cpu, mm } = task;
  yield reading(machine.objects.entry(target));
  if (!isNoneAt(machine, target)) return EAGAIN;
  yield reading(machine.objects.entry(slot));
  if (!isSameAt(machine, slot, low, high)) return EAGAIN;
  if (!isMappedAt(machine, slot))
    return yield* moveSwapped(task, to, targetPage, slot, target, head);
  const flags = mappedFlagsAt(machine, slot);
  const frame = mappedFrameAt(machine, slot);
  // Asked again when the entry is gone: walkers without locks may pin it until then.
  const wasPinned = head !== NONE && (yield* isPinnedNow(machine, head));
  if (wasPinned) return EBUSY;
  yield clearing(machine.objects.entry(slot));
  if (isPresentAt(machine, slot)) {
    const isWritable = isWritableAt(machine, slot);
    machine.ledger.openPage(machine.mmCpus[mm.id]!, mm.id, page, frame, isWritable);
  }
  clearEntry(machine, slot);
  yield* flushTlbMmRange(machine, cpu, mm.id, page, page + 1);
  const isPinned = head !== NONE && (yield* isPinnedNow(machine, head));
  if (isPinned) {
    yield setting(machine.objects.entry(slot));
    setEntry(machine, slot, low, high);
    return EBUSY;
  }
  if (head !== NONE) yield* moveAnonRmap(task, to, targetPage, head);
  yield setting(machine.objects.entry(target));
  const written = head === NONE ? 0 : W | (flags & DIRTY);
  setLeaf(machine, target, frame, pageRights(to) | ACCESSED | written);
  return 0;
}

/** The entry stands for the slot elsewhere. @source move_swap_pte() */
function* moveSwapped(
  task: Task,
  to: Vma,
  page: number,
  slot: number,
  target: number,
  head: number,
): Op<number> {
  const { machine } = task;
  const swapSlot = softValueAt(machine, slot);
  yield reading(machine.objects.swapSlot(swapSlot));
  // A folio that has come into the swap cache meanwhile was not locked (CVE-2025-38242).
  const isKnown = head === NONE || machine.swapCache[swapSlot] === head;
  const hasNone = head !== NONE || machine.swapCache[swapSlot] === NONE;
  if ((!isKnown || !hasNone) && machine.bugs.moveIgnoresSwapCache !== true) return EAGAIN;
  if (head !== NONE) yield* moveAnonRmap(task, to, page, head);
  const [low, high] = [machine.lanes[slot * 2]!, machine.lanes[slot * 2 + 1]!];
  yield clearing(machine.objects.entry(slot));
  clearEntry(machine, slot);
  yield setting(machine.objects.entry(target));
  setEntry(machine, target, low, high);
  return 0;
}

/** As `maybeDmaPinned()`, whoever pins without locks. */
export function* isPinnedNow(world: World, head: number): Op<boolean> {
  yield reading(world.objects.frame(head));
  return maybeDmaPinned(world, head);
}

/** The folio belongs to `to` from now on. @source mm/rmap.c folio_move_anon_rmap() */
export function* moveAnonRmap({ machine }: Task, to: Vma, page: number, head: number): Op<void> {
  yield writing(machine.objects.frame(head));
  machine.frameMapping[head] = -1 - to.anonVma!.id;
  machine.frameIndex[head] = pgoffAt(to, page);
}
