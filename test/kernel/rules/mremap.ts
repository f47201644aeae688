/** What mremap(2) moves, and in which order it refuses. */
import type { Rule } from './rule.ts';

const rw = 'read|write private|anonymous none 0';
const fixed = 'read|write private|anonymous|fixed none 0';
const huge = 'read|write private|anonymous|hugetlb|noreserve none 0';
/** Two pages at 0x20000000. */
const two = `mmap 0x20000000 0x2000 ${fixed}`;
/** Private pages are below the gap only. */
const fourWithGap = `mmap 0x20000000 0x4000 ${fixed}; munmap 0x20001000 0x1000
  store 0x20000000 1 0x91`;

const refusals: readonly Rule[] = [
  {
    says: 'unknown flags are refused',
    program: `${two}; mremap 0x20000000 0x2000 0x1000 8 0`,
    result: 'EINVAL',
  },
  {
    says: 'an address is a multiple of the page size',
    program: `${two}; mremap 0x20000001 0x1000 0x1000 0 0`,
    result: 'EINVAL',
  },
  {
    says: 'nothing becomes empty',
    program: `${two}; mremap 0x20000000 0x2000 0 maymove 0`,
    result: 'EINVAL',
  },
  {
    says: 'nothing is where nothing is mapped',
    program: 'mremap 0x20000000 0x1000 0x1000 0 0',
    result: 'EFAULT',
  },
  {
    says: 'MREMAP_FIXED needs MREMAP_MAYMOVE',
    program: `${two}; mremap 0x20000000 0x1000 0x1000 fixed 0x30000000`,
    result: 'EINVAL',
  },
  {
    says: 'MREMAP_DONTUNMAP needs MREMAP_MAYMOVE',
    program: `${two}; mremap 0x20000000 0x1000 0x1000 dontunmap 0`,
    result: 'EINVAL',
  },
  {
    says: 'MREMAP_DONTUNMAP keeps the size',
    program: `${two}; mremap 0x20000000 0x1000 0x2000 maymove|dontunmap 0`,
    result: 'EINVAL',
  },
  {
    says: 'a new address is a multiple of the page size',
    program: `${two}; mremap 0x20000000 0x1000 0x1000 maymove|fixed 0x30000001`,
    result: 'EINVAL',
  },
  {
    says: 'a new address is not too high',
    program: `${two}; mremap 0x20000000 0x1000 0x1000 maymove|fixed 0x7ffffffff000`,
    result: 'EINVAL',
  },
  {
    says: 'old and new do not overlap',
    program: `${two}; mremap 0x20000000 0x2000 0x2000 maymove|fixed 0x20001000`,
    result: 'EINVAL',
  },
  {
    says: 'MREMAP_DONTUNMAP of page 0 overlaps a new address that was never given',
    program: `mmap 0 0x1000 ${fixed}; mremap 0 0x1000 0x1000 maymove|dontunmap 0`,
    result: 'EINVAL',
  },
  {
    says: 'an old length of 0 does not double private memory',
    program: `${two}; mremap 0x20000000 0 0x1000 maymove 0`,
    result: 'EINVAL',
  },
  {
    says: 'a range that leaves its VMA does not grow',
    program: `${two}; mremap 0x20000000 0x3000 0x4000 maymove 0`,
    result: 'EFAULT',
  },
  {
    says: 'a range that leaves its VMA is not left behind',
    program: `${two}; mremap 0x20000000 0x3000 0x3000 maymove|dontunmap 0`,
    result: 'EFAULT',
  },
  {
    says: 'a fixed move that shrinks keeps to one VMA',
    program: `${two}; mprotect 0x20001000 0x1000 read
      mremap 0x20000000 0x3000 0x2000 maymove|fixed 0x30000000`,
    result: 'EFAULT',
  },
  {
    says: 'growing where something follows needs MREMAP_MAYMOVE',
    program: `${two}; mmap 0x20002000 0x1000 read private|anonymous|fixed none 0
      mremap 0x20000000 0x2000 0x3000 0 0`,
    result: 'ENOMEM',
  },
];

