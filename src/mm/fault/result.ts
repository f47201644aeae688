/** How a fault ends. */
export const Fault = {
  /** The access is to be tried again. */
  DONE: 0,
  /** SIGSEGV: no VMA, or none that lets this be done. */
  MAPERR: 1,
  ACCERR: 2,
  /** SIGBUS: behind the end of the file, or the page cannot be had. */
  SIGBUS: 3,
  OOM: 4,
  /** Locks were dropped, or must be taken in another way: everything is to be looked up anew. */
  RETRY: 5,
  /**
   * The fault is in the queue of a userfaultfd: when all locks are dropped, `awaitUserfault()`. To a
   * program it means that nobody was there to wake it: only who runs alone gets there.
   */
  WAIT: 7,
  /** SIGBUS, or EHWPOISON to who asks for the page: it is poisoned. */
  HWPOISON: 6,
} as const;
export type Fault = (typeof Fault)[keyof typeof Fault];

/** Under which lock a fault is handled (FAULT_FLAG_VMA_LOCK, FAULT_FLAG_ALLOW_RETRY). */
export const FaultLock = {
  /** The mmap lock, for reading. It may be dropped: then the fault starts anew. */
  MMAP: 0,
  /** The VMA lock only: what needs the neighbours is to be retried under the other. */
  VMA: 1,
  /** The mmap lock, for reading, of who keeps it: what would have to wait for others fails. */
  MMAP_KEPT: 2,
} as const;
export type FaultLock = (typeof FaultLock)[keyof typeof FaultLock];

/** What an access does. A fetch is a read with this bit. */
export const Access = {
  READ: 0,
  WRITE: 1,
  EXEC: 2,
  /** A page is to be private to the process, though it is not written to: GUP pins it. */
  UNSHARE: 4,
} as const;
export type Access = (typeof Access)[keyof typeof Access];
