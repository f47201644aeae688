/** What the ioctls of userfaultfd answer: refusals, and what was done before one. */
import type { Rule } from './rule.ts';
import {
  after,
  anonymous,
  filled,
  huge,
  hugeMinor,
  hugePage,
  hugePrivate,
  made,
  minor,
  missing,
  moveHuge,
  onDisk,
  other,
  ready,
  register,
  shared,
  source,
  twice,
  untouched,
} from './uffd_begin.ts';

function row(says: string, program: string, result: string): Rule {
  return { says: `userfaultfd: ${says}`, program, result };
}

const handshake: readonly Rule[] = [
  row(
    'REGISTER before API is refused',
    `${anonymous}; ${made}; uffd_register u0 0x20000000 0x1000 missing`,
    'EINVAL',
  ),
  row('an unknown API is refused', `${made}; uffd_api u0 0xab none`, 'EINVAL'),
  row('an unknown feature is refused', `${made}; uffd_api u0 0xaa 0x20000`, 'EINVAL'),
  row('features are agreed on once', `${ready}; uffd_api u0 0xaa sigbus`, 'EINVAL'),
  row(
    'after a refusal they may be agreed on',
    `${made}; uffd_api u0 0xab none; uffd_api u0 0xaa none`,
    '0x1ffff',
  ),
  row('all features are told', `${made}; uffd_api u0 0xaa none`, '0x1ffff'),
  row('an unknown flag is refused', 'userfaultfd u0 0x4', 'EINVAL'),
  row('UFFD_USER_MODE_ONLY, O_CLOEXEC and O_NONBLOCK are known', 'userfaultfd u0 0x80801', '0'),
];

const registering: readonly Rule[] = [
  row(
    'no mode is refused',
    `${anonymous}; ${ready}; ${register('0x20000000', '0x1000', '0')}`,
    'EINVAL',
  ),
  row(
    'an unknown mode is refused',
    `${anonymous}; ${ready}; ${register('0x20000000', '0x1000', '8')}`,
    'EINVAL',
  ),
  row(
    'no length is refused',
    `${anonymous}; ${ready}; ${register('0x20000000', '0', 'missing')}`,
    'EINVAL',
  ),
  row(
    'a start within a page is refused',
    `${anonymous}; ${ready}; ${register('0x20000001', '0x1000', 'missing')}`,
    'EINVAL',
  ),
  row(
    'what is not mapped is refused',
    `${ready}; ${register('0x20000000', '0x1000', 'missing')}`,
    'EINVAL',
  ),
  row(
    'MINOR of private memory is refused',
    `${anonymous}; ${ready}; ${register('0x20000000', '0x1000', 'minor')}`,
    'EINVAL',
  ),
  row(
    'a file on a disk is refused',
    `${onDisk}; ${ready}; ${register('0x20000000', '0x1000', 'missing')}`,
    'EINVAL',
  ),
  row(
    'with WP_ASYNC alone, write protection of any file is taken',
    `${onDisk}; ${made}; uffd_api u0 0xaa sigbus|wp_async; ${register('0x20000000', '0x1000', 'wp')}`,
    '0x17c',
  ),
  row(
    'a part of a huge page is refused',
    `${huge}; ${ready}; ${register('0x40000000', '0x1000', 'missing')}`,
    'EINVAL',
  ),
  row(
    'a start within a huge page is refused',
    `${huge}; ${ready}; ${register('0x40001000', '0x200000', 'missing')}`,
    'EINVAL',
  ),
  row('MINOR of hugetlb allows CONTINUE', hugeMinor, '0x18c'),
  row(
    'MINOR of a private mapping of hugetlb is taken',
    `${hugePrivate}; ${ready}; ${register('0x40000000', '0x800000', 'minor')}`,
    '0x18c',
  ),
  row('MINOR of memory that is a file', minor, '0x1bc'),
  row('MISSING of private memory', missing, '0x13c'),
  row(
    'another userfaultfd is refused',
    `${missing}; ${other}; uffd_register u1 0x20000000 0x1000 missing`,
    'EBUSY',
  ),
  row(
    'the same one may register again',
    `${missing}; ${register('0x20000000', '0x8000', 'missing')}`,
    '0x13c',
  ),
  row(
    'a hole between is passed over',
    `${anonymous}; munmap 0x20002000 0x1000; ${ready}; ${register('0x20000000', '0x8000', 'missing')}`,
    '0x13c',
  ),
  row(
    'what may never be written to is refused',
    `open f0 tmpfs; ftruncate f0 0x1000; reopen f1 f0 readonly; mmap 0x30000000 0x1000 read shared|fixed f1 0; ${ready}; ${register('0x30000000', '0x1000', 'missing')}`,
    'EPERM',
  ),
  row(
    'UNREGISTER of what was not registered is taken',
    `${anonymous}; ${ready}; uffd_unregister u0 0x20000000 0x8000`,
    '0',
  ),
  row(
    'UNREGISTER of a part of a huge page is refused',
    `${hugeMinor}; uffd_unregister u0 0x40000000 0x1000`,
    'EINVAL',
  ),
  row(
    'UNREGISTER by another userfaultfd is refused',
    `${missing}; ${other}; uffd_unregister u1 0x20000000 0x8000`,
    'EINVAL',
  ),
];