const moves: readonly Rule[] = [
  {
    says: 'the same size returns the address',
    program: `${two}; mremap 0x20001000 0x1000 0x1000 0 0`,
    result: '0x20001000',
  },
  {
    says: 'the same size returns the address of a range that leaves its VMA, too',
    program: `${two}; mprotect 0x20001000 0x1000 read; mremap 0x20000000 0x3000 0x3000 none 0`,
    result: '0x20000000',
  },
  {
    says: 'shrinking unmaps the end, in other VMAs too',
    program: `${two}; mprotect 0x20001000 0x1000 read; mremap 0x20000000 0x2000 0x1000 none 0`,
    result: '0x20000000',
    vmas: 'rw-p:1',
  },
  {
    says: 'shrinking unmaps the end',
    program: `${two}; mremap 0x20000000 0x2000 0x1000 0 0`,
    result: '0x20000000',
    vmas: 'rw-p:1',
  },
  {
    says: 'growing stays in place where there is room',
    program: `${two}; mremap 0x20000000 0x2000 0x4000 maymove 0`,
    result: '0x20000000',
    vmas: 'rw-p:4',
  },
  {
    says: "growing into a gap joins with what is behind it, though pages are a parent's",
    program: `${fourWithGap}; fork 1; p1 mremap 0x20000000 0x1000 0x2000 0 0
      p1 mremap 0x20000000 0x4000 0x5000 0 0`,
    result: '0x20000000',
  },
  {
    says: "what is mapped into a gap does not join where pages are a parent's",
    program: `${fourWithGap}; fork 1; p1 mmap 0x20001000 0x1000 ${fixed}
      p1 mremap 0x20000000 0x4000 0x5000 0 0`,
    result: 'EFAULT',
  },
  {
    says: 'growing in place comes as near to a stack as there is room',
    program: `${two}; mmap 0x20003000 0x1000 read private|anonymous|fixed|growsdown none 0
      mremap 0x20000000 0x2000 0x3000 0 0`,
    result: '0x20000000',
  },
  {
    says: 'growing the middle moves it',
    program: `${two}; mremap 0x20000000 0x1000 0x2000 maymove 0`,
    result: '0x7ffff7ffd000',
    vmas: 'rw-p:1 rw-p:2',
  },
  {
    says: 'what grows to 2 MiB moves to a multiple of 2 MiB',
    program: `mmap 0 0x101000 ${rw}; mremap #0 0x100000 0x200000 maymove 0`,
    result: '0x7ffff7c00000',
  },
  {
    says: 'a fixed move replaces what is there',
    program: `${two}; mmap 0x30000000 0x2000 read private|anonymous|fixed none 0
      mremap 0x20000000 0x1000 0x1000 maymove|fixed 0x30000000`,
    result: '0x30000000',
    vmas: 'rw-p:1 rw-p:1 r--p:1',
  },
  {
    says: 'root may move to page 0',
    program: `${two}; mremap 0x20000000 0x1000 0x1000 maymove|fixed 0`,
    result: '0',
  },
  {
    says: 'an old length of 0 doubles shared memory',
    program: `mmap 0 0x1000 read|write shared|anonymous none 0; store #0 1 0x91
      mremap #0 0 0x1000 maymove 0; load #2 1`,
    result: '0x91',
    vmas: 'rw-s:1 rw-s:1',
  },
  {
    says: 'MREMAP_DONTUNMAP leaves the mapping and takes the pages',
    program: `${two}; store 0x20000000 2 0x91
      mremap 0x20000000 0x2000 0x2000 maymove|dontunmap 0; load 0x20000000 1`,
    result: '0',
    vmas: 'rw-p:2 rw-p:2',
  },
  {
    says: 'a fixed move of the same size takes several VMAs and the holes between them',
    program: `mmap 0x20000000 0x4000 ${fixed}; munmap 0x20001000 0x1000
      mprotect 0x20003000 0x1000 read; mremap 0x20000000 0x4000 0x4000 maymove|fixed 0x30000000`,
    result: '0x30000000',
    vmas: 'rw-p:1 rw-p:1 r--p:1',
  },
  {
    says: 'what is at the new place of a hole stays',
    program: `mmap 0x20000000 0x3000 ${fixed}; munmap 0x20001000 0x1000
      mmap 0x30000000 0x3000 read private|anonymous|fixed none 0
      mremap 0x20000000 0x3000 0x3000 maymove|fixed 0x30000000`,
    result: '0x30000000',
    vmas: 'rw-p:1 r--p:1 rw-p:1',
  },
];

const hugetlb: readonly Rule[] = [
  {
    says: 'huge pages shrink',
    program: `mmap 0 0x400000 ${huge}; mremap #0 0x400000 0x200000 0 0`,
    result: '#0',
    vmas: 'rw-p:512',
  },
  {
    says: 'huge pages move',
    program: `mmap 0 0x400000 ${huge}; mremap #0 0x400000 0x400000 maymove|fixed 0x20000000`,
    result: '0x20000000',
  },
  {
    says: 'huge pages do not grow',
    program: `mmap 0 0x200000 ${huge}; mremap #0 0x200000 0x400000 maymove 0`,
    result: 'EINVAL',
  },
  {
    says: 'huge pages do not move within one',
    program: `mmap 0 0x200000 ${huge}; mremap #0+0x1000 0x1000 0x1000 maymove|fixed 0x20000000`,
    result: 'EINVAL',
  },
  {
    says: 'huge pages are not left behind',
    program: `mmap 0 0x200000 ${huge}; mremap #0 0x200000 0x200000 maymove|dontunmap 0`,
    result: 'EINVAL',
  },
  {
    says: 'an old length of 0 does not double private huge pages',
    program: `mmap 0 0x200000 ${huge}; mremap #0 0 0x200000 maymove 0`,
    result: 'EINVAL',
  },
];

export const MREMAP_RULES: readonly Rule[] = [...refusals, ...moves, ...hugetlb];
