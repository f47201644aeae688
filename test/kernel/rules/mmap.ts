/** Where mmap(2) and brk(2) put things, and what they refuse. */
import type { Rule } from './rule.ts';

const anon = 'private|anonymous none 0';
const fixed = 'private|anonymous|fixed none 0';
const growsdown = 'private|anonymous|growsdown none 0';
const huge = 'private|anonymous|hugetlb|noreserve none 0';

const refusals: readonly Rule[] = [
  { says: 'no bytes are refused', program: `mmap 0 0 read ${anon}`, result: 'EINVAL' },
  {
    says: 'a length that wraps is more than there is',
    program: `mmap 0 -1 read ${anon}`,
    result: 'ENOMEM',
  },
  {
    says: 'half of all addresses are more than there is',
    program: `mmap 0 0x800000000000 read ${anon}`,
    result: 'ENOMEM',
  },
  {
    says: '100 TiB of writable memory are more than is promised',
    program: `mmap 0 0x640000000000 read|write ${anon}`,
    result: 'ENOMEM',
  },
  {
    says: 'a mapping is private or shared',
    program: 'mmap 0 0x1000 read anonymous none 0',
    result: 'EINVAL',
  },
  {
    says: 'MAP_SHARED_VALIDATE needs a file',
    program: 'mmap 0 0x1000 read shared|private|anonymous none 0',
    result: 'EINVAL',
  },
  { says: 'a file is needed', program: 'mmap 0 0x1000 read private none 0', result: 'EBADF' },
  { says: 'a file must be open', program: 'mmap 0 0x1000 read private f9 0', result: 'EBADF' },
  {
    says: 'an offset is a multiple of the page size',
    program: 'open f0 ext4; mmap 0 0x1000 read private f0 100',
    result: 'EINVAL',
  },
  {
    says: 'an offset and a length together must not wrap',
    program: 'open f0 ext4; mmap 0 0x2000 read private f0 -4096',
    result: 'EOVERFLOW',
  },
  {
    says: 'a stack is not shared',
    program: 'mmap 0 0x1000 read shared|anonymous|growsdown none 0',
    result: 'EINVAL',
  },
  {
    says: 'shared writing needs a file open for writing',
    program: 'open f0 ext4; reopen f1 f0 readonly; mmap 0 0x1000 read|write shared f1 0',
    result: 'EACCES',
  },
  {
    says: 'private writing needs no file open for writing',
    program: 'open f0 ext4; reopen f1 f0 readonly; mmap 0 0x1000 read|write private f1 0',
    result: '0x7ffff7ffe000',
  },
  {
    says: 'no mapping goes without a file open for reading',
    program: 'open f0 ext4; reopen f1 f0 writeonly; mmap 0 0x1000 write shared f1 0',
    result: 'EACCES',
  },
  {
    says: 'a directory is not mapped',
    program: 'mmap 0 0x1000 read private directory 0',
    result: 'ENODEV',
  },
  { says: 'a pipe is not mapped', program: 'mmap 0 0x1000 read shared pipe 0', result: 'ENODEV' },
  {
    says: 'a pipe is not executed, before it is not mapped',
    program: 'mmap 0 0x1000 read|exec shared pipe 0',
    result: 'EPERM',
  },
];

const fixedPlaces: readonly Rule[] = [
  { says: 'root may map page 0', program: `mmap 0 0x1000 read ${fixed}`, result: '0' },
  {
    says: 'a fixed address is a multiple of the page size',
    program: `mmap 0x20000001 0x1000 read ${fixed}`,
    result: 'EINVAL',
  },
  {
    says: 'the last page can be mapped',
    program: `mmap 0x7fffffffe000 0x1000 read ${fixed}`,
    result: '0x7fffffffe000',
  },
  {
    says: 'the page behind the last cannot be mapped',
    program: `mmap 0x7ffffffff000 0x1000 read ${fixed}`,
    result: 'ENOMEM',
  },
  {
    says: 'an address that is too high is refused before one that is not aligned',
    program: `mmap 0x7ffffffff001 0x1000 read ${fixed}`,
    result: 'ENOMEM',
  },
  {
    says: 'a fixed address of the last 4095 bytes is returned, as if it were an error',
    program: `mmap -3294 0x1000 read ${fixed}`,
    result: '3294',
  },
  {
    says: 'MAP_FIXED_NOREPLACE does not replace',
    program: `mmap 0x20000000 0x2000 read ${fixed}
      mmap 0x20001000 0x1000 read private|anonymous|noreplace none 0`,
    result: 'EEXIST',
  },
  {
    says: 'MAP_FIXED cuts a hole and fills it',
    program: `mmap 0x20000000 0x3000 read ${fixed}; mmap 0x20001000 0x1000 read|write ${fixed}`,
    vmas: 'r--p:1 rw-p:1 r--p:1',
  },
  {
    says: 'a fixed address of huge pages is a multiple of theirs',
    program: 'mmap 0x20001000 0x200000 read private|anonymous|fixed|hugetlb|noreserve none 0',
    result: 'EINVAL',
  },
];

