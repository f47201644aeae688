/**
 * Moving a page to another frame while processes go on using it.
 *
 * The entries become migration entries, at which all who want the page wait for its folio lock. When
 * nobody has it any more, which the references tell, it is copied, its caches are given the new folio,
 * and the entries come back as they were. If anybody holds it, the entries come back to the old folio.
 *
 * @source mm/migrate.c migrate_folio_unmap(), migrate_folio_move(), __migrate_folio(),
 *         __folio_migrate_mapping(), folio_migrate_flags() (Linux 6.18)
 * @omits  large folios, write-back, files whose file system moves them itself, devices that copy,
 *         trying again
 */
import { EAGAIN, EBUSY, ENOMEM } from '../../uapi/errno.ts';
import type { Machine } from '../machine.ts';
import { lockFolio, lockFolioNested, unlockFolio, unlockFolioNested } from '../page/folio_lock.ts';
import { allocFrame, orderOf, putFrame } from '../page/frame.ts';
import type { AnonVma } from '../rmap/anon_vma.ts';
import { isMapped } from '../rmap/map_count.ts';
import { lockAnonVmaOf, unlockAnonVma } from '../rmap/walk.ts';
import { lockSwap, replaceInSlot, unlockSwap } from '../swap/swap_slot.ts';
import { lock, Rank, unlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { reading, readingContent, writing } from '../world/point.ts';
import { FrameFlag, NONE } from '../world/world.ts';
import { isCached, removeMigrationEntries, tryToMigrate } from './migration_entry.ts';

/**
 * Moves the folio `head`, to which the caller has a reference, to another frame.
 *
 * @returns 0; EAGAIN if somebody holds it, ENOMEM, or EBUSY of a folio that cannot be moved
 * @locks   the folio lock, that of the new folio, then the lock of the anon_vma or i_mmap_rwsem (read),
 *          locks of tables, then the i_pages lock or the swap lock
 */
export function* migrateFolio(machine: Machine, cpu: number, head: number): Op<number> {
  yield* lockFolio(machine, cpu, head);
  const copy = yield* newFolioFor(machine, cpu, head);
  let result = copy;
  if (copy >= 0) {
    yield* lockFolioNested(machine, cpu, copy);
    result = yield* unmapAndMove(machine, cpu, head, copy);
    yield* unlockFolioNested(machine, copy);
    // Moved, it has the references of its entries and caches.
    yield* putFrame(machine, cpu, copy);
  }
  yield* unlockFolio(machine, cpu, head);
  return result;
}

/** A frame, EBUSY or ENOMEM. Called under the folio lock. */
function* newFolioFor(machine: Machine, cpu: number, head: number): Op<number> {
  yield reading(machine.objects.frame(head));
  // What belongs to nothing was cut off from its file, or was never mapped.
  if (orderOf(machine, head) > 0 || machine.frameMapping[head] === 0) return EBUSY;
  const copy = yield* allocFrame(machine, cpu);
  return copy === NONE ? ENOMEM : copy;
}

/** Called under both folio locks. @returns 0 or EAGAIN */
function* unmapAndMove(machine: Machine, cpu: number, from: number, to: number): Op<number> {
  const anonVma = yield* anonVmaOf(machine, cpu, from);
  yield reading(machine.objects.frame(from));
  const wasMapped = isMapped(machine, from);
  if (wasMapped) yield* tryToMigrate(machine, cpu, from);
  yield reading(machine.objects.frame(from));
  const isMoved = !isMapped(machine, from) && (yield* moveFolio(machine, cpu, from, to));
  if (wasMapped) {
    yield* removeMigrationEntries(machine, cpu, from, isMoved ? to : from, anonVma);
  }
  return isMoved ? 0 : EAGAIN;
}

/** Who lists the VMAs of a private page. Whoever has it, sees them go: an empty list finds nothing. */
function* anonVmaOf(machine: Machine, cpu: number, head: number): Op<AnonVma | undefined> {
  const anonVma = yield* lockAnonVmaOf(machine, cpu, head);
  if (anonVma !== undefined) yield* unlockAnonVma(machine, cpu, anonVma);
  return anonVma;
}

/** Copies and replaces a folio that no entry maps; false if others have references to it. */
function* moveFolio(machine: Machine, cpu: number, from: number, to: number): Op<boolean> {
  const hasCache = yield* isCached(machine, from);
  const references = hasCache ? 2 : 1;
  if (machine.frameReferences[from] !== references) return false;
  yield readingContent(machine.objects.frame(from));
  const word = machine.size.contents ? machine.frameData[from]! : 0;
  const mapping = machine.frameMapping[from]!;
  const index = machine.frameIndex[from]!;
  const flags = machine.frameFlags[from]! & MOVED;
  yield writing(machine.objects.frame(to));
  if (machine.size.contents) machine.frameData[to] = word;
  machine.frameMapping[to] = mapping;
  machine.frameIndex[to] = index;
  machine.frameFlags[to]! |= flags;
  if (!hasCache) {
    yield writing(machine.objects.frame(from));
    return machine.frameReferences[from] === references;
  }
  return mapping > 0
    ? yield* replaceInFile(machine, cpu, from, to)
    : yield* replaceInSwapCache(machine, cpu, from, to);
}

/** Flags that go with the page. Whether it is one process's own, its entries say. */
const MOVED =
  FrameFlag.DIRTY |
  FrameFlag.UPTODATE |
  FrameFlag.SWAPBACKED |
  FrameFlag.SWAPCACHE |
  FrameFlag.READAHEAD;

/** Gives the page cache the new folio, while nobody can get a reference to the old one. */
function* replaceInFile(machine: Machine, cpu: number, from: number, to: number): Op<boolean> {
  const inode = machine.inodes.get(machine.frameMapping[from]! - 1);
  const guard = machine.objects.pagesLock(inode.id);
  yield* lock(machine, cpu, guard, Rank.PAGES);
  const isFrozen = yield* freeze(machine, from);
  if (isFrozen) {
    yield* take(machine, to);
    yield writing(machine.objects.pages(inode.id));
    inode.pages.set(machine.frameIndex[to]!, to);
    yield writing(machine.objects.frame(from));
    machine.frameMapping[from] = 0;
    machine.frameReferences[from] = 1;
  }
  yield* unlock(machine, cpu, guard, Rank.PAGES);
  return isFrozen;
}

/** The same of the swap cache. */
function* replaceInSwapCache(machine: Machine, cpu: number, from: number, to: number): Op<boolean> {
  yield* lockSwap(machine, cpu);
  const isFrozen = yield* freeze(machine, from);
  if (isFrozen) {
    yield* take(machine, to);
    yield* replaceInSlot(machine, from, to);
    yield writing(machine.objects.frame(from));
    machine.frameFlags[from]! &= ~FrameFlag.SWAPCACHE;
    machine.frameReferences[from] = 1;
  }
  yield* unlockSwap(machine, cpu);
  return isFrozen;
}

/** Lets nobody get a reference, if only the cache and the caller have one (folio_ref_freeze()). */
function* freeze(machine: Machine, head: number): Op<boolean> {
  yield writing(machine.objects.frame(head));
  if (machine.frameReferences[head] !== 2) return false;
  machine.frameReferences[head] = 0;
  return true;
}

/** The reference of the cache. */
function* take(machine: Machine, head: number): Op<void> {
  yield writing(machine.objects.frame(head));
  machine.frameReferences[head]!++;
}
