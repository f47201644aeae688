/** `/proc/PID/mountinfo`: which devices are tmpfs, and which are hugetlbfs with which page size. */

export interface Mount {
  /** `major:minor` in hexadecimal, as maps prints it. */
  readonly device: string;
  readonly fsType: string;
  /** Page size of a hugetlbfs mount in bytes; undefined for every other file system. */
  readonly hugePageBytes: number | undefined;
}

/** @returns one entry a line; lines of another form are left out */
export function parseMountinfo(text: string): Mount[] {
  const mounts: Mount[] = [];
  for (const line of text.split('\n')) {
    // id parent major:minor root point options [tags ...] - type source superOptions
    const [left, right] = line.split(' - ', 2);
    const [, major, minor] = /^\d+ \d+ (\d+):(\d+) /.exec(left ?? '') ?? [];
    const [fsType, , superOptions] = right?.split(' ') ?? [];
    if (major === undefined || minor === undefined || fsType === undefined) continue;
    mounts.push({
      device: deviceName(Number(major), Number(minor)),
      fsType,
      hugePageBytes: fsType === 'hugetlbfs' ? pageSizeOption(superOptions ?? '') : undefined,
    });
  }
  return mounts;
}

/** A device as maps prints it: two digits of hexadecimal at least, on each side. */
export function deviceName(major: number, minor: number): string {
  return [major, minor].map((part) => part.toString(16).padStart(2, '0')).join(':');
}

/** @source linux fs/hugetlbfs/inode.c hugetlbfs_show_options(): `pagesize=2M`, `pagesize=64K` */
function pageSizeOption(options: string): number | undefined {
  const [, size, unit] = /(?:^|,)pagesize=(\d{1,9})([KM])(?:,|$)/.exec(options) ?? [];
  return size === undefined ? undefined : Number(size) * (unit === 'K' ? 1024 : 1024 * 1024);
}
