/**
 * Moving a huge page of a file, which may be mapped in pieces: each entry, of whatever size, becomes a
 * migration entry, at which faults wait for the folio lock, and comes back with the new page.
 *
 * RFC v1 left this out: its count stays as long as an entry of the whole refers to a table, so a page
 * that is mapped in pieces is never free of maps, and is not moved.
 *
 * @source mm/hugetlb.c isolate_hugetlb(); mm/migrate.c unmap_and_move_huge_page(), remove_migration_pte()
 *         (Linux 6.18), as HGM v2 changes them
 * @omits  private pages; getting a page beyond the pool
 */
import { ACCESSED, DIRTY, R, USER, W } from '../../arch/index.ts';
import { HugetlbFlag, hugetlbFlags, setHugetlbFlags } from '../../mm/hugetlb/folio.ts';
import { hstateOf } from '../../mm/hugetlb/hstate.ts';
import { clearHugePte, hugePteFlags, setHugePte } from '../../mm/hugetlb/huge_pte.ts';
import { leafFlags } from '../../mm/hugetlb/leaf_flags.ts';
import { dequeue, hugetlbLock, hugetlbUnlock, isAvailable } from '../../mm/hugetlb/pool.ts';
import type { Machine } from '../../mm/machine.ts';
import {
  lockFolio,
  lockFolioNested,
  unlockFolio,
  unlockFolioNested,
} from '../../mm/page/folio_lock.ts';
import { getFrame, headOf, orderOf, putFrame } from '../../mm/page/frame.ts';
import { isMapped } from '../../mm/rmap/map_count.ts';
import { checkTable, isPresentAt } from '../../mm/table/pgtable.ts';
import {
  SoftFlag,
  SoftKind,
  setSoftEntry,
  softFlagsAt,
  softKindAt,
  softValueAt,
} from '../../mm/table/soft_entry.ts';
import type { Task } from '../../mm/task.ts';
import type { Vma } from '../../mm/vma/vma.ts';
import { lock, Rank, unlock } from '../../mm/world/lock.ts';
import type { Op } from '../../mm/world/op.ts';
import { clearing, reading, setting, writing } from '../../mm/world/point.ts';
import { flushTlbMmRange } from '../../mm/world/tlb.ts';
import { FrameFlag, NONE } from '../../mm/world/world.ts';
import { EAGAIN, EBUSY, ENOMEM } from '../../uapi/errno.ts';
import { countPiece } from './counting.ts';
import {
  firstOf,
  frameOf,
  Held,
  type HugetlbPte,
  heldAt,
  lockOfPiece,
  newHugetlbPte,
} from './hugetlb_pte.ts';
import type { HgmOptions } from './options.ts';
import { visitAllMappings, visitMappings } from './rmap.ts';
import { fullWalk } from './walk.ts';

/**
 * Moves the folio `head`, to which the caller has a reference.
 *
 * @returns 0; EAGAIN if somebody holds it, or maps it where nobody gets at it; ENOMEM; EBUSY of one that
 *          cannot be moved
 * @locks   both folio locks, i_mmap_rwsem, the locks of VMAs, page-table locks
 */
export function* migrateHugetlb(
  machine: Machine,
  cpu: number,
  head: number,
  options: HgmOptions,
): Op<number> {
  yield* lockFolio(machine, cpu, head);
  const isIsolated = yield* isolateHugetlb(machine, head);
  const result = isIsolated ? yield* migrateIsolated(machine, cpu, head, options) : EBUSY;
  if (isIsolated) yield* putbackHugetlb(machine, head);
  yield* unlockFolio(machine, cpu, head);
  return result;
}

/** Says that a page is about to be moved. @returns false of one that cannot be, or is just being */
export function* isolateHugetlb(machine: Machine, head: number): Op<boolean> {
  yield writing(machine.objects.frame(head));
  const flags = hugetlbFlags(machine, head);
  if (machine.frameMapping[head]! <= 0 || (flags & HugetlbFlag.ISOLATED) !== 0) return false;
  setHugetlbFlags(machine, head, flags | HugetlbFlag.ISOLATED);
  return true;
}

