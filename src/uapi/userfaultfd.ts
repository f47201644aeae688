/** userfaultfd(2) and its ioctls. @source uapi/linux/userfaultfd.h (Linux 6.18) */

/** What UFFDIO_API is called with. */
export const UFFD_API = 0xaa;

/** What UFFDIO_API agrees on. */
export const UffdFeature = {
  PAGEFAULT_FLAG_WP: 1 << 0,
  EVENT_FORK: 1 << 1,
  EVENT_REMAP: 1 << 2,
  EVENT_REMOVE: 1 << 3,
  MISSING_HUGETLBFS: 1 << 4,
  MISSING_SHMEM: 1 << 5,
  EVENT_UNMAP: 1 << 6,
  SIGBUS: 1 << 7,
  THREAD_ID: 1 << 8,
  MINOR_HUGETLBFS: 1 << 9,
  MINOR_SHMEM: 1 << 10,
  EXACT_ADDRESS: 1 << 11,
  WP_HUGETLBFS_SHMEM: 1 << 12,
  WP_UNPOPULATED: 1 << 13,
  POISON: 1 << 14,
  WP_ASYNC: 1 << 15,
  MOVE: 1 << 16,
} as const;

/** Of UFFDIO_REGISTER. */
export const UffdMode = { MISSING: 1, WP: 2, MINOR: 4 } as const;
/** Of UFFDIO_COPY; those of ZEROPAGE, CONTINUE and POISON have the same values. */
export const UffdFillMode = { DONTWAKE: 1, WP: 2 } as const;
export const UffdWpMode = { WP: 1, DONTWAKE: 2 } as const;
export const UffdMoveMode = { DONTWAKE: 1, ALLOW_SRC_HOLES: 2 } as const;

/** What a message says of a fault. */
export const UffdFlag = { WRITE: 1, WP: 2, MINOR: 4 } as const;

/** Numbers of ioctls: bits of what UFFDIO_API and UFFDIO_REGISTER answer. */
export const UffdIoctl = {
  REGISTER: 0,
  UNREGISTER: 1,
  WAKE: 2,
  COPY: 3,
  ZEROPAGE: 4,
  MOVE: 5,
  WRITEPROTECT: 6,
  CONTINUE: 7,
  POISON: 8,
  API: 0x3f,
} as const;