const hints: readonly Rule[] = [
  {
    says: 'a hint is taken where there is room',
    program: `mmap 0x20000000 0x1000 read ${anon}`,
    result: '0x20000000',
  },
  {
    says: 'a hint is rounded down to a page',
    program: `mmap 0x20000fff 0x1000 read ${anon}`,
    result: '0x20000000',
  },
  {
    says: 'a low hint is raised to 64 KiB',
    program: `mmap 0x8000 0x1000 read ${anon}`,
    result: '0x10000',
  },
  {
    says: 'a hint within the first page is none',
    program: `mmap 0xfff 0x1000 read ${anon}`,
    result: '0x7ffff7ffe000',
  },
  {
    says: 'a hint that overlaps is not taken',
    program: `mmap 0x20000000 0x2000 read ${fixed}; mmap 0x1ffff000 0x2000 read ${anon}`,
    result: '0x7ffff7ffd000',
  },
  {
    says: 'a hint too high is not taken',
    program: `mmap 0x7ffffffff000 0x1000 read ${anon}`,
    result: '0x7ffff7ffe000',
  },
  {
    says: 'a hint above mmap_base is taken',
    program: `mmap 0x7fffffff0000 0x1000 read ${anon}`,
    result: '0x7fffffff0000',
  },
  {
    says: 'a hint within 1 MiB below a stack is not taken',
    program: `mmap 0x20200000 0x1000 read ${growsdown}; mmap 0x20100000 0x1000 read ${anon}`,
    result: '0x7ffff7ffe000',
  },
  {
    says: 'a hint 1 MiB below a stack is taken',
    program: `mmap 0x20200000 0x1000 read ${growsdown}; mmap 0x200ff000 0x1000 read ${anon}`,
    result: '0x200ff000',
  },
  {
    says: 'a hint for huge pages is rounded up to theirs',
    program: `mmap 0x20001000 0x200000 read ${huge}`,
    result: '0x20200000',
  },
];