export function* putbackHugetlb(machine: Machine, head: number): Op<void> {
  yield writing(machine.objects.frame(head));
  setHugetlbFlags(machine, head, hugetlbFlags(machine, head) & ~HugetlbFlag.ISOLATED);
}

function* migrateIsolated(
  machine: Machine,
  cpu: number,
  head: number,
  options: HgmOptions,
): Op<number> {
  const copy = yield* takePage(machine, cpu, head);
  if (copy === NONE) return ENOMEM;
  yield* lockFolioNested(machine, cpu, copy);
  yield* visitMappings(machine, cpu, head, (task, vma, page) =>
    setMigrationEntries(task, vma, page, head, options),
  );
  const isMoved = yield* replaceInCache(machine, cpu, head, copy);
  yield* visitAllMappings(machine, cpu, isMoved ? copy : head, (task, vma, page) =>
    removeMigrationEntries(task, vma, page, head, isMoved ? copy : head, options),
  );
  yield* unlockFolioNested(machine, copy);
  yield* putFrame(machine, cpu, copy);
  return isMoved ? 0 : EAGAIN;
}

/** A page of the same size that nobody was promised, with a reference, or `NONE`. */
function* takePage(machine: Machine, cpu: number, head: number): Op<number> {
  const order = orderOf(machine, head);
  const hstate = machine.hugetlb.hstates.find((one) => one.order === order)!;
  yield* hugetlbLock({ machine, cpu });
  const copy = isAvailable(hstate) ? yield* dequeue({ machine, cpu }, hstate) : NONE;
  yield* hugetlbUnlock({ machine, cpu });
  return copy;
}

/** Called under i_mmap_rwsem and the lock of the VMA, both for writing. */
function* setMigrationEntries(
  task: Task,
  vma: Vma,
  start: number,
  head: number,
  options: HgmOptions,
): Op<void> {
  const { machine, cpu, mm } = task;
  const at = newHugetlbPte();
  const end = start + hstateOf(vma).pages;
  for (let page = start; page < end; ) {
    const isThere = yield* fullWalk(machine, mm, vma, page, at);
    if (!isThere) break;
    const guard = lockOfPiece(machine, mm, at);
    yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
    yield reading(machine.objects.entry(at.slot));
    const held = checkTable(machine, at.slot) ? heldAt(machine, at) : Held.NONE;
    const isOurs = held === Held.LEAF && headOf(machine, frameOf(machine, at)) === head;
    if (isOurs) yield* setMigrationEntry(task, vma, page, at, head, options);
    yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
    if (isOurs) yield* putFrame(machine, cpu, head);
    if (held !== Held.FINER) page = firstOf(at, page) + at.pages;
  }
}

/** The entry's reference is the caller's now. Flushed before the lock is dropped. */
function* setMigrationEntry(
  task: Task,
  vma: Vma,
  page: number,
  at: HugetlbPte,
  head: number,
  { counting }: HgmOptions,
): Op<void> {
  const { machine, cpu, mm } = task;
  yield clearing(machine.objects.entry(at.slot));
  const first = firstOf(at, page);
  const flags = hugePteFlags(machine, at.slot, at);
  const frame = frameOf(machine, at);
  const wasPresent = isPresentAt(machine, at.slot);
  const kept =
    ((flags & W) !== 0 ? SoftFlag.WRITABLE : 0) |
    ((flags & ACCESSED) !== 0 ? SoftFlag.YOUNG : 0) |
    ((flags & DIRTY) !== 0 ? SoftFlag.DIRTY : 0);
  clearHugePte(machine, at.slot, at);
  const span = machine.format.entryPages[at.level]!;
  for (let entry = 0; entry < at.entries; entry++) {
    setSoftEntry(machine, at.slot + entry, SoftKind.MIGRATION, frame + entry * span, kept);
  }
  if (wasPresent) {
    const cpus = machine.mmCpus[mm.id]!;
    machine.ledger.openFolio(cpus, mm.id, first, first + at.pages, frame, (flags & W) !== 0);
    yield* flushTlbMmRange(machine, cpu, mm.id, first, first + at.pages);
  }
  mm.hugetlbPages -= at.pages;
  yield writing(machine.objects.frame(head));
  countPiece(machine, counting, frame, at.pages, -1, at.pages === hstateOf(vma).pages);
}

