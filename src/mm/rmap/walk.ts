/**
 * The reverse map: from a folio to the entries that map it.
 *
 * A private folio belongs to an anon_vma, a folio of the page cache to an inode; both list the VMAs
 * that may map it. Under the lock of the list these VMAs keep their bounds, and the tables above level 0
 * are not freed: who frees them takes the VMA out of the lists first. Each entry is then looked at
 * under the lock of its table.
 *
 * @source mm/rmap.c rmap_walk(), folio_lock_anon_vma_read(); mm/page_vma_mapped.c
 *         page_vma_mapped_walk() (Linux 6.18)
 */
import { assert } from '../../base/assert.ts';
import { beforeMapped } from '../design/seams.ts';
import type { Machine } from '../machine.ts';
import { invalidateRangeEnd, invalidateRangeStart } from '../notifier/notifier.ts';
import { Notify } from '../notifier/subscription.ts';
import { orderOf } from '../page/frame.ts';
import { isMappedAt } from '../table/mapped_entry.ts';
import { frameAt, isLeafAt, isPresentAt, lockOf, walk } from '../table/pgtable.ts';
import { lockPte } from '../table/pte_table.ts';
import { SoftKind, softKindAt, softValueAt } from '../table/soft_entry.ts';
import type { Mm } from '../vma/mm.ts';
import { VM, type Vma } from '../vma/vma.ts';
import { touchVma } from '../vma/vma_lock.ts';
import { lock, lockShared, Rank, unlock, unlockShared } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { reading } from '../world/point.ts';
import { NONE, type World } from '../world/world.ts';
import type { AnonVma } from './anon_vma.ts';
import { isMapped } from './map_count.ts';

/** An entry that a walk has found. Its table stays locked while it is looked at. */
export interface Mapping {
  readonly vma: Vma;
  readonly mm: Mm;
  readonly page: number;
  readonly slot: number;
  /** 1 if the whole folio is mapped by one large leaf. */
  readonly level: number;
  /** The frame of the folio that the entry maps first. */
  readonly frame: number;
}

/** What is done with each entry, under the lock of its table; the walk ends when it says false. */
export type Visit = (machine: Machine, cpu: number, mapping: Mapping) => Op<boolean>;

/** Which entries are looked for. */
export const Sought = {
  /** Those that map the folio, whether or not the process may access it (PROT_NONE). */
  MAPPED: 0,
  /** Migration entries that stand for the folio. */
  MIGRATION: 1,
  /** As `MAPPED`, to be taken away: secondary MMUs are told, for each VMA. */
  UNMAPPED: 2,
  /** As `MAPPED`, those of shared VMAs, to be write-protected: secondary MMUs are told, for each VMA. */
  CLEANED: 3,
} as const;
export type Sought = (typeof Sought)[keyof typeof Sought];

/**
 * Visits all entries that map the folio `head`. Called under its folio lock, with a reference to it.
 *
 * @returns whether the walk came to its end
 * @locks   the lock of the anon_vma (read) or i_mmap_rwsem (read), then a table's lock for each entry
 */
export function* rmapWalk(
  machine: Machine,
  cpu: number,
  head: number,
  visit: Visit,
  sought: Sought = Sought.MAPPED,
): Op<boolean> {
  yield reading(machine.objects.frame(head));
  const mapping = machine.frameMapping[head]!;
  if (mapping > 0) return yield* rmapWalkFile(machine, cpu, head, visit, sought);
  if (mapping === 0) return true;
  const anonVma = yield* lockAnonVmaOf(machine, cpu, head);
  if (anonVma === undefined) return true;
  const isWhole = yield* walkVmas(machine, cpu, anonVma.vmas, head, sought, head, visit);
  yield* unlockAnonVma(machine, cpu, anonVma);
  return isWhole;
}

