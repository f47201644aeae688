/** What files refuse, and what fallocate(2) leaves in the page cache. */
import type { Rule } from './rule.ts';

const refusals: readonly Rule[] = [
  {
    says: 'huge pages of 1 MiB do not exist',
    program: `memfd_create f0 hugetlb|0x${(20 * 2 ** 26).toString(16)} 1`,
    result: 'ENODEV',
  },
  {
    says: 'a size of huge pages needs MFD_HUGETLB',
    program: `memfd_create f0 0x${(21 * 2 ** 26).toString(16)} 1`,
    result: 'EINVAL',
  },
  { says: 'a name has 249 characters', program: 'memfd_create f0 0 249', result: '0' },
  { says: 'a name has no 250 characters', program: 'memfd_create f0 0 250', result: 'EINVAL' },
  {
    says: 'a file of huge pages has a multiple of their size',
    program: 'memfd_create f0 hugetlb 1; ftruncate f0 0x1000',
    result: 'EINVAL',
  },
  {
    says: 'a file of huge pages is not written',
    program: 'memfd_create f0 hugetlb 1; fill f0 0 0x1000 0x91',
    result: 'EINVAL',
  },
  {
    says: 'a hole smaller than a huge page is punched',
    program: 'memfd_create f0 hugetlb 1; fallocate f0 keep_size|punch_hole 0 0x1000',
    result: '0',
  },
  {
    says: 'a range of huge pages is not zeroed',
    program: 'memfd_create f0 hugetlb 1; fallocate f0 zero_range 0 0x200000',
    result: 'ENOTSUP',
  },
];

const ahead = 'memfd_create f0 0 1; fallocate f0 keep_size 0 0x3000';
const map = 'mmap 0x20000000 0x8000 read|write shared|fixed f0 0';
/** A huge page that a file of four pages has, with what was allocated for later. */
const hugeAhead = `memfd_create f0 0 1; fallocate f0 keep_size 0 0x200000
  fallocate f0 keep_size 0 0x200000; ftruncate f0 0x4000
  mmap 0x20000000 0x200000 read|write shared|fixed f0 0; madvise 0x20000000 0x200000 collapse`;

const allocated: readonly Rule[] = [
  {
    says: 'what is allocated for later holds nothing',
    program: `${ahead}; ${map}; mincore 0x20000000 0x8000`,
    resident: '',
  },
  {
    says: 'what is allocated for later twice is cleared',
    program: `${ahead}; fallocate f0 keep_size 0x1000 0x1000; ${map}; mincore 0x20000000 0x8000`,
    resident: '1',
  },
  {
    says: 'so is what is allocated once more as a part of the file',
    program: `${ahead}; fallocate f0 0 0x1000 0x1000; ${map}; mincore 0x20000000 0x8000`,
    resident: '1',
  },
  {
    says: 'what was cleared for later is mapped around a fault when the file has grown',
    program: `${ahead}; fallocate f0 keep_size 0x1000 0x1000; ${map}; ftruncate f0 0x3000
      load 0x20000000 1; ftruncate f0 0; mincore 0x20000000 0x8000`,
    resident: '',
  },
  {
    says: 'cutting the file takes what is allocated for later along',
    program: `${ahead}; fallocate f0 keep_size 0 0x3000; ftruncate f0 0; ${map}
      mincore 0x20000000 0x8000`,
    resident: '',
  },
  {
    says: 'a huge page that is split keeps what is allocated for later',
    program: `${hugeAhead}; fallocate f0 keep_size|punch_hole 0x1000 0x1000
      mincore 0x20000000 0x8000`,
    resident: '0 2 3 4 5 6 7',
  },
  {
    says: 'a hole to its end gives up what is allocated for later, before the split',
    program: `${hugeAhead}; fallocate f0 keep_size|punch_hole 0x6000 0x1fa000
      mincore 0x20000000 0x8000`,
    resident: '0 1 2 3 4 5',
  },
];

const zeroed = 'open f0 ext4; fallocate f0 keep_size|zero_range 0x1000 0x2aa';
const behindEnd: readonly Rule[] = [
  {
    says: 'a range of zeroes that ends behind the end brings its page in, and nothing of it',
    program: `${zeroed}; fill f0 0x3000 0x1000 0x91; ${map}; load 0x20000000 1
      mincore 0x20000000 0x8000`,
    resident: '0 2 3',
  },
  {
    says: 'a new size drops it, though it be the old one',
    program: `${zeroed}; ftruncate f0 0; fill f0 0x3000 0x1000 0x91; ${map}; load 0x20000000 1
      mincore 0x20000000 0x8000`,
    resident: '0 1 2 3',
  },
  {
    says: 'so does a size that does not reach it, though it be larger',
    program: `${zeroed}; ftruncate f0 0x1000; fill f0 0x3000 0x1000 0x91; ${map}
      load 0x20000000 1; mincore 0x20000000 0x8000`,
    resident: '0 1 2 3',
  },
];

export const FILE_RULES: readonly Rule[] = [...refusals, ...allocated, ...behindEnd];
