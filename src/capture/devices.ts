/**
 * Which device numbers belong to tmpfs and to hugetlbfs.
 *
 * maps does not say that a mapping is hugetlb, and smaps, which does, walks every page. But each
 * hugetlbfs mount is a device of one page size: those with a mount point are found in mountinfo
 * (of every mount namespace, because a container has its own), those of the kernel itself, behind
 * MAP_HUGETLB, SHM_HUGETLB and MFD_HUGETLB, by making an empty memfd of each size.
 */
import type { MapsLine } from '../proc/maps.ts';
import type { Mount } from '../proc/mountinfo.ts';
import type { Native } from './native.ts';

export class Devices {
  readonly #hugePageBytes = new Map<string, number>();
  readonly #tmpfs = new Set<string>();
  readonly #internalShmem: string | undefined;
  readonly #defaultHugePageBytes: number;

  /**
   * @param native undefined where the kernel's own mounts cannot be asked for
   * @param hugePageSizes of the host's pools, in bytes
   */
  constructor(
    native: Pick<Native, 'internalDevice'> | undefined,
    hugePageSizes: readonly number[],
    defaultHugePageBytes: number,
  ) {
    this.#defaultHugePageBytes = defaultHugePageBytes;
    this.#internalShmem = native?.internalDevice(0);
    if (this.#internalShmem !== undefined) this.#tmpfs.add(this.#internalShmem);
    for (const bytes of hugePageSizes) {
      const device = native?.internalDevice(bytes);
      if (device !== undefined) this.#hugePageBytes.set(device, bytes);
    }
  }

  addMounts(mounts: readonly Mount[]): void {
    for (const mount of mounts) {
      if (mount.fsType === 'tmpfs') this.#tmpfs.add(mount.device);
      if (mount.hugePageBytes !== undefined) {
        this.#hugePageBytes.set(mount.device, mount.hugePageBytes);
      }
    }
  }

  /** Page size of a hugetlb mapping; undefined for any other. */
  hugePageBytesOf(line: MapsLine): number | undefined {
    const bytes = this.#hugePageBytes.get(line.device);
    if (bytes !== undefined) return bytes;
    // Only MAP_HUGETLB makes this name; its device is known unless there was no memfd to ask.
    const isHugetlb = line.deleted && line.name === '/anon_hugepage';
    return isHugetlb ? this.#defaultHugePageBytes : undefined;
  }

  isTmpfs(device: string): boolean {
    return this.#tmpfs.has(device);
  }

  /** Whether `device` is, for all that is known, the tmpfs mount of unnamed shared memory. */
  mayBeInternalShmem(device: string): boolean {
    return this.#internalShmem === undefined || this.#internalShmem === device;
  }
}