const continuing: readonly Rule[] = [
  row(
    'CONTINUE of a huge page',
    `${hugeMinor}; uffd_continue u0 0x40000000 0x200000 none`,
    '0x200000',
  ),
  row('CONTINUE of pages', `${minor}; uffd_continue u0 0x30000000 0x4000 none`, '0x4000'),
  row(
    'CONTINUE of a part of a huge page',
    `${hugeMinor}; uffd_continue u0 0x40000000 0x1000 none`,
    'EINVAL',
  ),
  row(
    'CONTINUE from within a huge page',
    `${hugeMinor}; uffd_continue u0 0x40001000 0x200000 none`,
    'EINVAL',
  ),
  row(
    'CONTINUE of a huge page and a bit',
    `${hugeMinor}; uffd_continue u0 0x40000000 0x201000 none`,
    'EINVAL',
  ),
  row(
    'CONTINUE with WP where that is not registered',
    `${minor}; uffd_continue u0 0x30000000 0x1000 wp`,
    'EINVAL',
  ),
  row('CONTINUE of nothing', `${minor}; uffd_continue u0 0x30000000 0 none`, untouched),
  row('CONTINUE in an unknown mode', `${minor}; uffd_continue u0 0x30000000 0x1000 4`, untouched),
  row(
    'CONTINUE that wraps around',
    `${minor}; uffd_continue u0 0x30000000 -0x1000 none`,
    untouched,
  ),
  row(
    'CONTINUE of what is mapped',
    `${minor}; uffd_continue u0 0x30000000 0x1000 none; uffd_continue u0 0x30000000 0x2000 none`,
    'EEXIST',
  ),
  row(
    'CONTINUE up to what is mapped',
    `${minor}; uffd_continue u0 0x30001000 0x1000 none; uffd_continue u0 0x30000000 0x4000 none`,
    after(0x1000),
  ),
  row('CONTINUE of a hole', `${minor}; uffd_continue u0 0x30004000 0x1000 none`, 'EFAULT'),
  row(
    'CONTINUE of a hole of hugetlb',
    `${hugeMinor}; uffd_continue u0 0x40400000 0x200000 none`,
    'EFAULT',
  ),
  row(
    'CONTINUE beyond what is registered',
    `${minor}; uffd_continue u0 0x30007000 0x2000 none`,
    'ENOENT',
  ),
  row(
    'CONTINUE of what is not registered',
    `${twice}; ${ready}; uffd_continue u0 0x30000000 0x1000 none`,
    'ENOENT',
  ),
  row(
    'CONTINUE of what is not mapped',
    `${minor}; uffd_continue u0 0x70000000 0x1000 none`,
    'ENOENT',
  ),
  row(
    'CONTINUE of private memory',
    `${missing}; uffd_continue u0 0x20000000 0x1000 none`,
    'EINVAL',
  ),
];

