/** What madvise(2) refuses, and what becomes of page tables. */
import type { Rule } from './rule.ts';

const fixed = 'private|anonymous|fixed none 0';
/** 2 MiB at 0x20000000: one PTE table, with a PMD and a PUD table above it. */
const table = `mmap 0x20000000 0x200000 read|write ${fixed}`;
const full = `${table}; store 0x20000000 512 0x91`;
const memfd = 'memfd_create f0 0 1; ftruncate f0 0x200000; mmap 0x20000000 0x200000 read|write';
const ext4 = 'open f0 ext4; fill f0 0 0x4000 0x91';
const hugePages = `mmap 0x20000000 0x400000 read|write private|anonymous|fixed|hugetlb|noreserve none 0`;

const refusals: readonly Rule[] = [
  {
    says: 'unknown advice is refused',
    program: `${table}; madvise 0x20000000 0x1000 42`,
    result: 'EINVAL',
  },
  {
    says: 'unknown advice is refused for no bytes too',
    program: `${table}; madvise 0x20000000 0 42`,
    result: 'EINVAL',
  },
  { says: 'advice on no bytes is taken', program: 'madvise 0x20000000 0 dontneed', result: '0' },
  {
    says: 'advice reports a hole, after the rest is done',
    program: `${full}; munmap 0x20100000 0x1000; madvise 0x20000000 0x200000 dontneed
      load 0x20101000 1`,
    result: '0',
  },
  {
    says: 'advice reports a hole',
    program: `${full}; munmap 0x20100000 0x1000; madvise 0x20000000 0x200000 dontneed`,
    result: 'ENOMEM',
  },
  {
    says: 'shared memory is not freed lazily',
    program: `${memfd} shared f0 0; madvise #2 0x1000 free`,
    result: 'EINVAL',
  },
  {
    says: 'anonymous memory has no hole punched',
    program: `${table}; madvise 0x20000000 0x1000 remove`,
    result: 'EINVAL',
  },
  {
    says: 'a file mapped privately has no hole punched',
    program: `${memfd} private f0 0; madvise #2 0x1000 remove`,
    result: 'EACCES',
  },
  {
    says: 'only private anonymous memory is wiped on fork',
    program: `${memfd} private f0 0; madvise #2 0x1000 wipeonfork`,
    result: 'EINVAL',
  },
  {
    says: 'what is not writable is not populated for writing',
    program: `${ext4}; mmap 0 0x1000 read private f0 0; madvise #2 0x1000 populate_write`,
    result: 'EINVAL',
  },
  {
    says: 'guards are installed in anonymous memory, and end an access',
    program: `${table}; madvise 0x20000000 0x1000 guard_install; load 0x20000000 1`,
    result: 'SIGSEGV',
  },
  {
    says: 'guards are installed in shared memory',
    program: `${memfd} shared f0 0; madvise #2 0x1000 guard_install`,
    result: '0',
  },
  {
    says: 'guards are installed in a file',
    program: `${ext4}; mmap 0 0x1000 read private f0 0; madvise #2 0x1000 guard_install`,
    result: '0',
  },
  {
    says: 'guards report a hole',
    program: `${table}; munmap 0x20001000 0x1000; madvise 0x20000000 0x3000 guard_install`,
    result: 'ENOMEM',
  },
  {
    says: 'MADV_DONTNEED leaves guards',
    program: `${table}; madvise 0x20000000 0x1000 guard_install
      madvise 0x20000000 0x200000 dontneed; load 0x20000000 1`,
    result: 'SIGSEGV',
  },
];

const collapse: readonly Rule[] = [
  {
    says: 'full tables collapse',
    program: `${full}; madvise 0x20000000 0x200000 collapse`,
    result: '0',
  },
  {
    says: 'collapsing again is done',
    program: `${full}; madvise 0x20000000 0x200000 collapse; madvise 0x20000000 0x200000 collapse`,
    result: '0',
  },
  {
    says: 'a table with one page collapses',
    program: `${table}; store 0x20000000 1 0x91; madvise 0x20000000 0x200000 collapse`,
    result: '0',
  },
  {
    says: 'what holds no aligned 2 MiB has nothing to collapse',
    program: `${full}; madvise 0x20000000 0x1000 collapse`,
    result: '0',
  },
  {
    says: 'collapsing wants the address of a page',
    program: `${full}; madvise 0x20000001 0x200000 collapse`,
    result: 'EINVAL',
  },
  {
    says: 'without a table nothing collapses',
    program: `${table}; madvise 0x20000000 0x200000 collapse`,
    result: 'EINVAL',
  },
  {
    says: 'MADV_NOHUGEPAGE refuses to collapse',
    program: `${full}; madvise 0x20000000 0x200000 nohugepage
      madvise 0x20000000 0x200000 collapse`,
    result: 'EINVAL',
  },
  {
    says: 'guards refuse to collapse',
    program: `${full}; madvise 0x20000000 0x1000 guard_install; madvise 0x20000000 0x200000 collapse`,
    result: 'EINVAL',
  },
  {
    says: 'nothing collapses where nothing is mapped',
    program: 'madvise 0x20000000 0x200000 collapse',
    result: 'ENOMEM',
  },
  {
    says: 'a memfd collapses whatever shmem_enabled says',
    program: `${memfd} shared|fixed f0 0; store #2 512 0x91; madvise #2 0x200000 collapse`,
    result: '0',
  },
  {
    says: 'an ext4 file does not collapse',
    program: `open f0 ext4; fill f0 0 0x200000 0x91; mmap 0x20000000 0x200000 read private|fixed f0 0
      load #2 512; madvise #2 0x200000 collapse`,
    result: 'EINVAL',
  },
];