/** As `rmapWalk()`, of a folio of the page cache. */
export function* rmapWalkFile(
  machine: Machine,
  cpu: number,
  head: number,
  visit: Visit,
  sought: Sought = Sought.MAPPED,
  folio = head,
): Op<boolean> {
  assert(machine.frameMapping[head]! > 0, 'a folio of the page cache belongs to an inode');
  const inode = machine.inodes.get(machine.frameMapping[head]! - 1);
  const guard = machine.objects.iMmapLock(inode.id);
  yield* lockShared(machine, cpu, guard, Rank.I_MMAP);
  const isWhole = yield* walkVmas(machine, cpu, inode.mappings, head, sought, folio, visit);
  yield* unlockShared(machine, cpu, guard, Rank.I_MMAP);
  return isWhole;
}

/**
 * As `rmapWalk()`, of a private folio that need not be mapped: what keeps `anonVma` meanwhile is
 * known to the caller.
 *
 * @param folio whose entries are looked for, if that is another folio in the same place
 */
export function* rmapWalkAnon(
  machine: Machine,
  cpu: number,
  anonVma: AnonVma,
  head: number,
  visit: Visit,
  sought: Sought = Sought.MAPPED,
  folio = head,
): Op<boolean> {
  yield* lockShared(machine, cpu, guardOf(machine, anonVma), Rank.ANON_VMA);
  const isWhole = yield* walkVmas(machine, cpu, anonVma.vmas, head, sought, folio, visit);
  yield* unlockAnonVma(machine, cpu, anonVma);
  return isWhole;
}

/**
 * The anon_vma of a private folio, read-locked; `undefined` if nobody maps the folio any more: then
 * the anon_vma may be gone, or be another one.
 */
export function* lockAnonVmaOf(
  machine: Machine,
  cpu: number,
  head: number,
): Op<AnonVma | undefined> {
  yield reading(machine.objects.frame(head));
  const mapping = machine.frameMapping[head]!;
  if (mapping >= 0 || !isMapped(machine, head)) return undefined;
  const anonVma = machine.anonVmas.get(-1 - mapping);
  yield* lockShared(machine, cpu, guardOf(machine, anonVma), Rank.ANON_VMA);
  yield reading(machine.objects.frame(head));
  // As long as a page of it is mapped, an anon_vma stays.
  if (isMapped(machine, head)) return anonVma;
  yield* unlockAnonVma(machine, cpu, anonVma);
  return undefined;
}

export function* unlockAnonVma(machine: Machine, cpu: number, anonVma: AnonVma): Op<void> {
  yield* unlockShared(machine, cpu, guardOf(machine, anonVma), Rank.ANON_VMA);
}

const guardOf = (machine: Machine, { root }: AnonVma): number =>
  machine.objects.anonVmaLock(root.id);

/** Called under the lock of the list. The index is that of `head`, the entries those of `folio`. */
function* walkVmas(
  machine: Machine,
  cpu: number,
  vmas: ReadonlyMap<Vma, Mm>,
  head: number,
  sought: Sought,
  folio: number,
  visit: Visit,
): Op<boolean> {
  const isCleaned = sought === Sought.CLEANED;
  const isTold = (isCleaned || sought === Sought.UNMAPPED) && machine.hasNotifiers;
  const event = isCleaned ? Notify.PROTECTION_PAGE : Notify.CLEAR;
  for (const [vma, mm] of vmas) {
    if (isCleaned && (vma.flags & VM.SHARED) === 0) continue;
    const [start, end] = isTold ? pagesOfFolio(machine, vma, head) : NOWHERE;
    if (start < end) yield* invalidateRangeStart({ machine, cpu }, mm, start, end, event);
    const isGoingOn = yield* walkVma(machine, cpu, vma, mm, head, sought, folio, visit);
    if (start < end) yield* invalidateRangeEnd({ machine, cpu }, mm, start, end, event);
    if (!isGoingOn) return false;
  }
  return true;
}

const NOWHERE: readonly [start: number, end: number] = [0, 0];