const filling: readonly Rule[] = [
  row('COPY', `${filled}; uffd_copy u0 0x20000000 0x60000000 0x3000 none`, '0x3000'),
  row(
    'COPY of a part of a huge page',
    `${huge}; ${source}; ${ready}; ${register('0x40000000', '0x800000', 'missing')}; uffd_copy u0 0x40000000 0x60000000 0x1000 none`,
    'EINVAL',
  ),
  row(
    'COPY over what is there',
    `${filled}; store 0x20000000 1 0x91; uffd_unregister u0 0x20000000 0x8000; store 0x20000000 1 0x91; ${register('0x20000000', '0x8000', 'missing')}; uffd_copy u0 0x20000000 0x60000000 0x1000 none`,
    'EEXIST',
  ),
  row(
    'COPY of what is not mapped',
    `${missing}; uffd_copy u0 0x20000000 0x70000000 0x1000 none`,
    'EFAULT',
  ),
  row(
    'COPY of a part of a page',
    `${filled}; uffd_copy u0 0x20000000 0x60000000 100 none`,
    untouched,
  ),
  row(
    'COPY with WP where that is not registered',
    `${filled}; uffd_copy u0 0x20000000 0x60000000 0x1000 wp`,
    'EINVAL',
  ),
  row(
    'COPY up to what is there',
    `${filled}; uffd_copy u0 0x20002000 0x60000000 0x1000 none; uffd_copy u0 0x20000000 0x60000000 0x4000 none`,
    after(0x2000),
  ),
  row('ZEROPAGE', `${missing}; uffd_zeropage u0 0x20000000 0x2000 none`, '0x2000'),
  row(
    'ZEROPAGE of hugetlb',
    `${huge}; ${ready}; ${register('0x40000000', '0x800000', 'missing')}; uffd_zeropage u0 0x40000000 0x200000 none`,
    'EINVAL',
  ),
  row(
    'ZEROPAGE over what is there',
    `${missing}; uffd_zeropage u0 0x20000000 0x1000 none; uffd_zeropage u0 0x20000000 0x1000 none`,
    'EEXIST',
  ),
  row(
    'WRITEPROTECT where that is not registered',
    `${missing}; uffd_writeprotect u0 0x20000000 0x1000 wp`,
    'ENOENT',
  ),
  row('POISON of a huge page', `${hugeMinor}; uffd_poison u0 0x40000000 0x200000 none`, '0x200000'),
  row(
    'what is poisoned raises a signal',
    `${missing}; uffd_poison u0 0x20000000 0x1000 none; uffd_unregister u0 0x20000000 0x8000; load 0x20000000 1`,
    'SIGBUS',
  ),
  row(
    'what is missing raises a signal, if that was agreed on',
    `${missing}; store 0x20000000 1 0x91`,
    'SIGBUS',
  ),
  row(
    'MOVE of hugetlb',
    `${hugeMinor}; ${source}; store 0x60000000 1 0x91; uffd_move u0 0x40000000 0x60000000 0x1000 none`,
    'EINVAL',
  ),
  row(
    'MOVE of a hole',
    `${missing}; ${source}; uffd_move u0 0x20000000 0x60000000 0x1000 none`,
    'ENOENT',
  ),
  row(
    'MOVE of a hole, where that is taken',
    `${missing}; ${source}; uffd_move u0 0x20000000 0x60000000 0x2000 allow_src_holes`,
    '0x2000',
  ),
  row('MOVE', `${filled}; uffd_move u0 0x20000000 0x60000000 0x1000 none`, '0x1000'),
  row(
    'what was moved is gone',
    `${filled}; uffd_move u0 0x20000000 0x60000000 0x1000 none; load 0x60000000 1`,
    '0',
  ),
  row(
    'what was moved is where it was to go',
    `${filled}; uffd_move u0 0x20000000 0x60000000 0x1000 none; load 0x20000000 1`,
    '0x91',
  ),
  row(
    'MOVE of shared memory',
    `${shared}; store 0x30000000 1 0x91; ${missing}; uffd_move u0 0x20000000 0x30000000 0x1000 none`,
    'EINVAL',
  ),
  row('MOVE of a huge page', `${hugePage}; ${moveHuge()}`, '0x200000'),
  row('all of a huge page is moved', `${hugePage}; ${moveHuge()}; load 0x20001000 1`, '0x92'),
  row('a huge page is where it was no more', `${hugePage}; ${moveHuge()}; load 0x60001000 1`, '0'),
  {
    says: 'userfaultfd: a huge page that is moved takes the table with it that is kept for it',
    program: `${hugePage}; ${moveHuge()}`,
    // The PUD table, a PMD table for each of the two GiB, and the one that is kept.
    tables: 4,
  },
  row(
    'MOVE of a huge page and of small ones behind it',
    `${hugePage}; store 0x60200000 2 0x91; ${moveHuge('0x202000')}`,
    '0x202000',
  ),
  row(
    'MOVE of a huge page and of what is not there',
    `${hugePage}; store 0x60200000 2 0x91; ${moveHuge('0x203000')}`,
    after(0x202000),
  ),
  row(
    'MOVE of a huge page that is mapped by a child, too',
    `${hugePage}; fork 1; ${moveHuge()}`,
    'EBUSY',
  ),
  row(
    'MOVE of a huge page to where one is',
    `${hugePage}; uffd_close u0; store 0x20000000 512 0x93; madvise 0x20000000 0x200000 collapse
      ${ready}; ${register('0x20000000', '0x400000', 'missing')}; ${moveHuge()}`,
    'EEXIST',
  ),
];

