/** What the engine is compared in, and how often each call is drawn. */
import { type Call, MAP, MFD, SHMGET } from './calls.ts';
import { NO_UFFD } from './draw_uffd.ts';
import type { Weights } from './generator.ts';

/** Calls that change address spaces more often than those that make things to map. */
export const COVERED_WEIGHTS: Weights = {
  mmap: 22,
  munmap: 7,
  mprotect: 12,
  stripe: 0.1,
  mremap: 14,
  brk: 3,
  madvise: 12,
  process_madvise: 1,
  mincore: 2,
  scan: 2,
  mlock: 2,
  mlock2: 1,
  munlock: 1.5,
  mlockall: 0.15,
  munlockall: 0.3,
  msync: 1,
  fork: 0.6,
  thread: 0.3,
  exit: 0.3,
  memfd_create: 0.3,
  open: 0.3,
  reopen: 0.6,
  ftruncate: 1,
  fallocate: 1,
  fill: 1,
  shmget: 0.6,
  shmat: 1.4,
  shmdt: 0.7,
  shmctl: 0.2,
  load: 5,
  store: 14,
  peek: 2,
  poke: 3,
  fetch: 1,
  observe: 1.5,
  ...NO_UFFD,
};

/** As those, with userfaultfd. What changes no address space that userfaultfd cares for is rarer. */
export const UFFD_WEIGHTS: Weights = {
  ...COVERED_WEIGHTS,
  mmap: 12,
  mlock: 0.3,
  mlockall: 0,
  stripe: 0,
  shmat: 0.4,
  scan: 8,
  load: 10,
  store: 14,
  userfaultfd: 0.5,
  uffd_close: 0.2,
  uffd_api: 0.6,
  uffd_register: 10,
  uffd_unregister: 1.5,
  uffd_wake: 0.5,
  uffd_copy: 10,
  uffd_zeropage: 5,
  uffd_continue: 6,
  uffd_poison: 1,
  uffd_writeprotect: 8,
  uffd_move: 4,
};

/** Whether a call asks for pages of hugetlb: then what the pool has is compared, too. */
export function isHugetlb(call: Call): boolean {
  if (call.name === 'mmap') return Math.floor(call.flags / MAP.hugetlb) % 2 === 1;
  if (call.name === 'memfd_create') return (call.flags & MFD.hugetlb) !== 0;
  return call.name === 'shmget' && (call.flags & SHMGET.hugetlb) !== 0;
}
