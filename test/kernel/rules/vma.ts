/** When VMAs split and merge, and what munmap(2), mprotect(2), mlock(2) and msync(2) refuse. */
import type { Rule } from './rule.ts';

const fixed = 'private|anonymous|fixed none 0';
const huge = 'private|anonymous|hugetlb|noreserve none 0';
/** Four pages at 0x20000000. */
const four = `mmap 0x20000000 0x4000 read|write ${fixed}`;
/** Pages 0, 1 and 3 of four. */
const holed = `${four}; munmap 0x20002000 0x1000`;

const merging: readonly Rule[] = [
  {
    says: 'neighbours of the same kind are one',
    program: `mmap 0x20000000 0x1000 read ${fixed}; mmap 0x20001000 0x1000 read ${fixed}`,
    vmas: 'r--p:2',
  },
  {
    says: 'mprotect() splits, and merges again',
    program: `${four}; mprotect 0x20001000 0x1000 read; mprotect 0x20001000 0x1000 read|write`,
    vmas: 'rw-p:4',
  },
  {
    says: 'a promise of memory (VM_ACCOUNT) made for writing stays with what was written',
    program: `mmap 0x20000000 0x2000 read ${fixed}; mprotect 0x20000000 0x1000 read|write
      store 0x20000000 1 0x91; mprotect 0x20000000 0x1000 read`,
    vmas: 'r--p:1 r--p:1',
  },
  {
    says: 'a promise of memory is given back if nothing was written',
    program: `mmap 0x20000000 0x2000 read ${fixed}; mprotect 0x20000000 0x1000 read|write
      mprotect 0x20000000 0x1000 read`,
    vmas: 'r--p:2',
  },
  {
    says: 'MAP_NORESERVE keeps apart',
    program: `${four}; mmap 0x20004000 0x1000 read|write private|anonymous|fixed|noreserve none 0`,
    vmas: 'rw-p:4 rw-p:1',
  },
  {
    says: 'MAP_STACK keeps apart',
    program: `${four}; mmap 0x20004000 0x1000 read|write private|anonymous|fixed|stack none 0`,
    vmas: 'rw-p:4 rw-p:1',
  },
  {
    says: 'MADV_DONTFORK keeps apart',
    program: `${four}; madvise 0x20001000 0x1000 dontfork`,
    vmas: 'rw-p:1 rw-p:1 rw-p:2',
  },
  {
    says: 'MADV_DOFORK joins again',
    program: `${four}; madvise 0x20001000 0x1000 dontfork; madvise 0x20001000 0x1000 dofork`,
    vmas: 'rw-p:4',
  },
  {
    says: 'mlock() keeps apart',
    program: `${four}; mlock 0x20003000 0x1000`,
    result: '0',
    vmas: 'rw-p:3 rw-p:1',
  },
  {
    says: 'neighbours that were both written before they met stay two',
    program: `mmap 0x20000000 0x1000 read|write ${fixed}; store 0x20000000 1 0x91
      mmap 0x20002000 0x1000 read|write ${fixed}; store 0x20002000 1 0x91
      mmap 0x20001000 0x1000 read|write ${fixed}`,
    vmas: 'rw-p:2 rw-p:1',
  },
  {
    says: 'parts of huge pages do not join again',
    program: `mmap 0 0x400000 read ${huge}; mprotect #0 0x200000 none; mprotect #0 0x200000 read`,
    vmas: 'r--p:512 r--p:512',
  },
];

const unmapping: readonly Rule[] = [
  { says: 'munmap() of a hole does nothing', program: 'munmap 0x20000000 0x1000', result: '0' },
  {
    says: 'munmap() of no bytes is refused',
    program: `${four}; munmap 0x20000000 0`,
    result: 'EINVAL',
  },
  {
    says: 'munmap() wants the address of a page',
    program: `${four}; munmap 0x20000001 0x1000`,
    result: 'EINVAL',
  },
  {
    says: 'munmap() keeps below the end of the address space',
    program: 'munmap 0x7fffffffe000 0x2000',
    result: 'EINVAL',
  },
  {
    says: 'munmap() within a huge page is refused',
    program: `mmap 0 0x200000 read ${huge}; munmap #0 0x1000`,
    result: 'EINVAL',
  },
  {
    says: 'munmap() that is refused at its end has already split at its start',
    program: `mmap 0 0x600000 read ${huge}; munmap #0+0x200000 0x201000`,
    result: 'EINVAL',
    vmas: 'r--p:512 r--p:1024',
  },
];