const hugetlb: readonly Rule[] = [
  ...['free', 'cold', 'pageout', 'wipeonfork', 'guard_install', 'guard_remove', 'collapse'].map(
    (advice): Rule => ({
      says: `huge pages do not take ${advice}`,
      program: `${hugePages}; madvise 0x20000000 0x400000 ${advice}`,
      result: 'EINVAL',
    }),
  ),
  ...['random', 'dontfork', 'hugepage'].map(
    (advice): Rule => ({
      says: `a part of a huge page does not take ${advice}`,
      program: `${hugePages}; madvise 0x20000000 0x1000 ${advice}`,
      result: 'EINVAL',
    }),
  ),
  ...['willneed', 'mergeable', 'dodump'].map(
    (advice): Rule => ({
      says: `huge pages take ${advice}`,
      program: `${hugePages}; madvise 0x20000000 0x400000 ${advice}`,
      result: '0',
    }),
  ),
  {
    says: 'MADV_DONTNEED starts at a huge page',
    program: `${hugePages}; madvise 0x20001000 0x200000 dontneed`,
    result: 'EINVAL',
  },
  {
    says: 'MADV_DONTNEED of a part of a huge page does nothing',
    program: `${hugePages}; madvise 0x20000000 0x1000 dontneed`,
    result: '0',
  },
];

/** A huge page of a file; one that a page with other rights was in, and is not any more. */
const hugeFile = `${memfd} shared|fixed f0 0; store 0x20000000 512 0x91
  madvise 0x20000000 0x200000 collapse; load 0x20000000 512`;
const restored = `${hugeFile}; mprotect 0x20000000 0x1000 read; load 0x20000000 512
  mprotect 0x20000000 0x200000 read|write`;

const tables: readonly Rule[] = [
  { says: 'a mapping alone has no table', program: table, tables: 0 },
  {
    says: 'one page needs a table of each level',
    program: `${table}; store 0x20000000 1 0x91`,
    tables: 3,
  },
  {
    says: 'the zero page needs tables too',
    program: `${table}; load 0x20000000 1`,
    tables: 3,
  },
  { says: 'an access that fails leaves no table', program: 'load 0x20000000 1', tables: 0 },
  {
    says: 'MADV_DONTNEED of 2 MiB frees the PTE table, and none above it',
    program: `${full}; madvise 0x20000000 0x200000 dontneed`,
    tables: 2,
  },
  {
    says: 'MADV_DONTNEED in two halves frees no table',
    program: `${full}; madvise 0x20000000 0x100000 dontneed; madvise 0x20100000 0x100000 dontneed`,
    tables: 3,
  },
  { says: 'munmap() frees all tables', program: `${full}; munmap 0x20000000 0x200000`, tables: 0 },
  {
    says: 'a neighbour that was never touched keeps tables',
    program: `${full}; mmap 0x20200000 0x1000 read ${fixed}; munmap 0x20000000 0x200000`,
    tables: 2,
  },
  {
    says: 'a huge page keeps a table in store',
    program: `${table}; madvise 0x20000000 0x200000 hugepage; store 0x20000000 1 0x91`,
    tables: 3,
  },
  {
    says: 'a huge page of a file needs no PTE table, and one where a mapping has a part of it',
    program: `${hugeFile}; mprotect 0x20000000 0x1000 read; load 0x20000000 512`,
    tables: 3,
  },
  {
    says: 'a huge page of a file is mapped by its PTE table when the rights are one again',
    program: `${restored}; load 0x20000000 512`,
    tables: 3,
  },
  {
    says: 'MADV_DONTNEED of a huge page that is mapped by a PTE table lets a load find it whole',
    program: `${restored}; madvise 0x20000000 0x200000 dontneed; load 0x20000000 1`,
    tables: 2,
  },
  {
    says: 'MADV_DONTNEED of the same in two halves does not',
    program: `${restored}; madvise 0x20000000 0x100000 dontneed
      madvise 0x20100000 0x100000 dontneed; load 0x20000000 1`,
    tables: 3,
  },
  {
    says: 'MADV_DONTNEED of all of it where the rights are not one does not',
    program: `${hugeFile}; mprotect 0x20000000 0x1000 read; load 0x20000000 512
      madvise 0x20000000 0x200000 dontneed; load 0x20000000 1`,
    tables: 3,
  },
  {
    says: 'guards need a table',
    program: `${table}; madvise 0x20000000 0x1000 guard_install`,
    tables: 3,
  },
  {
    says: 'a move of 2 MiB takes the table along',
    program: `${full}; mremap 0x20000000 0x200000 0x200000 maymove|fixed 0x20400000`,
    tables: 3,
  },
];

export const MADVISE_RULES: readonly Rule[] = [...refusals, ...collapse, ...hugetlb, ...tables];
