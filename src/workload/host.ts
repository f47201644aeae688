/** A host that runs a workload, as a capture by root would have seen it. */
import type { HostSnapshot, MappedObject, Mm } from '../snapshot/records.ts';
import { PAGE_BYTES } from '../uapi/mman.ts';
import type { AddressSpace } from './address_space.ts';

/** Page tables of the kernel itself, which no process explains. */
const KERNEL_TABLES = 139;

export interface ProcessOf {
  readonly pid: number;
  readonly comm: string;
  readonly commandLine: string;
  readonly cgroup: string;
  readonly parentPid?: number;
}

export function processOf(space: AddressSpace, identity: ProcessOf): Mm {
  return {
    parentPid: 1,
    ...identity,
    sharers: [],
    uid: 1000,
    visibility: 'tables',
    vmPtePages: space.tables(),
    stable: true,
    vmas: space.vmas,
    runs: space.runs(),
  };
}

export function fileObject(name: string, inode: number): MappedObject {
  return {
    kind: 'file',
    name,
    device: 'fe:00',
    inode: String(inode),
    deleted: false,
    pageBytes: PAGE_BYTES,
  };
}

/** A 4-level x86-64 host with 4 KiB pages. The same workload is the same host. */
export function hostOf(
  hostname: string,
  objects: readonly MappedObject[],
  mms: readonly Mm[],
): HostSnapshot {
  const tables = mms.reduce((sum, { vmPtePages }) => sum + vmPtePages, 0);
  return {
    takenAt: '2024-01-01T00:00:00.000Z',
    host: {
      hostname,
      kernelRelease: '6.18.44',
      machine: 'x86_64',
      geometry: 'x86_64-4level',
      memTotalBytes: 4 * 2 ** 40,
      pageTablesBytes: (tables + mms.length + KERNEL_TABLES) * PAGE_BYTES,
      rootPages: 1,
      countersFolded: true,
      hugetlbPools: [{ pageBytes: 2 ** 21, total: 0, free: 0, reserved: 0, surplus: 0 }],
      defaultHugetlbBytes: 2 ** 21,
      thpEnabled: 'madvise',
      shmemThpEnabled: 'never',
    },
    coverage: {
      processes: mms.length,
      statusOnly: 0,
      vanished: 0,
      raced: 0,
      sharedMm: 0,
      skipped: 0,
      wholeHost: true,
      contentsCompared: true,
      notes: [],
    },
    objects,
    mms,
  };
}
