/**
 * Writes to pages that are mapped read-only, and requests for a private page of one's own.
 *
 * A private page may be written to in place only while nobody else can see it. That is known if it is
 * marked exclusive, or if the entry's reference turns out to be the last one: counts of mappings say
 * nothing of those who hold the page in other ways. Everything else is copied.
 *
 * @source mm/memory.c do_wp_page(), wp_can_reuse_anon_folio(), wp_page_reuse(), wp_page_shared()
 *         (Linux 6.18)
 * @omits  soft-dirty, KSM, DAX, pages without struct page, pages in per-CPU LRU batches
 */
import { UFFD_WP } from '../../arch/index.ts';
import { UffdFeature } from '../../uapi/userfaultfd.ts';
import { flushMapped } from '../design/seams.ts';
import { tryLockFolio, unlockFolio } from '../page/folio_lock.ts';
import { getFrame, headOf, ZERO_FRAME } from '../page/frame.ts';
import { isMaybeMappedShared, privateMapcount } from '../rmap/large_mapcount.ts';
import { isAnonymousFrame } from '../rmap/map_count.ts';
import { folioFreeSwap } from '../swap/swap_cache.ts';
import { mappedFlagsAt, mappedFrameAt, setMappedFlags } from '../table/mapped_entry.ts';
import { lockIfSame, unlockPte } from '../table/pte_table.ts';
import type { Task } from '../task.ts';
import { hasFeature } from '../userfaultfd/context.ts';
import { handleUserfault } from '../userfaultfd/handle.ts';
import { VM, type Vma } from '../vma/vma.ts';
import type { Op } from '../world/op.ts';
import { reading, setting, writing } from '../world/point.ts';
import { FrameFlag, type World } from '../world/world.ts';
import { pageMkwrite } from './page_mkwrite.ts';
import { Access, Fault, type FaultLock } from './result.ts';
import { wpPageCopy } from './wp_copy.ts';
import { wpPageReuse } from './wp_reuse.ts';

/**
 * Lets the process write to `page`, which the entry at `slot`, just read, maps read-only.
 *
 * @param isUnshare whether the page is not to be written to, but to be private to the process, for
 *                  who pins it for reading
 * @locks  the lock of the table; the folio lock, only tried; for a copy the anon_vma's and the zone's
 */
export function* doWpPage(
  task: Task,
  vma: Vma,
  page: number,
  slot: number,
  held: FaultLock,
  isUnshare = false,
): Op<Fault> {
  const { machine, mm } = task;
  let low = machine.lanes[slot * 2]!;
  let high = machine.lanes[slot * 2 + 1]!;
  const isSame = yield* lockIfSame(task, page, slot, low, high);
  if (!isSame) return Fault.DONE;
  if ((vma.flags & VM.UFFD_WP) !== 0 && !isUnshare) {
    if ((mappedFlagsAt(machine, slot) & UFFD_WP) !== 0) {
      if (!hasFeature(vma.userfaultfd, UffdFeature.WP_ASYNC)) {
        yield* unlockPte(task, mm, slot);
        return yield* handleUserfault(task, vma, page, Access.WRITE, VM.UFFD_WP, held);
      }
      yield setting(machine.objects.entry(slot));
      setMappedFlags(machine, slot, mappedFlagsAt(machine, slot) & ~UFFD_WP);
      low = machine.lanes[slot * 2]!;
      high = machine.lanes[slot * 2 + 1]!;
    }
    yield* flushDeferred(task, page);
  }
  if ((vma.flags & (VM.SHARED | VM.MAYSHARE)) !== 0) {
    return yield* pageMkwrite(task, vma, page, slot, low, high);
  }
  const frame = mappedFrameAt(machine, slot);
  const isReused = yield* isReusable(task, vma, frame);
  if (isReused) {
    if (!isUnshare) yield* wpPageReuse(task, vma, slot);
    yield* unlockPte(task, mm, slot);
    return Fault.DONE;
  }
  if (frame !== ZERO_FRAME) yield* getFrame(machine, frame);
  yield* unlockPte(task, mm, slot);
  return yield* wpPageCopy(task, vma, page, slot, { low, high, frame, held, isUnshare });
}

/**
 * Who write-protects for userfaultfd flushes when all entries are changed: until then others may write
 * through what is about to be copied (6ce64428d62).
 */
function* flushDeferred({ machine, cpu, mm }: Task, page: number): Op<void> {
  if (machine.bugs.cowIgnoresPendingFlush === true) return;
  yield reading(machine.objects.flushPending(mm.id));
  if (machine.flushes.pending[mm.id]! > 0) yield* flushMapped(machine, cpu, mm, page);
}

/** Whether the page is the process's own; then it is marked so. Called under the table's lock. */
function* isReusable(task: Task, vma: Vma, frame: number): Op<boolean> {
  const { machine } = task;
  if (!isAnonymousFrame(machine, frame)) return false;
  const head = headOf(machine, frame);
  yield reading(machine.objects.frame(head));
  if (machine.size.wpReuse === '6.18' && isExclusive(machine, frame)) return true;
  const isLarge = (machine.frameFlags[head]! & FrameFlag.HEAD) !== 0;
  const isLast = isLarge
    ? canReuseLargeFolio(machine, head)
    : yield* canReuseFolio(task, frame, vma);
  if (!isLast) return false;
  yield writing(machine.objects.frame(head));
  machine.frameFlags[frame]! |= FrameFlag.EXCLUSIVE;
  return true;
}

/** Whether one process only has the page, privately (PG_anon_exclusive). */
export const isExclusive = (world: World, frame: number): boolean =>
  (world.frameFlags[frame]! & FrameFlag.EXCLUSIVE) !== 0;

/**
 * Whether entries of one address space are all that refers to a large folio, which has to be this one:
 * it maps a page of it. A folio with one page left in use is copied from, to be freed. Called with the
 * folio announced.
 *
 * @source mm/memory.c __wp_can_reuse_large_anon_folio() (Linux 6.18)
 */
function canReuseLargeFolio(world: World, head: number): boolean {
  const mapcount = privateMapcount(world, head);
  if (mapcount <= 1 || isMaybeMappedShared(world, head)) return false;
  return world.frameReferences[head] === mapcount;
}

/** Whether the entry's reference is the last one: then the page now belongs to `vma`. */
function* canReuseFolio({ machine, cpu }: Task, frame: number, vma: Vma): Op<boolean> {
  const { frameReferences, frameMapcount, frameFlags, frameMapping, objects } = machine;
  const counts = machine.bugs.reuseByMapcount === true ? frameMapcount : frameReferences;
  yield reading(objects.frame(frame));
  const caches = (frameFlags[frame]! & FrameFlag.SWAPCACHE) === 0 ? 0 : 1;
  if (counts[frame]! > 1 + caches) return false;
  const isLocked = yield* tryLockFolio(machine, cpu, frame);
  if (!isLocked) return false;
  if (caches > 0) yield* folioFreeSwap(machine, cpu, frame);
  yield writing(objects.frame(frame));
  const isLast = counts[frame] === 1;
  if (isLast) frameMapping[frame] = -1 - vma.anonVma!.id;
  yield* unlockFolio(machine, cpu, frame);
  return isLast;
}