const protecting: readonly Rule[] = [
  { says: 'mprotect() of no bytes is done', program: 'mprotect 0x20000000 0 read', result: '0' },
  {
    says: 'mprotect() knows its bits',
    program: `${four}; mprotect 0x20000000 0x1000 0x10`,
    result: 'EINVAL',
  },
  {
    says: 'mprotect() wants the address of a page',
    program: `${four}; mprotect 0x20000001 0x1000 read`,
    result: 'EINVAL',
  },
  {
    says: 'mprotect() keeps what it did before a hole',
    program: `${holed}; mprotect 0x20000000 0x4000 read`,
    result: 'ENOMEM',
    vmas: 'r--p:2 rw-p:1',
  },
  {
    says: 'PROT_GROWSDOWN is for stacks',
    program: `${four}; mprotect 0x20000000 0x1000 0x1000000`,
    result: 'EINVAL',
  },
  {
    says: 'what is shared from a file not open for writing never becomes writable',
    program: `open f0 ext4; reopen f1 f0 readonly; mmap 0 0x1000 read shared f1 0
      mprotect #2 0x1000 read|write`,
    result: 'EACCES',
  },
  {
    says: 'mprotect() within a huge page is refused',
    program: `mmap 0 0x200000 read ${huge}; mprotect #0 0x1000 none`,
    result: 'EINVAL',
  },
  {
    says: 'mprotect() from within a huge page is refused',
    program: `mmap 0 0x400000 read ${huge}; mprotect #0+0x1000 0x3ff000 none`,
    result: 'EINVAL',
  },
];

const holes: readonly Rule[] = [
  {
    says: 'mincore() reports a hole',
    program: `${holed}; mincore 0x20000000 0x4000`,
    result: 'ENOMEM',
  },
  {
    says: 'mlock() reports a hole',
    program: `${holed}; mlock 0x20000000 0x4000`,
    result: 'ENOMEM',
  },
  {
    says: 'munlock() reports a hole',
    program: `${holed}; munlock 0x20000000 0x4000`,
    result: 'ENOMEM',
  },
  {
    says: 'msync() reports a hole',
    program: `${holed}; msync 0x20000000 0x4000 sync`,
    result: 'ENOMEM',
  },
  {
    says: 'msync() is either one or the other',
    program: `${four}; msync 0x20000000 0x1000 sync|async`,
    result: 'EINVAL',
  },
];

const touching: readonly Rule[] = [
  { says: 'nothing can be read where nothing is', program: 'load 0x20000000 1', result: 'SIGSEGV' },
  {
    says: 'what was written can be executed, with the right to',
    program: `mmap 0 0x1000 read|write|exec private|anonymous none 0; store #0 1 0x90; fetch #0`,
    result: '0',
  },
  {
    says: 'without the right nothing is executed',
    program: `${four}; fetch 0x20000000`,
    result: 'SIGSEGV',
  },
  {
    says: 'the page behind the end of a file cannot be read',
    program:
      'open f0 ext4; fill f0 0 0x1001 0x91; mmap 0 0x3000 read shared f0 0; load #2+0x2000 1',
    result: 'SIGBUS',
  },
  {
    says: 'the page with the end of a file can be read',
    program:
      'open f0 ext4; fill f0 0 0x1001 0x91; mmap 0 0x3000 read shared f0 0; load #2+0x1000 1',
    result: '0x91',
  },
  {
    says: 'a stack grows down to where it is touched',
    program: `mmap 0x20100000 0x1000 read|write private|anonymous|fixed|growsdown none 0
      store 0x200fd000 1 0x91`,
    vmas: 'rw-p:4',
  },
  {
    says: 'a child does not see what its parent writes later',
    program: `${four}; store 0x20000000 1 0x91; fork 1; store 0x20000000 1 0x92
      p1 load 0x20000000 1`,
    result: '0x91',
  },
  {
    says: 'a child sees what its parent writes to shared memory',
    program: `mmap 0 0x1000 read|write shared|anonymous none 0; fork 1; store #0 1 0x92
      p1 load #0 1`,
    result: '0x92',
  },
];

export const VMA_RULES: readonly Rule[] = [
  ...merging,
  ...unmapping,
  ...protecting,
  ...holes,
  ...touching,
];
