/**
 * What the engine does of each system call: the source of `docs/coverage.md`.
 *
 * Whoever adds a call, a flag or an advice says so here in the same change.
 */
import { UffdFeature } from '../uapi/userfaultfd.ts';

/** Done as the kernel does it; refused with an errno; or accepted without an effect it should have. */
export type Support = 'done' | 'refused' | 'ignored';

export interface Feature {
  /** Names as in the manual page. */
  readonly names: readonly string[];
  readonly support: Support;
  /** What a request is answered with, or how what is done differs. */
  readonly note?: string;
}

export interface CallCoverage {
  readonly call: string;
  readonly features: readonly Feature[];
}

const done = (names: readonly string[], note?: string): Feature => feature('done', names, note);
const refused = (names: readonly string[], note: string): Feature =>
  feature('refused', names, note);
const ignored = (names: readonly string[], note: string): Feature =>
  feature('ignored', names, note);

function feature(support: Support, names: readonly string[], note?: string): Feature {
  return { names, support, ...(note !== undefined && { note }) };
}

const PROTECTION = ['PROT_NONE', 'PROT_READ', 'PROT_WRITE', 'PROT_EXEC'] as const;

export const COVERAGE: readonly CallCoverage[] = [
  {
    call: 'mmap',
    features: [
      done(PROTECTION),
      done(['MAP_SHARED', 'MAP_SHARED_VALIDATE', 'MAP_PRIVATE', 'MAP_ANONYMOUS']),
      done(['MAP_FIXED', 'MAP_FIXED_NOREPLACE', 'MAP_32BIT', 'MAP_GROWSDOWN', 'MAP_STACK']),
      done(['MAP_POPULATE', 'MAP_NONBLOCK', 'MAP_LOCKED', 'MAP_NORESERVE', 'MAP_DENYWRITE']),
      done(['MAP_HUGETLB', 'MAP_HUGE_2MB', 'MAP_HUGE_1GB']),
      refused(['MAP_SYNC'], 'EOPNOTSUPP, as for files that are not on DAX'),
      done(
        ['MAP_DROPPABLE'],
        'dropped by MADV_PAGEOUT, small pages only; not when memory is short',
      ),
      done(['RLIMIT_AS', 'RLIMIT_DATA'], 'also of mprotect(), mremap() and brk()'),
      ignored(['MAP_ABOVE4G'], 'placed as without it'),
    ],
  },
  { call: 'munmap', features: [done([])] },
  {
    call: 'mprotect',
    features: [
      done([...PROTECTION, 'PROT_SEM', 'PROT_GROWSDOWN', 'PROT_GROWSUP']),
      refused(['pkey_mprotect'], 'there are no protection keys'),
    ],
  },
  {
    call: 'mremap',
    features: [done(['MREMAP_MAYMOVE', 'MREMAP_FIXED', 'MREMAP_DONTUNMAP'])],
  },
  { call: 'brk', features: [done([])] },
  {
    call: 'madvise',
    features: [
      done(['MADV_NORMAL', 'MADV_RANDOM', 'MADV_SEQUENTIAL', 'MADV_DONTDUMP', 'MADV_DODUMP']),
      done(['MADV_DONTFORK', 'MADV_DOFORK', 'MADV_WIPEONFORK', 'MADV_KEEPONFORK']),
      done(['MADV_DONTNEED', 'MADV_DONTNEED_LOCKED', 'MADV_REMOVE']),
      done(['MADV_FREE'], 'large folios are not split: a part of one stays as it is'),
      done(['MADV_POPULATE_READ', 'MADV_POPULATE_WRITE']),
      done(['MADV_GUARD_INSTALL', 'MADV_GUARD_REMOVE']),
      done(['MADV_HUGEPAGE', 'MADV_NOHUGEPAGE']),
      done(['MADV_COLLAPSE'], 'of private memory and tmpfs; EINVAL for files on a disk'),
      done(
        ['MADV_COLD', 'MADV_PAGEOUT'],
        'small pages: private ones need a swap device, shared memory stays',
      ),
      done(['MADV_WILLNEED'], 'of files on a disk; nothing else is read ahead'),
      ignored(['MADV_MERGEABLE', 'MADV_UNMERGEABLE'], 'equal pages are not merged'),
      refused(['MADV_HWPOISON', 'MADV_SOFT_OFFLINE'], 'EINVAL, as without CONFIG_MEMORY_FAILURE'),
    ],
  },
  {
    call: 'mlock',
    features: [
      done(['mlock', 'mlock2', 'MLOCK_ONFAULT', 'munlock', 'munlockall']),
      done(['mlockall', 'MCL_CURRENT', 'MCL_FUTURE', 'MCL_ONFAULT']),
      ignored(['RLIMIT_MEMLOCK'], 'processes have CAP_IPC_LOCK'),
    ],
  },
  {
    call: 'process_madvise',
    features: [done(['MADV_COLD', 'MADV_PAGEOUT', 'MADV_WILLNEED', 'MADV_COLLAPSE'], 'of others')],
  },
  { call: 'mincore', features: [done([])] },
  {
    call: 'ptrace',
    features: [
      done(['PTRACE_PEEKDATA', 'PTRACE_POKEDATA'], 'as reads and writes of `/proc/PID/mem`'),
    ],
  },
  {
    call: 'PAGEMAP_SCAN',
    features: [
      done(['PM_SCAN_WP_MATCHING', 'PM_SCAN_CHECK_WPASYNC']),
      ignored(['PAGE_IS_SOFT_DIRTY'], 'no page is'),
    ],
  },
  {
    call: 'msync',
    features: [done(['MS_ASYNC', 'MS_INVALIDATE', 'MS_SYNC'])],
  },
  {
    call: 'clone',
    features: [done(['fork', 'exit']), done(['CLONE_VM'], 'threads, and the child of vfork')],
  },
  { call: 'execve', features: [done([], 'from a description of the ELF images')] },
  {
    call: 'memfd_create',
    features: [
      done(['MFD_CLOEXEC', 'MFD_EXEC', 'MFD_NOEXEC_SEAL']),
      ignored(['MFD_ALLOW_SEALING'], 'there are no seals'),
      done(['MFD_HUGETLB', 'MFD_HUGE_2MB', 'MFD_HUGE_1GB']),
    ],
  },
  { call: 'ftruncate', features: [done([])] },
  {
    call: 'fallocate',
    features: [
      done(['FALLOC_FL_KEEP_SIZE', 'FALLOC_FL_PUNCH_HOLE', 'FALLOC_FL_ZERO_RANGE']),
      refused(['FALLOC_FL_COLLAPSE_RANGE', 'FALLOC_FL_INSERT_RANGE'], 'EOPNOTSUPP, as of tmpfs'),
      refused(['FALLOC_FL_UNSHARE_RANGE', 'FALLOC_FL_WRITE_ZEROES'], 'EOPNOTSUPP'),
    ],
  },
  {
    call: 'shmget',
    features: [
      done(['IPC_PRIVATE', 'SHM_NORESERVE']),
      done(['SHM_HUGETLB', 'SHM_HUGE_2MB', 'SHM_HUGE_1GB']),
      ignored(['key'], 'there are no keys by which processes find a segment'),
    ],
  },
  { call: 'shmat', features: [done(['SHM_RDONLY', 'SHM_RND', 'SHM_REMAP', 'SHM_EXEC'])] },
  { call: 'shmdt', features: [done([])] },
  {
    call: 'shmctl',
    features: [done(['IPC_RMID']), ignored(['SHM_LOCK', 'SHM_UNLOCK'], 'nothing is swapped out')],
  },
  {
    call: 'userfaultfd',
    features: [
      done(['O_CLOEXEC', 'O_NONBLOCK']),
      ignored(['UFFD_USER_MODE_ONLY'], 'faults of the kernel are told like those of the program'),
      done(['UFFDIO_API', 'UFFDIO_REGISTER', 'UFFDIO_UNREGISTER', 'UFFDIO_WAKE']),
      done(['UFFDIO_COPY', 'UFFDIO_ZEROPAGE', 'UFFDIO_CONTINUE', 'UFFDIO_POISON']),
      done(['UFFDIO_WRITEPROTECT']),
      done(['UFFDIO_MOVE'], 'not of parts of huge pages: their folios are never split (EBUSY)'),
      done(Object.keys(UffdFeature).map((name) => `UFFD_FEATURE_${name}`)),
    ],
  },
  { call: 'remap_file_pages', features: [refused([], 'there is no such call')] },
];
