/**
 * What KVM does when it is told of changes: entries go before those of the process do, and no fault makes
 * one of what it has looked up before the change was over.
 *
 *     invalidation                          fault of a guest
 *     ------------                          ----------------
 *     start: in_progress++, entries go,     seq is read
 *            TLBs of the guest are flushed  the page is looked up, with a reference
 *     entries of the process change         under mmu_lock: if in_progress covers the page, or seq has
 *     end:   seq++, in_progress--           changed, once more; else the entry is made
 *
 * @source virt/kvm/kvm_main.c kvm_mmu_notifier_invalidate_range_start(), kvm_mmu_invalidate_begin(),
 *         kvm_mmu_invalidate_end() (Linux 6.18)
 * @omits  gfn_to_pfn caches; mn_active_invalidate_count, which only changes of slots wait for
 */
import type { Place } from '../../mm/file/filemap.ts';
import type { Machine } from '../../mm/machine.ts';
import type {
  InvalidatedRange,
  NotifierOps,
  Subscription,
} from '../../mm/notifier/subscription.ts';
import { lock, Rank, unlock } from '../../mm/world/lock.ts';
import type { Op } from '../../mm/world/op.ts';
import { writing } from '../../mm/world/point.ts';
import { violate } from '../../mm/world/property.ts';
import { flushTlbSpace } from '../../mm/world/tlb.ts';
import { ageSecond, zapSecond } from './second_table.ts';
import { flushShadow, zapShadowLeaves } from './shadow/shadow_page.ts';
import { type GfnRange, gfnRanges, type Vm, vmOf } from './vm.ts';

/** @locks mmu_lock (write), if the range has memory of the guest */
function* rangeStart(
  place: Place,
  { id }: Subscription,
  { start, end }: InvalidatedRange,
): Op<boolean> {
  const { machine, cpu } = place;
  const vm = vmOf(machine, id);
  const ranges = gfnRanges(vm, start, end);
  if (ranges.length === 0) return true;
  const guard = machine.objects.mmuLock(id);
  yield* lock(machine, cpu, guard, Rank.MMU);
  yield* begin(place, vm, ranges);
  let isAny = false;
  if (machine.bugs.kvmWithoutZap !== true) {
    for (const range of ranges) {
      const isOne = yield* zapGfns(machine, vm, range.start, range.end);
      isAny ||= isOne;
    }
  }
  const { kvmFlushAtEnd, kvmFlushUnlocked } = machine.bugs;
  const isPutOff = kvmFlushAtEnd === true || kvmFlushUnlocked === true;
  if (isAny && !isPutOff) yield* flush(place, vm, ranges);
  if (isAny && kvmFlushAtEnd === true) owe(vm, ranges);
  yield* unlock(machine, cpu, guard, Rank.MMU);
  if (isAny && kvmFlushUnlocked === true) yield* flush(place, vm, ranges);
  return true;
}

/** Called under mmu_lock. @source kvm_mmu_invalidate_begin(), kvm_mmu_invalidate_range_add() */
function* begin({ machine }: Place, vm: Vm, ranges: readonly GfnRange[]): Op<void> {
  yield writing(machine.objects.invalidateSequence(vm.id));
  vm.inProgress++;
  if (vm.inProgress === 1) [vm.rangeStart, vm.rangeEnd] = [Number.POSITIVE_INFINITY, 0];
  for (const { start, end } of ranges) {
    vm.rangeStart = Math.min(vm.rangeStart, start);
    vm.rangeEnd = Math.max(vm.rangeEnd, end);
  }
  if (machine.bugs.kvmSequenceAtStart === true) vm.sequence++;
}

/** @source kvm_unmap_gfn_range() */
function* zapGfns(machine: Machine, vm: Vm, start: number, end: number): Op<boolean> {
  if (vm.shadow !== undefined) return yield* zapShadowLeaves(machine, vm, start, end);
  return yield* zapSecond(machine, vm, start, end);
}

