/**
 * mmu notifiers: telling who follows an address space of changes in it.
 *
 * The list of an address space grows only under all locks by which anybody may come to change its
 * entries, and is walked under any one of them.
 *
 * @source mm/mmu_notifier.c (Linux 6.18)
 * @omits  SRCU, by which memory of a subscription outlives its walkers; MMU_NOTIFY_SOFT_DIRTY, MIGRATE
 *         and EXCLUSIVE, which nothing here has a cause for
 */
import { assert } from '../../base/assert.ts';
import { EAGAIN } from '../../uapi/errno.ts';
import type { Place } from '../file/filemap.ts';
import type { Task } from '../task.ts';
import type { Mm } from '../vma/mm.ts';
import { mmapWriteLock, mmapWriteUnlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { reading, writing } from '../world/point.ts';
import { lockAllLinks, unlockAllLinks } from './all_locks.ts';
import type { InvalidatedRange, NotifierOps, Notify, Subscription } from './subscription.ts';

/**
 * From now on `subscription` is told of changes in `task.mm`.
 *
 * @locks  mmap (write), i_mmap_rwsem and the anon_vma locks of all VMAs
 * @source mmu_notifier_register(), mm_take_all_locks()
 */
export function* notifierRegister(task: Task, subscription: Subscription): Op<void> {
  const { machine, cpu, mm } = task;
  assert(machine.hasNotifiers, 'who subscribes is a design of the machine');
  yield* mmapWriteLock(machine, cpu, mm.id);
  yield* lockAllLinks(task);
  yield writing(machine.objects.notifiers(mm.id));
  mm.subscriptions.push(subscription);
  yield* unlockAllLinks(task);
  yield* mmapWriteUnlock(machine, cpu, mm.id);
}

/**
 * The pages `[start, end)` of `mm` are about to change: secondary MMUs let go of them.
 *
 * Called under the mmap lock, the VMA lock or locks of rmap, without page-table locks.
 */
export function* invalidateRangeStart(
  place: Place,
  mm: Mm,
  start: number,
  end: number,
  event: Notify,
): Op<void> {
  if (!place.machine.hasNotifiers || place.machine.bugs.noRangeStart === true) return;
  yield* startAll(place, { mm, start, end, event, isBlockable: true });
}

/**
 * As `invalidateRangeStart()`, for who cannot wait.
 *
 * @returns 0, or EAGAIN: then there is no end to come
 */
export function* invalidateRangeStartNonblock(
  place: Place,
  mm: Mm,
  start: number,
  end: number,
  event: Notify,
): Op<number> {
  if (!place.machine.hasNotifiers) return 0;
  const range = { mm, start, end, event, isBlockable: false };
  const isStarted = yield* startAll(place, range);
  if (isStarted) return 0;
  // Those who have begun wait for the end; who has refused has none.
  yield* endAll(place, range);
  return EAGAIN;
}

/** All are told, whether or not one refuses. @source mn_hlist_invalidate_range_start() */
function* startAll(place: Place, range: InvalidatedRange): Op<boolean> {
  const { machine } = place;
  yield reading(machine.objects.notifiers(range.mm.id));
  let isStarted = true;
  for (const subscription of range.mm.subscriptions) {
    const { rangeStart, rangeEnd } = opsOf(place, subscription);
    if (rangeStart === undefined) continue;
    const isDone = yield* rangeStart(place, subscription, range);
    if (isDone) continue;
    assert(!range.isBlockable, 'who may sleep does not refuse');
    assert(rangeEnd === undefined, 'who may refuse is told of no ends');
    isStarted = false;
  }
  return isStarted;
}

/** The entries are as they are to be. The gather may yet have to flush and free. */
export function* invalidateRangeEnd(
  place: Place,
  mm: Mm,
  start: number,
  end: number,
  event: Notify,
): Op<void> {
  if (!place.machine.hasNotifiers || place.machine.bugs.noRangeStart === true) return;
  yield* endAll(place, { mm, start, end, event, isBlockable: true });
}

function* endAll(place: Place, range: InvalidatedRange): Op<void> {
  yield reading(place.machine.objects.notifiers(range.mm.id));
  for (const subscription of range.mm.subscriptions) {
    const { rangeEnd } = opsOf(place, subscription);
    if (rangeEnd !== undefined) yield* rangeEnd(place, subscription, range);
  }
}

/**
 * Whether secondary MMUs have accessed the pages `[start, end)` since they were last asked. Called
 * under the lock of the table, when the bit of the entry was cleared.
 */
export function* clearFlushYoung(place: Place, mm: Mm, start: number, end: number): Op<boolean> {
  if (!place.machine.hasNotifiers) return false;
  yield reading(place.machine.objects.notifiers(mm.id));
  let wasYoung = false;
  for (const subscription of mm.subscriptions) {
    const { clearFlushYoung: clear } = opsOf(place, subscription);
    if (clear === undefined) continue;
    const isOne = yield* clear(place, subscription, start, end);
    wasYoung ||= isOne;
  }
  return wasYoung;
}

/** Whether a secondary MMU has accessed `page` since that was last cleared. Called as that. */
export function* testYoung(place: Place, mm: Mm, page: number): Op<boolean> {
  if (!place.machine.hasNotifiers) return false;
  yield reading(place.machine.objects.notifiers(mm.id));
  for (const subscription of mm.subscriptions) {
    const { testYoung: test } = opsOf(place, subscription);
    const isYoung = test !== undefined && (yield* test(place, subscription, page));
    if (isYoung) return true;
  }
  return false;
}

/**
 * Nobody uses the address space any more, and its pages are about to go: all subscriptions end. Others
 * may come by the reverse map meanwhile, and tell them of that.
 *
 * @source mmu_notifier_release(), mn_hlist_release()
 */
export function* notifierRelease(place: Place, mm: Mm): Op<void> {
  if (!place.machine.hasNotifiers) return;
  yield reading(place.machine.objects.notifiers(mm.id));
  for (const subscription of mm.subscriptions) {
    const { release } = opsOf(place, subscription);
    if (release !== undefined) yield* release(place, subscription, mm);
  }
  yield writing(place.machine.objects.notifiers(mm.id));
  mm.subscriptions = [];
}

function opsOf({ machine }: Place, { design: name }: Subscription): NotifierOps {
  const ops = machine.designs.find((design) => design.name === name)?.notifier;
  assert(ops !== undefined, 'who subscribes has callbacks');
  return ops;
}
