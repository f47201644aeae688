/**
 * Migration entries: they stand for a page while it is moved, and remember what its entry said.
 *
 * @source mm/rmap.c try_to_migrate_one(); mm/migrate.c remove_migration_pte() (Linux 6.18)
 * @omits  large folios, device memory, soft-dirty tracking, flushes in batches
 */
import { ACCESSED, DIRTY, UFFD_WP, W } from '../../arch/index.ts';
import { assert } from '../../base/assert.ts';
import { flushMapped } from '../design/seams.ts';
import type { Machine } from '../machine.ts';
import { getFrame, markDirty, putFrame } from '../page/frame.ts';
import type { AnonVma } from '../rmap/anon_vma.ts';
import { tryShareRmap } from '../rmap/dup_rmap.ts';
import { isAnonymousFrame } from '../rmap/map_count.ts';
import { mlockMapped, munlockMapped } from '../rmap/mlock.ts';
import {
  type Mapping,
  rmapWalk,
  rmapWalkAnon,
  rmapWalkFile,
  Sought,
  type Visit,
} from '../rmap/walk.ts';
import { mappedFlagsAt, setMapped } from '../table/mapped_entry.ts';
import { clearEntry, isPresentAt, setEntry } from '../table/pgtable.ts';
import { SoftFlag, SoftKind, setSoftEntry, softFlagsAt } from '../table/soft_entry.ts';
import type { Mm } from '../vma/mm.ts';
import { pageRights } from '../vma/page_rights.ts';
import type { Op } from '../world/op.ts';
import { clearing, reading, setting, writing } from '../world/point.ts';
import { FrameFlag } from '../world/world.ts';

/**
 * Replaces all entries for the folio `head` until one of them cannot be: its page may be pinned. Called
 * under the folio lock, with a reference.
 *
 * @locks the lock of the anon_vma or i_mmap_rwsem (read), then the lock of each table
 */
export function* tryToMigrate(machine: Machine, cpu: number, head: number): Op<void> {
  let flushed: Mm | undefined;
  const replaceOne: Visit = function* visit(_machine, _cpu, mapping): Op<boolean> {
    const isFlushing = flushed === undefined || machine.bugs.migrateFlushesOneMm !== true;
    flushed ??= mapping.mm;
    return yield* replaceEntry(machine, cpu, mapping, isFlushing);
  };
  yield* rmapWalk(machine, cpu, head, replaceOne, Sought.UNMAPPED);
}

/** Called under the lock of the table. False if the page has to stay. */
function* replaceEntry(
  machine: Machine,
  cpu: number,
  { vma, mm, page, slot, frame }: Mapping,
  isFlushing: boolean,
): Op<boolean> {
  yield clearing(machine.objects.entry(slot));
  const [low, high] = [machine.lanes[slot * 2]!, machine.lanes[slot * 2 + 1]!];
  const flags = mappedFlagsAt(machine, slot);
  const wasPresent = isPresentAt(machine, slot);
  clearEntry(machine, slot);
  if (wasPresent) {
    machine.ledger.openPage(machine.mmCpus[mm.id]!, mm.id, page, frame, (flags & W) !== 0);
    if (isFlushing) yield* flushMapped(machine, cpu, mm, page);
  }
  yield writing(machine.objects.frame(frame));
  if ((flags & DIRTY) !== 0) markDirty(machine, frame);
  const isOwn = (machine.frameFlags[frame]! & FrameFlag.EXCLUSIVE) !== 0;
  const isShared = tryShareRmap(machine, frame);
  // The process has the page all the time: its counters do not change.
  if (isShared) {
    machine.frameMapcount[frame]!--;
    munlockMapped(machine, vma, frame);
  }
  yield setting(machine.objects.entry(slot));
  if (isShared) {
    setSoftEntry(machine, slot, SoftKind.MIGRATION, frame, softFlags(flags, isOwn));
    yield* putFrame(machine, cpu, frame);
  } else setEntry(machine, slot, low, high);
  return isShared;
}

function softFlags(flags: number, isOwn: boolean): number {
  return (
    ((flags & W) !== 0 ? SoftFlag.WRITABLE : 0) |
    (isOwn ? SoftFlag.EXCLUSIVE : 0) |
    ((flags & ACCESSED) !== 0 ? SoftFlag.YOUNG : 0) |
    ((flags & DIRTY) !== 0 ? SoftFlag.DIRTY : 0) |
    ((flags & UFFD_WP) !== 0 ? SoftFlag.UFFD_WP : 0)
  );
}

/**
 * Lets all migration entries for `from` map `to`, which may be the same folio. Called under the locks
 * of both.
 *
 * @param anonVma of private pages: taken before the last entry went, it is still who lists them
 * @locks the lock of the anon_vma or i_mmap_rwsem (read), then the lock of each table
 */
export function* removeMigrationEntries(
  machine: Machine,
  cpu: number,
  from: number,
  to: number,
  anonVma: AnonVma | undefined,
): Op<void> {
  const restore: Visit = function* restoreOne(_machine, _cpu, mapping): Op<boolean> {
    yield* restoreEntry(machine, mapping, to);
    return true;
  };
  if (anonVma !== undefined) {
    yield* rmapWalkAnon(machine, cpu, anonVma, to, restore, Sought.MIGRATION, from);
  } else yield* rmapWalkFile(machine, cpu, to, restore, Sought.MIGRATION, from);
}

/** Called under the lock of the table. */
function* restoreEntry(machine: Machine, { vma, slot }: Mapping, to: number): Op<void> {
  const soft = softFlagsAt(machine, slot);
  yield* getFrame(machine, to);
  yield writing(machine.objects.frame(to));
  const isAnonymous = isAnonymousFrame(machine, to);
  const isWritable = (soft & SoftFlag.WRITABLE) !== 0;
  if (isAnonymous && (isWritable || (soft & SoftFlag.EXCLUSIVE) !== 0)) {
    assert(machine.frameMapcount[to] === 0, 'a page of one process is mapped once');
    machine.frameFlags[to]! |= FrameFlag.EXCLUSIVE;
  }
  machine.frameMapcount[to]!++;
  mlockMapped(machine, vma, to, 1);
  const isDirty = (soft & SoftFlag.DIRTY) !== 0 && isFolioDirty(machine, to);
  yield setting(machine.objects.entry(slot));
  const used = ((soft & SoftFlag.YOUNG) !== 0 ? ACCESSED : 0) | (isDirty ? DIRTY : 0);
  const isWp = (soft & SoftFlag.UFFD_WP) !== 0;
  const right = isWp ? UFFD_WP : isWritable ? W : 0;
  setMapped(machine, slot, to, pageRights(vma) | used | right);
}

/** The entry's dirty bit means something only if nobody has written the folio out. */
const isFolioDirty = ({ frameFlags }: Machine, head: number): boolean =>
  (frameFlags[head]! & FrameFlag.DIRTY) !== 0;

/** Whether a folio is in the page cache or the swap cache, which has a reference then. */
export function* isCached(machine: Machine, head: number): Op<boolean> {
  yield reading(machine.objects.frame(head));
  const isInFile = machine.frameMapping[head]! > 0;
  return isInFile || (machine.frameFlags[head]! & FrameFlag.SWAPCACHE) !== 0;
}