/** No TLB holds anything of the ranges any more. @source kvm_flush_remote_tlbs() */
function* flush(place: Place, vm: Vm, ranges: readonly GfnRange[]): Op<void> {
  if (vm.shadow !== undefined) {
    yield* flushShadow(place, vm);
    return;
  }
  const { machine, cpu } = place;
  const start = Math.min(...ranges.map((range) => range.start));
  const end = Math.max(...ranges.map((range) => range.end));
  yield* flushTlbSpace(machine, cpu, vm.space, ...wholeTables(start, end));
}

/** What a huge page maps is flushed as a whole. */
const HUGE = 512;
const wholeTables = (start: number, end: number): [start: number, end: number] => [
  Math.floor(start / HUGE) * HUGE,
  Math.ceil(end / HUGE) * HUGE,
];

/** What `kvmFlushAtEnd` flushes too late. */
function owe(vm: Vm, ranges: readonly GfnRange[]): void {
  for (const { start, end } of ranges) {
    vm.owedStart = Math.min(vm.owedStart, start);
    vm.owedEnd = Math.max(vm.owedEnd, end);
  }
}

/** @locks mmu_lock (write), if the range has memory of the guest */
function* rangeEnd(place: Place, { id }: Subscription, { start, end }: InvalidatedRange): Op<void> {
  const { machine, cpu } = place;
  const vm = vmOf(machine, id);
  if (gfnRanges(vm, start, end).length === 0) return;
  const guard = machine.objects.mmuLock(id);
  yield* lock(machine, cpu, guard, Rank.MMU);
  const { kvmEndBeforeSequence, kvmSequenceAtStart } = machine.bugs;
  if (kvmEndBeforeSequence === true) yield* endOne(place, vm);
  if (kvmSequenceAtStart !== true) {
    yield writing(machine.objects.invalidateSequence(id));
    vm.sequence++;
  }
  if (kvmEndBeforeSequence !== true) yield* endOne(place, vm);
  if (vm.owedEnd > 0) {
    const range = { start: vm.owedStart, end: vm.owedEnd };
    [vm.owedStart, vm.owedEnd] = [Number.POSITIVE_INFINITY, 0];
    yield* flush(place, vm, [range]);
  }
  yield* unlock(machine, cpu, guard, Rank.MMU);
}

function* endOne({ machine }: Place, vm: Vm): Op<void> {
  yield writing(machine.objects.invalidateSequence(vm.id));
  // One that ends has begun: the kernel warns.
  if (vm.inProgress === 0) violate(machine, 'P-COUNT');
  else vm.inProgress--;
}

/** Without mmu_lock, as on x86-64 since 6.15. @source kvm_mmu_notifier_clear_flush_young() */
function* age(
  place: Place,
  id: number,
  start: number,
  end: number,
  isClearing: boolean,
): Op<boolean> {
  const { machine } = place;
  const vm = vmOf(machine, id);
  yield writing(machine.objects.secondLevel(id));
  return gfnRanges(vm, start, end)
    .map((range) => ageSecond(vm, range.start, range.end, isClearing))
    .includes(true);
}

/** The process ends: everything goes. @source kvm_mmu_notifier_release(), kvm_mmu_zap_all() */
function* release(place: Place, { id }: Subscription): Op<void> {
  const { machine, cpu } = place;
  const vm = vmOf(machine, id);
  const guard = machine.objects.mmuLock(id);
  yield* lock(machine, cpu, guard, Rank.MMU);
  for (const { gfn, pages } of vm.slots) yield* zapGfns(machine, vm, gfn, gfn + pages);
  yield* flushTlbSpace(machine, cpu, vm.space, 0, Number.POSITIVE_INFINITY);
  yield* unlock(machine, cpu, guard, Rank.MMU);
}

export const notifier: NotifierOps = {
  rangeStart,
  rangeEnd,
  release,
  clearFlushYoung: (place, { id }, start, end) => age(place, id, start, end, true),
  testYoung: (place, { id }, page) => age(place, id, page, page + 1, false),
};
