/** What the rules of userfaultfd begin with. */
import { UFFD_PARTIAL, UFFD_UNTOUCHED } from '../calls.ts';

const EINVAL = 22;
/** The errno with the field for what was done left as it was. */
export const untouched = String(EINVAL + UFFD_UNTOUCHED);
/** EAGAIN, after so many bytes. */
export const after = (bytes: number): string => `0x${(UFFD_PARTIAL + bytes).toString(16)}`;

export const made = 'userfaultfd u0 0';
export const ready = `${made}; uffd_api u0 0xaa sigbus`;
export const other = 'userfaultfd u1 0; uffd_api u1 0xaa sigbus';

export const anonymous = 'mmap 0x20000000 0x8000 read|write private|anonymous|fixed none 0';
/** Ends before what is anonymous starts: with a hole between. */
export const shared = 'mmap 0x30000000 0x8000 read|write shared|anonymous|fixed none 0';
export const onDisk =
  'open f0 ext4; ftruncate f0 0x8000; mmap 0x20000000 0x8000 read|write shared|fixed f0 0';
/** Eight pages of a file in memory, at two places, the second of which has been touched. */
export const twice = `memfd_create f0 none 1; ftruncate f0 0x8000
  mmap 0x30000000 0x8000 read|write shared|fixed f0 0
  mmap 0x50000000 0x8000 read|write shared|fixed f0 0; store 0x50000000 4 0x91`;

/** Four huge pages, at two places, the first two of which are in the page cache. */
export const huge = `memfd_create f0 hugetlb 1; ftruncate f0 0x800000
  mmap 0x40000000 0x800000 read|write shared|fixed|noreserve f0 0
  mmap 0x80000000 0x800000 read|write shared|fixed|noreserve f0 0
  store 0x80000000 1 0x91; store 0x80200000 1 0x91`;
export const hugePrivate = `memfd_create f0 hugetlb 1; ftruncate f0 0x800000
  mmap 0x40000000 0x800000 read|write private|fixed|noreserve f0 0`;

export const register = (at: string, length: string, mode: string): string =>
  `uffd_register u0 ${at} ${length} ${mode}`;
export const minor = `${twice}; ${ready}; ${register('0x30000000', '0x8000', 'minor')}`;
export const hugeMinor = `${huge}; ${ready}; ${register('0x40000000', '0x800000', 'minor')}`;
export const missing = `${anonymous}; ${ready}; ${register('0x20000000', '0x8000', 'missing')}`;
export const source = 'mmap 0x60000000 0x8000 read|write private|anonymous|fixed none 0';
export const filled = `${missing}; ${source}; store 0x60000000 8 0x91`;

/** A huge page, and room for it. */
export const hugePage = `mmap 0x20000000 0x400000 read|write private|anonymous|fixed none 0
  ${ready}; ${register('0x20000000', '0x400000', 'missing')}
  mmap 0x60000000 0x400000 read|write private|anonymous|fixed none 0
  store 0x60000000 512 0x91; store 0x60001000 1 0x92; madvise 0x60000000 0x200000 collapse`;
export const moveHuge = (length = '0x200000'): string =>
  `uffd_move u0 0x20000000 0x60000000 ${length} none`;
