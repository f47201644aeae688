/**
 * Copying a page on write.
 *
 * The copy is made without the lock of the table, so the entry is compared once more before it is
 * replaced. It is cleared and flushed on all CPUs before it is set anew: none may write to the copy
 * while another still reads the original.
 *
 * @source mm/memory.c wp_page_copy() (Linux 6.18)
 * @omits  memory errors while copying
 */
import { UFFD_WP } from '../../arch/index.ts';
import { flushMapped } from '../design/seams.ts';
import { invalidateRangeEnd, invalidateRangeStart } from '../notifier/notifier.ts';
import { Notify } from '../notifier/subscription.ts';
import { allocFrame, headOf, putFrame, ZERO_FRAME } from '../page/frame.ts';
import { mapNewAnonymous, removeRmap } from '../rmap/map_count.ts';
import { freeSwapCache } from '../swap/swap_cache.ts';
import { setMapped } from '../table/mapped_entry.ts';
import { clearEntry, isPresentAt } from '../table/pgtable.ts';
import { lockIfSame, unlockPte } from '../table/pte_table.ts';
import type { Task } from '../task.ts';
import { Rss } from '../vma/mm.ts';
import type { Vma } from '../vma/vma.ts';
import type { Op } from '../world/op.ts';
import { clearing, readingContent, setting, writing } from '../world/point.ts';
import { NONE, type World } from '../world/world.ts';
import { prepareAnonymous, readOnlyFlags, writtenFlags } from './anonymous.ts';
import { Fault, type FaultLock } from './result.ts';

/** What is to be replaced: an entry, and the page that it maps, to which a reference is held. */
export interface Original {
  readonly low: number;
  readonly high: number;
  readonly frame: number;
  readonly held: FaultLock;
  readonly isUnshare: boolean;
}

/** Maps a copy of a page at `slot`. Drops the reference to the original. */
export function* wpPageCopy(
  task: Task,
  vma: Vma,
  page: number,
  slot: number,
  original: Original,
): Op<Fault> {
  const { machine, cpu } = task;
  const { frame, held } = original;
  const isPrepared = yield* prepareAnonymous(task, vma, held);
  const copy = isPrepared ? yield* allocFrame(machine, cpu) : NONE;
  if (copy !== NONE) {
    yield* copyContent(machine, frame, copy);
    yield* invalidateRangeStart(task, task.mm, page, page + 1, Notify.CLEAR);
    const isReplaced = yield* replaceIfSame(task, vma, page, slot, original, copy);
    yield* invalidateRangeEnd(task, task.mm, page, page + 1, Notify.CLEAR);
    // What goes is the reference that the entry had, or the copy that nobody needs.
    const unneeded = isReplaced ? frame : copy;
    if (isReplaced) yield* freeSwapCache(machine, cpu, headOf(machine, frame));
    if (unneeded !== ZERO_FRAME) yield* putFrame(machine, cpu, unneeded);
  }
  if (frame !== ZERO_FRAME) yield* putFrame(machine, cpu, frame);
  if (!isPrepared) return Fault.RETRY;
  return copy === NONE ? Fault.OOM : Fault.DONE;
}

/** Fills the frame `to`, which nobody else knows yet. */
export function* copyContent(world: World, from: number, to: number): Op<void> {
  if (from === ZERO_FRAME) return;
  yield readingContent(world.objects.frame(from));
  if (world.size.contents) world.frameData[to] = world.frameData[from]!;
}

/** Maps `copy` in place of the original; false if the entry has changed meanwhile. */
function* replaceIfSame(
  task: Task,
  vma: Vma,
  page: number,
  slot: number,
  { low, high, frame, isUnshare }: Original,
  copy: number,
): Op<boolean> {
  const { machine, cpu, mm } = task;
  const isSame = yield* lockIfSame(task, page, slot, low, high);
  if (isSame) {
    yield clearing(machine.objects.entry(slot));
    // Of what nobody may access there is no translation (ptep_clear_flush(), pte_accessible()).
    const isReachable = isPresentAt(machine, slot);
    clearEntry(machine, slot);
    if (isReachable) {
      machine.ledger.openPage(machine.mmCpus[mm.id]!, mm.id, page, frame, false);
      if (machine.bugs.cowWithoutFlush !== true) yield* flushMapped(machine, cpu, mm, page);
    }
    yield writing(machine.objects.frame(copy));
    mapNewAnonymous(machine, copy, vma, page);
    mm.rss[Rss.ANON]!++;
    yield setting(machine.objects.entry(slot));
    const noted = machine.format.uffdWp(low, high) ? UFFD_WP : 0;
    setMapped(machine, slot, copy, isUnshare ? readOnlyFlags(vma) | noted : writtenFlags(vma));
    yield* removeRmap(machine, mm, vma, frame);
    yield* unlockPte(task, mm, slot);
  }
  return isSame;
}