/** Where `vma` may map a folio: nowhere, if the end is not behind the start. */
function pagesOfFolio(machine: Machine, vma: Vma, head: number): typeof NOWHERE {
  const first = machine.frameIndex[head]!;
  const last = first + 2 ** orderOf(machine, head) - 1;
  const page = pageOfIndex(vma, first);
  const start = page === NONE ? vma.start : page;
  const lastPage = pageOfIndex(vma, last);
  if (page === NONE && lastPage === NONE) return NOWHERE;
  return [start, lastPage === NONE ? vma.end : lastPage + 1];
}

/** @returns whether the walk goes on */
function* walkVma(
  machine: Machine,
  cpu: number,
  vma: Vma,
  mm: Mm,
  head: number,
  sought: Sought,
  folio: number,
  visit: Visit,
): Op<boolean> {
  touchVma(machine, vma);
  const frames = 2 ** orderOf(machine, head);
  const index = machine.frameIndex[head]!;
  for (let offset = 0; offset < frames; ) {
    const page = pageOfIndex(vma, index + offset);
    if (page === NONE) {
      offset++;
      continue;
    }
    const level = offset === 0 ? yield* levelAt(machine, mm, page, frames) : 0;
    const slot = yield* lockEntry(machine, cpu, mm, page, level, folio + offset, sought);
    if (slot !== NONE) {
      const mapping = { vma, mm, page, slot, level, frame: folio + offset };
      const isGoingOn = yield* visit(machine, cpu, mapping);
      yield* unlock(machine, cpu, lockOf(machine, mm, slot, level), Rank.PAGE_TABLE);
      if (!isGoingOn) return false;
    }
    offset += level === 0 ? 1 : frames;
  }
  return true;
}

/** Where `vma` maps the page `index` of its file or anon_vma, or `NONE`. */
export function pageOfIndex(vma: Vma, index: number): number {
  // Indexes of frames are kept modulo 2^32.
  const page = vma.start + ((index - vma.pgoff) >>> 0);
  return page < vma.end ? page : NONE;
}

/** 1 if a folio that is as large as a large page is mapped as one at `page`. */
function* levelAt(machine: Machine, mm: Mm, page: number, frames: number): Op<number> {
  if (frames < machine.format.entryPages[1]!) return 0;
  const slot = yield* walk(machine, mm, page, 1);
  if (slot === NONE) return 0;
  yield reading(machine.objects.entry(slot));
  return isMappedAt(machine, slot, 1) ? 1 : 0;
}

/** The slot of the entry for `page` if it is one for `frame`, its table locked; else `NONE`. */
function* lockEntry(
  machine: Machine,
  cpu: number,
  mm: Mm,
  page: number,
  level: number,
  frame: number,
  sought: Sought,
): Op<number> {
  if (level === 0 && machine.designs.length > 0) {
    const isReady = yield* beforeMapped({ machine, cpu, mm }, page);
    if (!isReady) return NONE;
  }
  const slot =
    level === 0
      ? yield* lockPte({ machine, cpu }, mm, page)
      : yield* lockUpper(machine, cpu, mm, page, level);
  if (slot === NONE) return NONE;
  const guard = lockOf(machine, mm, slot, level);
  yield reading(machine.objects.entry(slot));
  if (isFor(machine, slot, level, frame, sought)) return slot;
  yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
  return NONE;
}

/** Tables above level 0 stay as long as the VMA is in the lists. */
function* lockUpper(
  machine: Machine,
  cpu: number,
  mm: Mm,
  page: number,
  level: number,
): Op<number> {
  const slot = yield* walk(machine, mm, page, level);
  if (slot === NONE) return NONE;
  yield* lock(machine, cpu, lockOf(machine, mm, slot, level), Rank.PAGE_TABLE);
  return slot;
}

function isFor(world: World, slot: number, level: number, frame: number, sought: Sought): boolean {
  if (isPresentAt(world, slot)) {
    if (sought === Sought.MIGRATION || !isLeafAt(world, slot, level)) return false;
    return frameAt(world, slot, level) === frame;
  }
  const kind = sought === Sought.MIGRATION ? SoftKind.MIGRATION : SoftKind.PROT_NONE;
  return softKindAt(world, slot) === kind && softValueAt(world, slot) === frame;
}
