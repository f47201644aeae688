/** PAGEMAP_SCAN, an ioctl of /proc/PID/pagemap. @source uapi/linux/fs.h (Linux 6.18) */

/** What a page can be. */
export const PageIs = {
  WPALLOWED: 1 << 0,
  WRITTEN: 1 << 1,
  FILE: 1 << 2,
  PRESENT: 1 << 3,
  SWAPPED: 1 << 4,
  PFNZERO: 1 << 5,
  HUGE: 1 << 6,
  SOFT_DIRTY: 1 << 7,
  GUARD: 1 << 8,
} as const;

export const PmScan = { WP_MATCHING: 1 << 0, CHECK_WPASYNC: 1 << 1 } as const;