/** Gives the file the new page, if nobody but the cache and the caller has the old one. */
function* replaceInCache(machine: Machine, cpu: number, from: number, to: number): Op<boolean> {
  const inode = machine.inodes.get(machine.frameMapping[from]! - 1);
  const pgoff = machine.frameIndex[from]!;
  yield* lock(machine, cpu, machine.objects.pagesLock(inode.id), Rank.PAGES);
  yield writing(machine.objects.frame(from));
  const isFree = !isMapped(machine, from) && machine.frameReferences[from] === 2;
  if (isFree) {
    yield writing(machine.objects.pages(inode.id));
    inode.pages.set(pgoff, to);
    yield writing(machine.objects.frame(to));
    moveState(machine, from, to);
  }
  yield* unlock(machine, cpu, machine.objects.pagesLock(inode.id), Rank.PAGES);
  return isFree;
}

const KEPT = FrameFlag.DIRTY | FrameFlag.UPTODATE;

/** The reference of the cache, and what the folio is. The caller's reference keeps the old one. */
function moveState(machine: Machine, from: number, to: number): void {
  const pages = 2 ** orderOf(machine, from);
  machine.frameReferences[from]!--;
  machine.frameReferences[to]!++;
  machine.frameMapping[to] = machine.frameMapping[from]!;
  machine.frameIndex[to] = machine.frameIndex[from]!;
  machine.frameMapping[from] = 0;
  machine.frameFlags[to] = machine.frameFlags[to]! | (machine.frameFlags[from]! & KEPT);
  if (machine.size.contents) machine.frameData.copyWithin(to, from, from + pages);
  const subpool = machine.hugetlb.subpools.get(from);
  if (subpool === undefined) return;
  machine.hugetlb.subpools.set(to, subpool);
  machine.hugetlb.subpools.delete(from);
}

/** Called under i_mmap_rwsem, for writing. */
function* removeMigrationEntries(
  task: Task,
  vma: Vma,
  start: number,
  head: number,
  to: number,
  options: HgmOptions,
): Op<void> {
  const { machine, cpu, mm } = task;
  const at = newHugetlbPte();
  const { pages } = hstateOf(vma);
  for (let page = start; page < start + pages; page = firstOf(at, page) + at.pages) {
    const isThere = yield* fullWalk(machine, mm, vma, page, at);
    if (!isThere) break;
    const guard = lockOfPiece(machine, mm, at);
    yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
    yield reading(machine.objects.entry(at.slot));
    const offset = softValueAt(machine, at.slot) - head;
    const isKept = checkTable(machine, at.slot);
    const isMigration = isKept && softKindAt(machine, at.slot) === SoftKind.MIGRATION;
    if (isMigration && offset >= 0 && offset < pages) {
      yield* restoreEntry(task, vma, at, to + offset, options);
    }
    yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
  }
}

function* restoreEntry(
  task: Task,
  vma: Vma,
  at: HugetlbPte,
  frame: number,
  { counting }: HgmOptions,
): Op<void> {
  const { machine, mm } = task;
  const kept = softFlagsAt(machine, at.slot);
  const isWritable = (kept & SoftFlag.WRITABLE) !== 0;
  const rights = leafFlags(vma, isWritable) & ~(ACCESSED | DIRTY);
  const flags =
    (rights & (R | USER) ? rights : 0) |
    ((kept & SoftFlag.YOUNG) !== 0 ? ACCESSED : 0) |
    ((kept & SoftFlag.DIRTY) !== 0 ? DIRTY : 0);
  yield* getFrame(machine, frame);
  countPiece(machine, counting, frame, at.pages, 1, at.pages === hstateOf(vma).pages);
  yield setting(machine.objects.entry(at.slot));
  setHugePte(machine, at.slot, at, frame, flags);
  mm.hugetlbPages += at.pages;
}
