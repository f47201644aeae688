/**
 * An IOMMU that lets devices use the page tables of a process as they are (shared virtual addressing).
 *
 * It walks them whenever a device needs a translation, and keeps what it finds in a TLB of its own: to
 * the flush ledger a device is one more CPU, which no interrupt reaches. So it is flushed when the CPUs
 * are, by `arch_invalidate_secondary_tlbs`. The beginning of an invalidation would be too early, since it
 * may look again before the entry is cleared; the end too late, since pages may be free by then.
 *
 * @source drivers/iommu/iommu-sva.c, drivers/iommu/intel/svm.c intel_arch_invalidate_secondary_tlbs()
 *         (Linux 6.18)
 * @omits  several processes for a device (one PASID each), several devices for a request of pages
 */
import { assert } from '../../base/assert.ts';
import type { Design } from '../../mm/design/design.ts';
import { translateNow } from '../../mm/fault/access.ts';
import { handleUserFault } from '../../mm/fault/fault.ts';
import { Access, Fault } from '../../mm/fault/result.ts';
import type { Place } from '../../mm/file/filemap.ts';
import { notifierRegister } from '../../mm/notifier/notifier.ts';
import type { InvalidatedRange, Subscription } from '../../mm/notifier/subscription.ts';
import { headOf } from '../../mm/page/frame.ts';
import type { Task } from '../../mm/task.ts';
import type { Mm } from '../../mm/vma/mm.ts';
import { dropTranslations } from '../../mm/world/cpu_tlb.ts';
import type { Op } from '../../mm/world/op.ts';
import { invalidating, loading, reading, storing, writing } from '../../mm/world/point.ts';
import { violate } from '../../mm/world/property.ts';
import { NONE, type World } from '../../mm/world/world.ts';

export const IOMMU = 'iommu';

/** Where a device stands in masks of CPUs, and whose TLB is its own. */
const agentOf = ({ size }: World, device: number): number => size.cpus + device;

/**
 * Lets `device` use the addresses of the process of `task`.
 *
 * @locks  those of `notifierRegister()`
 * @source iommu_sva_bind_device()
 */
export function* bindDevice(task: Task, device: number): Op<void> {
  const { machine, mm } = task;
  assert(device < machine.size.devices, 'a device that is bound exists');
  yield* notifierRegister(task, { design: IOMMU, id: device });
  yield writing(machine.objects.cpuMask(mm.id));
  machine.mmCpus[mm.id]! |= 1 << agentOf(machine, device);
}

/** The devices that may hold translations of `mm` are flushed. @source cache_tag_flush_range() */
function* flushDevices(world: World, mm: number, start: number, end: number): Op<void> {
  yield reading(world.objects.cpuMask(mm));
  for (let device = 0; device < world.size.devices; device++) {
    const agent = agentOf(world, device);
    if ((world.mmCpus[mm]! & (1 << agent)) === 0) continue;
    yield invalidating(world.objects.tlb(agent));
    dropTranslations(world, agent, mm, start, end);
  }
}

function* rangeStart(
  { machine }: Place,
  _subscription: Subscription,
  { mm, start, end }: InvalidatedRange,
): Op<boolean> {
  if (machine.bugs.iommuFlushedAtStart === true) yield* flushDevices(machine, mm.id, start, end);
  return true;
}

function* rangeEnd(
  { machine }: Place,
  _subscription: Subscription,
  { mm, start, end }: InvalidatedRange,
): Op<void> {
  if (machine.bugs.iommuFlushedAtEnd === true) yield* flushDevices(machine, mm.id, start, end);
}

/** The process ends: the device is told another, empty table, and flushed. @source intel_mm_release() */
function* release({ machine }: Place, { id }: Subscription, mm: Mm): Op<void> {
  const agent = agentOf(machine, id);
  yield invalidating(machine.objects.tlb(agent));
  dropTranslations(machine, agent, mm.id, 0, Number.POSITIVE_INFINITY);
  machine.mmCpus[mm.id]! &= ~(1 << agent);
}

export const iommu: Design = {
  name: IOMMU,
  notifier: { rangeStart, rangeEnd, release },
  *invalidateSecondary(world, _cpu, mm, start, end) {
    const { iommuFlushedAtStart, iommuFlushedAtEnd } = world.bugs;
    if (iommuFlushedAtStart === true || iommuFlushedAtEnd === true) return;
    yield* flushDevices(world, mm, start, end);
  },
};

/** What a device reads at `page`, or -1 - how the fault ended. Pages that miss, `task` brings (PRI). */
export function* deviceLoad(task: Task, device: number, page: number): Op<number> {
  const { machine } = task;
  const agent = agentOf(machine, device);
  for (;;) {
    announceDevice(task, agent, page);
    yield loading(machine.objects.tlb(agent));
    const frame = translateDevice(task, agent, false);
    if (frame !== NONE) return machine.frameData[frame]!;
    const result = yield* handleUserFault(task, page, Access.READ);
    if (result !== Fault.DONE) return -1 - result;
  }
}

/** A device writes `value` at `page`; 0, or -1 - how the fault ended. */
export function* deviceStore(task: Task, device: number, page: number, value: number): Op<number> {
  const { machine } = task;
  const agent = agentOf(machine, device);
  for (;;) {
    announceDevice(task, agent, page);
    yield storing(machine.objects.tlb(agent));
    const frame = translateDevice(task, agent, true);
    if (frame !== NONE) {
      machine.frameData[frame] = value;
      return 0;
    }
    const result = yield* handleUserFault(task, page, Access.WRITE);
    if (result !== Fault.DONE) return -1 - result;
  }
}

function announceDevice({ machine, mm }: Task, agent: number, page: number): void {
  machine.accessMm[agent] = mm.id;
  machine.accessPage[agent] = page;
}

/** By the entry of now, or by what its TLB may still hold. */
function translateDevice({ machine, mm }: Task, agent: number, isWrite: boolean): number {
  const page = machine.accessPage[agent]!;
  const choice = machine.choice[0]!;
  const frame = translateStale(machine, agent, mm.id, choice, isWrite);
  const found = frame === undefined ? translateNow(machine, mm, page, isWrite) : frame;
  if (found !== NONE && machine.frameReferences[headOf(machine, found)]! <= 0) {
    violate(machine, 'P-UAF-PAGE');
  }
  return found;
}

/** The frame of a stale translation, or `undefined` if the entry of now is used. */
function translateStale(
  { ledger, accessPage }: World,
  agent: number,
  mm: number,
  choice: number,
  isWrite: boolean,
): number | undefined {
  if (choice === 0) return undefined;
  const frame = ledger.stale(agent, mm, accessPage[agent]!, choice - 1, isWrite);
  return frame < NONE ? undefined : frame;
}
