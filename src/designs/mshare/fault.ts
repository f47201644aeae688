/**
 * Faults of guests, which are served in the host.
 *
 * The tables of a guest VMA are those of the host: a fault either links the guest to them, or fills
 * them. So the first touch of 512 GiB that nobody has touched takes two faults: the first one finds
 * both entries empty, which is equal, and fills the host; the second one links.
 *
 * Rights are those of the VMA of the host. What the guest has asked mmap(2) for is not looked at.
 *
 * @source v3 13/22 find_shared_vma(), v3 14/22 do_user_addr_fault()
 */
import { handleMmFault } from '../../mm/fault/fault.ts';
import { Access, Fault, FaultLock } from '../../mm/fault/result.ts';
import { isPresentAt, isWritableAt, walk, walkAllocating } from '../../mm/table/pgtable.ts';
import type { Task } from '../../mm/task.ts';
import type { Vma } from '../../mm/vma/vma.ts';
import { mmapReadLockNested, mmapReadUnlockNested } from '../../mm/world/lock.ts';
import type { Op } from '../../mm/world/op.ts';
import { reading } from '../../mm/world/point.ts';
import { NONE } from '../../mm/world/world.ts';
import { link, linkedTable } from './link.ts';
import { hostPage, inHost, LINK_LEVEL, type Region, regionOf } from './region.ts';
import type { MshareVariant } from './variant.ts';

/**
 * A program's fault at `page` of a guest VMA. Called under the mmap lock of the guest, for reading.
 *
 * @returns MAPERR where the region has nothing, ACCERR where that may not be accessed so
 * @locks   mmap (read) of the host; page_table_lock of the guest to link, or what a fault needs in
 *          the host
 */
export function* redirectFault(
  variant: MshareVariant,
  task: Task,
  guest: Vma,
  page: number,
  access: Access,
): Op<Fault> {
  const { machine, cpu } = task;
  const region = regionOf(machine, guest);
  yield* mmapReadLockNested(machine, cpu, region.host);
  const result = yield* linkOrFault(variant, task, region, guest, page, access);
  yield* mmapReadUnlockNested(machine, region.host);
  return result;
}

/** Called under both mmap locks. */
function* linkOrFault(
  variant: MshareVariant,
  task: Task,
  region: Region,
  guest: Vma,
  page: number,
  access: Access,
): Op<Fault> {
  const { machine, mm } = task;
  const host = inHost(task, region);
  const at = hostPage(machine, guest, page);
  const from = yield* walkAllocating(host, host.mm, at, LINK_LEVEL);
  const to = yield* walkAllocating(task, mm, page, LINK_LEVEL);
  // Not looked at in v3; with four levels nothing is allocated.
  if (from === NONE || to === NONE) return Fault.OOM;
  yield reading(machine.objects.entry(from));
  const table = linkedTable(machine, from);
  yield reading(machine.objects.entry(to));
  if (linkedTable(machine, to) !== table) {
    yield* link(variant, task, region, page, from, to);
    return Fault.DONE;
  }
  yield reading(machine.objects.tree(host.mm.id));
  const vma = host.mm.vmas.at(at);
  if (vma === undefined) return Fault.MAPERR;
  return yield* handleMmFault(host, vma, at, access, FaultLock.MMAP);
}

/**
 * A fault that no program has taken: GUP, populating. Nothing is redirected here (v3 13/22 warns once).
 *
 * @returns SIGBUS, unless the page is there already, which GUP would have found without a fault
 */
export function* faultElsewhere(task: Task, page: number, access: Access): Op<Fault> {
  const { machine, mm } = task;
  const slot = yield* walk(machine, mm, page);
  if (slot === NONE) return Fault.SIGBUS;
  yield reading(machine.objects.entry(slot));
  if (!isPresentAt(machine, slot)) return Fault.SIGBUS;
  return access === Access.WRITE && !isWritableAt(machine, slot) ? Fault.SIGBUS : Fault.DONE;
}