const forgetting: readonly Rule[] = [
  {
    says: 'userfaultfd: a child is not told',
    program: `${missing}; fork 1; p1 store 0x20000000 1 0x91`,
    result: '0',
  },
  {
    says: 'userfaultfd: what mremap() moves is not told any more',
    program: `${missing}; mremap 0x20000000 0x8000 0x8000 maymove|fixed 0x50000000
      store 0x50000000 1 0x91`,
    result: '0',
  },
  {
    says: 'userfaultfd: what is registered does not merge with what is not',
    program: `${anonymous}; ${ready}; ${register('0x20000000', '0x4000', 'missing')}`,
    vmas: 'rw-p:4 rw-p:4',
  },
  {
    says: 'userfaultfd: closing it joins what was registered',
    program: `${anonymous}; ${ready}; ${register('0x20000000', '0x4000', 'missing')}; uffd_close u0`,
    result: '0',
    vmas: 'rw-p:8',
  },
  row(
    'what is registered anew without WP leaves no marker where its pages go',
    `${shared}; ${made}; uffd_api u0 0xaa pagefault_flag_wp|sigbus|wp_hugetlbfs_shmem
      store 0x30000000 8 0x91; ${register('0x30000000', '0x8000', 'wp')}
      uffd_writeprotect u0 0x30000000 0x8000 wp; ${register('0x30000000', '0x8000', 'missing')}
      madvise 0x30000000 0x8000 dontneed; ${register('0x30000000', '0x8000', 'wp')}
      store 0x30000000 8 0x91`,
    '0',
  ),
  row(
    'a marker that was left behind goes, and what is populated is missing',
    `${shared}; ${ready}; ${register('0x30000000', '0x8000', 'wp')}
      uffd_writeprotect u0 0x30000000 0x1000 wp; ${register('0x30000000', '0x8000', 'missing')}
      madvise 0x30000000 0x1000 populate_read`,
    'EFAULT',
  ),
  row(
    'what comes write-protected is not populated for writing',
    `${shared}; ${ready}; ${register('0x30000000', '0x8000', 'wp')}
      uffd_writeprotect u0 0x30000000 0x1000 wp; madvise 0x30000000 0x1000 populate_write`,
    'EFAULT',
  ),
  row(
    'what reclaim takes from a file stays write-protected',
    `${shared}; ${made}; uffd_api u0 0xaa pagefault_flag_wp|sigbus|wp_hugetlbfs_shmem
      store 0x30000000 8 0x91; ${register('0x30000000', '0x8000', 'wp')}
      uffd_writeprotect u0 0x30000000 0x8000 wp; madvise 0x30000000 0x8000 pageout
      store 0x30000000 8 0x91`,
    'SIGBUS',
  ),
  {
    says: 'userfaultfd: write protection of a file is noted in tables of its own',
    program: `${shared}; ${ready}; ${register('0x30000000', '0x8000', 'wp')}
      uffd_writeprotect u0 0x30000000 0x1000 wp`,
    result: '0',
    tables: 3,
  },
];

/** @source Linux 6.18, measured; those of hugetlb need huge pages */
export const UFFD_RULES: readonly Rule[] = [
  ...handshake,
  ...registering,
  ...continuing,
  ...filling,
  ...forgetting,
];
