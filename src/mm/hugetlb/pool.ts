/**
 * The pools of huge pages: taken, given back, reserved, made larger and smaller.
 *
 * A reservation is a number: so many of the free pages are promised. Who has none may take a page only
 * if more are free than promised, or a surplus one from the buddy system, if that is allowed.
 *
 * @source mm/hugetlb.c dequeue_hugetlb_folio_vma(), free_huge_folio(), hugetlb_acct_memory(),
 *         set_max_huge_pages() (Linux 6.18)
 * @omits  NUMA nodes, cgroups, CMA, optimised vmemmap (HVO) but for what it excludes; moving pages out of
 *         the way of gigantic ones
 */
import { assert } from '../../base/assert.ts';
import { ENOMEM } from '../../uapi/errno.ts';
import type { Machine } from '../machine.ts';
import { ORDER_MAX, returnBlock, takeBlock, takeBlockAt } from '../page/buddy.ts';
import { allocFolio, POISON } from '../page/frame.ts';
import { isMapped } from '../rmap/map_count.ts';
import type { Task } from '../task.ts';
import { lock, Rank, unlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { writing } from '../world/point.ts';
import { violate } from '../world/property.ts';
import { FrameFlag, NONE, ORDER_SHIFT } from '../world/world.ts';
import { HugetlbFlag, hugetlbFlags, setHugetlbFlags } from './folio.ts';
import { type Hstate, hstateAt } from './hstate.ts';
import { subpoolPut } from './subpool.ts';

/** Where work is done: on behalf of any address space. */
type Place = Pick<Task, 'machine' | 'cpu'>;

export function* hugetlbLock({ machine, cpu }: Place): Op<void> {
  yield* lock(machine, cpu, machine.objects.hugetlbLock, Rank.HUGETLB);
}

export function* hugetlbUnlock({ machine, cpu }: Place): Op<void> {
  yield* unlock(machine, cpu, machine.objects.hugetlbLock, Rank.HUGETLB);
}

/**
 * Promises `delta` pages, or takes promises back.
 *
 * @returns 0 or ENOMEM
 * @locks   hugetlb_lock
 */
export function* hugetlbAcctMemory(place: Place, hstate: Hstate, delta: number): Op<number> {
  if (delta === 0) return 0;
  yield* hugetlbLock(place);
  let result = 0;
  if (delta > 0) {
    const missing = hstate.reserved + delta - hstate.free.length;
    if (missing > 0) result = yield* gatherSurplus(place, hstate, missing);
    if (result === 0) hstate.reserved += delta;
  } else {
    hstate.reserved += delta;
    returnUnused(place.machine, hstate, -delta);
  }
  yield* hugetlbUnlock(place);
  return result;
}

/** Called under hugetlb_lock. @returns 0 or ENOMEM, with no page taken @source gather_surplus_pages() */
function* gatherSurplus(place: Place, hstate: Hstate, count: number): Op<number> {
  for (let made = 0; made < count; made++) {
    const head = yield* allocSurplus(place, hstate);
    if (head === NONE) {
      returnUnused(place.machine, hstate, made);
      return ENOMEM;
    }
    place.machine.frameReferences[head] = 0;
    hstate.free.push(head);
  }
  return 0;
}

/** Gives up to `count` surplus pages that nobody needs back. Called under hugetlb_lock. */
function returnUnused(machine: Machine, hstate: Hstate, count: number): void {
  for (let left = count; left > 0 && hstate.surplus > 0 && hstate.free.length > 0; left--) {
    hstate.surplus--;
    dissolve(machine, hstate, hstate.free.pop()!);
  }
}

/** A page beyond the pool, with a reference, or `NONE`. Called under hugetlb_lock, which it drops. */
export function* allocSurplus(place: Place, hstate: Hstate): Op<number> {
  if (hstate.surplus >= hstate.overcommit || hstate.order > ORDER_MAX) return NONE;
  yield* hugetlbUnlock(place);
  const head = yield* makePage(place, hstate);
  yield* hugetlbLock(place);
  if (head === NONE) return NONE;
  hstate.total++;
  hstate.surplus++;
  return head;
}

/** A new page from the buddy system with a reference, or `NONE`. */
function* makePage(place: Place, hstate: Hstate): Op<number> {
  const { machine, cpu } = place;
  if (hstate.order > ORDER_MAX) return yield* makeGigantic(place, hstate);
  const head = yield* allocFolio(machine, cpu, hstate.order);
  if (head !== NONE) setHugetlbFlags(machine, head, HugetlbFlag.HUGETLB);
  return head;
}

/** One that is larger than any block: of neighbouring blocks. @source alloc_gigantic_folio() */
function* makeGigantic({ machine, cpu }: Place, hstate: Hstate): Op<number> {
  yield* lock(machine, cpu, machine.objects.zoneLock, Rank.ZONE);
  const head = takeRun(machine, hstate.order);
  yield* unlock(machine, cpu, machine.objects.zoneLock, Rank.ZONE);
  if (head === NONE) return NONE;
  yield writing(machine.objects.frame(head));
  joinFrames(machine, hstate, head);
  machine.frameReferences[head] = 1;
  return head;
}

/** Makes a folio of hugetlb of frames that are nobody's. */
function joinFrames(machine: Machine, { order, pages }: Hstate, head: number): void {
  machine.frameFlags[head] = order << ORDER_SHIFT;
  for (let frame = head + 1; frame < head + pages; frame++) {
    machine.frameFlags[frame] = FrameFlag.TAIL;
    machine.frameIndex[frame] = head;
  }
  setHugetlbFlags(machine, head, HugetlbFlag.HUGETLB);
}

/** The frames of a free page go back to the buddy system. Called under hugetlb_lock. */
function dissolve(machine: Machine, hstate: Hstate, head: number): void {
  hstate.total--;
  setHugetlbFlags(machine, head, 0);
  machine.frameReferences[head] = 0;
  machine.frameFlags.fill(0, head, head + hstate.pages);
  machine.frameMapping.fill(0, head, head + hstate.pages);
  const order = Math.min(hstate.order, ORDER_MAX);
  for (let frame = head; frame < head + hstate.pages; frame += 2 ** order) {
    returnBlock(machine, frame, order);
  }
}

/** Whether a page is free that nobody was promised. Called under hugetlb_lock. */
export function isAvailable({ free, reserved }: Hstate): boolean {
  return free.length > reserved;
}

/** Takes a page out of the pool, with a reference, or `NONE`. Called under hugetlb_lock. */
export function* dequeue({ machine }: Place, hstate: Hstate): Op<number> {
  const head = hstate.free.pop();
  if (head === undefined) return NONE;
  yield writing(machine.objects.frame(head));
  assert(machine.frameReferences[head] === 0, 'a page of the pool has no references');
  machine.frameReferences[head] = 1;
  machine.frameFlags[head] = hstate.order << ORDER_SHIFT;
  if (machine.size.contents) machine.frameData.fill(0, head, head + hstate.pages);
  return head;
}

/**
 * The last reference to a page was dropped: it goes to the pool, or, beyond that, to the buddy system.
 *
 * @locks the lock of resv maps, hugetlb_lock
 */
export function* freeHugeFolio(machine: Machine, cpu: number, head: number): Op<void> {
  const place = { machine, cpu };
  const hstate = machine.hugetlb.hstates.find(
    ({ order }) => order === machine.frameFlags[head]! >>> ORDER_SHIFT,
  );
  assert(hstate !== undefined, 'a huge page is of a size that hugetlb knows');
  forgetFolio(machine, hstate, head);
  let isRestored = (hugetlbFlags(machine, head) & HugetlbFlag.RESTORE_RESERVE) !== 0;
  setHugetlbFlags(machine, head, HugetlbFlag.HUGETLB);
  const subpool = machine.hugetlb.subpools.get(head);
  if (subpool !== undefined) {
    yield* lock(machine, cpu, machine.objects.resvLock, Rank.RESV);
    machine.hugetlb.subpools.delete(head);
    // Below its minimum, a mount keeps what it had.
    if (!isRestored && subpoolPut(subpool, 1) === 0) isRestored = true;
    yield* unlock(machine, cpu, machine.objects.resvLock, Rank.RESV);
  }
  yield* hugetlbLock(place);
  if (isRestored) hstate.reserved++;
  if (hstate.surplus > 0) {
    hstate.surplus--;
    dissolve(machine, hstate, head);
  } else hstate.free.push(head);
  yield* hugetlbUnlock(place);
}

/** Nobody may reach a page any more that is to be free. */
function forgetFolio(machine: Machine, { pages }: Hstate, head: number): void {
  if (machine.ledger.holdsFrame(head) || isMapped(machine, head)) {
    violate(machine, 'P-UAF-PAGE');
  }
  if (machine.size.contents) machine.frameData.fill(POISON, head, head + pages);
  machine.frameMapping[head] = 0;
  machine.frameFlags[head]! &= ~(
    FrameFlag.DIRTY |
    FrameFlag.UPTODATE |
    FrameFlag.EXCLUSIVE |
    FrameFlag.SWAPBACKED
  );
}

/**
 * Writes nr_hugepages: the pool is to have `count` pages. Those in use or promised stay as surplus.
 *
 * @returns how many it has
 * @locks   hugetlb_lock
 */
export function* setMaxHugePages(place: Place, hstate: Hstate, count: number): Op<number> {
  yield* hugetlbLock(place);
  while (hstate.surplus > 0 && count > hstate.total - hstate.surplus) hstate.surplus--;
  while (count > hstate.total - hstate.surplus) {
    yield* hugetlbUnlock(place);
    const head = yield* makePage(place, hstate);
    yield* hugetlbLock(place);
    if (head === NONE) break;
    place.machine.frameReferences[head] = 0;
    hstate.total++;
    hstate.free.push(head);
  }
  const least = Math.max(count, hstate.reserved + hstate.total - hstate.free.length);
  while (least < hstate.total - hstate.surplus && hstate.free.length > 0) {
    dissolve(place.machine, hstate, hstate.free.pop()!);
  }
  while (count < hstate.total - hstate.surplus) hstate.surplus++;
  const persistent = hstate.total - hstate.surplus;
  yield* hugetlbUnlock(place);
  return persistent;
}

/** Sets pages aside before anybody else has memory: those of 1 GiB can be had in no other way. */
export function initHugePages(machine: Machine): void {
  const { hugePages, gigantic } = machine.size;
  for (const { level, count } of [
    { level: 1, count: hugePages },
    { level: 2, count: gigantic },
  ]) {
    if (count === 0) continue;
    const hstate = hstateAt(machine, level);
    assert(hstate !== undefined, 'pages that are set aside at boot are of a size that there is');
    for (let made = 0; made < count; made++) {
      const head = takeRun(machine, hstate.order);
      assert(head !== NONE, 'there is memory for the pages that are set aside at boot');
      joinFrames(machine, hstate, head);
      hstate.total++;
      hstate.free.push(head);
    }
    // The first page that is taken is the lowest.
    hstate.free.reverse();
  }
}

/** The first frame of 2^order, aligned to that, all of which are free; or `NONE`. */
function takeRun(machine: Machine, order: number): number {
  if (order <= ORDER_MAX) return takeBlock(machine, order);
  const blocks = 2 ** (order - ORDER_MAX);
  for (let start = 0; start + 2 ** order <= machine.size.frames; start += 2 ** order) {
    let found = 0;
    while (found < blocks && isBlockFree(machine, start + found * 2 ** ORDER_MAX)) found++;
    if (found < blocks) continue;
    for (let at = 0; at < blocks; at++)
      takeBlockAt(machine, start + at * 2 ** ORDER_MAX, ORDER_MAX);
    return start;
  }
  return NONE;
}

function isBlockFree({ frameFlags }: Machine, frame: number): boolean {
  return frameFlags[frame] === (FrameFlag.BUDDY | (ORDER_MAX << ORDER_SHIFT));
}