const search: readonly Rule[] = [
  {
    says: 'the search starts at mmap_base',
    program: `mmap 0 0x1000 read ${anon}`,
    result: '0x7ffff7ffe000',
  },
  {
    says: 'the highest gap that is big enough is taken, at its end',
    program: `mmap 0 0x9000 read ${anon}; munmap #0+0x1000 0x1000; munmap #0+0x4000 0x3000
      mmap 0 0x2000 read|write ${anon}`,
    result: '#0+0x5000',
  },
  {
    says: 'the search leaves 1 MiB below a stack',
    program: `mmap 0 0x1000 read ${growsdown}; mmap 0 0x1000 read ${anon}`,
    result: '#0-0x101000',
  },
  {
    says: '2 MiB of private memory are aligned to 2 MiB',
    program: `mmap 0 0x200000 read|write ${anon}`,
    result: '0x7ffff7c00000',
  },
  {
    says: '3 MiB of private memory are not aligned',
    program: `mmap 0 0x300000 read|write ${anon}`,
    result: '0x7ffff7cff000',
  },
  {
    says: '2 MiB of shared memory are not aligned',
    program: 'mmap 0 0x200000 read|write shared|anonymous none 0',
    result: '0x7ffff7dff000',
  },
  {
    says: '2 MiB of a memfd are not aligned',
    program: 'memfd_create f0 0 1; mmap 0 0x200000 read|write shared f0 0',
    result: '0x7ffff7dff000',
  },
  {
    says: '2 MiB of an ext4 file are aligned',
    program: 'open f0 ext4; mmap 0 0x200000 read private f0 0',
    result: '0x7ffff7c00000',
  },
  {
    says: '2 MiB of an ext4 file that hold no aligned 2 MiB of it are not aligned',
    program: 'open f0 ext4; mmap 0 0x200000 read private f0 0x1000',
    result: '0x7ffff7dff000',
  },
  {
    says: 'an ext4 file is aligned as its offset is',
    program: 'open f0 ext4; mmap 0 0x400000 read private f0 0x1000',
    result: '0x7ffff7a01000',
  },
  {
    says: 'huge pages are aligned to theirs, whatever the length',
    program: `mmap 0 0x1000 read ${huge}`,
    result: '0x7ffff7c00000',
    vmas: 'r--p:512',
  },
  {
    says: 'MAP_32BIT searches upwards from 1 GiB',
    program: 'mmap 0 0x1000 read private|anonymous|32bit none 0',
    result: '0x40000000',
  },
  {
    says: 'MAP_32BIT honours a hint',
    program: 'mmap 0x50000000 0x1000 read private|anonymous|32bit none 0',
    result: '0x50000000',
  },
  {
    says: 'MAP_32BIT does not honour a hint above 2 GiB',
    program: 'mmap 0x80000000 0x1000 read private|anonymous|32bit none 0',
    result: '0x40000000',
  },
  {
    says: 'the search upwards passes over a stack and what is below it',
    program: `mmap 0x40001000 0x1000 read private|anonymous|fixed|growsdown none 0
      mmap 0 0x1000 read private|anonymous|32bit none 0`,
    result: '0x40002000',
  },
];

const hugetlb: readonly Rule[] = [
  {
    says: 'huge pages beyond the pool are refused',
    program: 'mmap 0 0x10000000000 read private|anonymous|hugetlb none 0',
    result: 'ENOMEM',
  },
  {
    says: 'huge pages of 32 MiB do not exist',
    program: `mmap 0 0x2000000 read private|anonymous|hugetlb|0x${(25 * 2 ** 26).toString(16)} none 0`,
    result: 'EINVAL',
  },
  {
    says: 'an offset into huge pages is a multiple of theirs',
    program: 'memfd_create f0 hugetlb 1; mmap 0 0x200000 read private|noreserve f0 0x1000',
    result: 'EINVAL',
  },
];

const heap: readonly Rule[] = [
  { says: 'brk(0) tells the break', program: 'brk 0', result: '0x555555555000' },
  {
    says: 'the break is kept to the byte',
    program: 'brk 0x555555556234; brk 0',
    result: '0x555555556234',
    vmas: 'rw-p:2',
  },
  {
    says: 'a break below the start changes nothing',
    program: 'brk 0x555555556000; brk 0x555555554000',
    result: '0x555555556000',
  },
  {
    says: 'the heap may grow up to one page below what comes next',
    program: `mmap 0x555555558000 0x1000 read ${fixed}; brk 0x555555557000`,
    result: '0x555555557000',
  },
  {
    says: 'the heap may not grow into the page below what comes next',
    program: `mmap 0x555555558000 0x1000 read ${fixed}; brk 0x555555557001`,
    result: '0x555555555000',
  },
  {
    says: 'the heap shrinks',
    program: 'brk 0x555555559000; brk 0x555555556000',
    result: '0x555555556000',
    vmas: 'rw-p:1',
  },
];

const twoDroppable = `mmap 0x20000000 0x1000 read|write droppable|anonymous|fixed none 0
  mmap 0x20001000 0x1000 read|write droppable|anonymous|fixed none 0`;

const droppable: readonly Rule[] = [
  {
    says: 'what may be dropped joins its neighbour',
    program: twoDroppable,
    vmas: 'rw-p:2',
  },
  {
    says: 'after mlockall(MCL_FUTURE) what may be dropped joins no neighbour',
    program: `mlockall future; ${twoDroppable}`,
    vmas: 'rw-p:1 rw-p:1',
  },
];

export const MMAP_RULES: readonly Rule[] = [
  ...refusals,
  ...fixedPlaces,
  ...hints,
  ...search,
  ...hugetlb,
  ...heap,
  ...droppable,
];
