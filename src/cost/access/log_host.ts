/**
 * The host that processes with recorded accesses would have been.
 *
 * A trace says which pages were accessed, not what was mapped there. Tables of pages that no process
 * stores to are taken for those of one object in memory that all map at the same place, all others for
 * private memory of each; or everything for that object, as of processes over a shared segment.
 * Mappings are as large as the PTE tables that they need.
 */
import type { HostSnapshot } from '../../snapshot/records.ts';
import { PROT } from '../../uapi/mman.ts';
import { AddressSpace } from '../../workload/address_space.ts';
import { hostOf, processOf } from '../../workload/host.ts';
import { SLOT_PAGES } from '../population.ts';
import type { AccessLog } from './access_log.ts';

const COMMON = {
  kind: 'memfd' as const,
  name: '/memfd:common',
  device: '00:01',
  inode: '1',
  deleted: true,
  pageBytes: 4096,
};

/** What processes have in common: what none of them stores to, or everything. */
export type Common = 'unwritten' | 'all';

export function hostOfLogs(logs: readonly AccessLog[], common: Common): HostSnapshot {
  const isAll = common === 'all';
  const written = slotsOf(logs, ({ written: isStored }, index) => !isAll && isStored[index] === 1);
  const met = slotsOf(logs, () => true);
  const shared = [...met].filter((slot) => !written.has(slot)).toSorted((a, b) => a - b);
  const places = new Map(shared.map((slot, index) => [slot, index * SLOT_PAGES]));
  const protection = isAll ? PROT.READ | PROT.WRITE : PROT.READ;
  const mms = logs.map((log, index) => {
    const space = new AddressSpace();
    for (const { start, end, offset } of extentsOf(log, places)) {
      const pages = end - start;
      const rights =
        offset < 0
          ? { protection: PROT.READ | PROT.WRITE }
          : { protection, object: 0, offset, shared: true };
      space.map({ start, pages, ...rights });
    }
    const comm = log.name.slice(0, 15);
    return processOf(space, { pid: 1000 + index, comm, commandLine: log.name, cgroup: '' });
  });
  return hostOf('trace', [COMMON], mms);
}

/** Numbers of the PTE tables of pages that are `wanted`. */
function slotsOf(
  logs: readonly AccessLog[],
  wanted: (log: AccessLog, index: number) => boolean,
): Set<number> {
  const slots = new Set<number>();
  for (const log of logs) {
    log.pages.forEach((page, index) => {
      if (wanted(log, index)) slots.add(Math.floor(page / SLOT_PAGES));
    });
  }
  return slots;
}

interface Extent {
  readonly start: number;
  readonly end: number;
  /** In the object, or -1 for private memory. */
  readonly offset: number;
}

/** Neighbouring tables of one kind are mapped in one go. @param places in the object, by slot */
function extentsOf({ pages }: AccessLog, places: ReadonlyMap<number, number>): Extent[] {
  const slots = new Set<number>();
  for (const page of pages) slots.add(Math.floor(page / SLOT_PAGES));
  const extents: Extent[] = [];
  for (const slot of [...slots].toSorted((a, b) => a - b)) {
    const [start, end] = [slot * SLOT_PAGES, (slot + 1) * SLOT_PAGES];
    const offset = places.get(slot) ?? -1;
    const last = extents.at(-1);
    const follows = last?.offset === -1 ? -1 : (last?.offset ?? 0) + start - (last?.start ?? 0);
    if (last?.end === start && follows === offset) extents[extents.length - 1] = { ...last, end };
    else extents.push({ start, end, offset });
  }
  return extents;
}
