/**
 * What a debugger may where the process may not (FOLL_FORCE), and what is mapped then: of a scan, in
 * how many runs.
 */
import type { Rule } from './rule.ts';

const at = '0x20000000';
const own = (prot: string, flags = 'private|anonymous'): string =>
  `mmap ${at} 0x4000 ${prot} ${flags}|fixed none 0`;
/** Of the third page of four. */
const isThirdMapped = 'scan 0x20002000 0x1000 none none/present/none/present 10 0';
const huge = `scan ${at} 0x200000 none none/huge/none/huge 10 0`;
const hugePage = `mmap ${at} 0x200000 read|write private|anonymous|fixed none 0
  madvise ${at} 0x200000 hugepage; store ${at} 1 0x91`;
/** A file on a disk of which nothing is in memory. */
const cold = `open f0 ext4; ftruncate f0 0x100000; mmap ${at} 0x4000 read private|fixed f0 0`;

export const DEBUGGER_RULES: readonly Rule[] = [
  {
    says: 'a debugger writes where a process may only read',
    program: `${own('read')}; poke ${at} 1 0x91; load ${at} 1`,
    result: '0x91',
  },
  {
    says: 'the process may still not write',
    program: `${own('read')}; poke ${at} 1 0x91; store ${at} 1 0x92`,
    result: 'SIGSEGV',
  },
  {
    says: 'a debugger writes to memory that nobody may access, and reads it',
    program: `${own('none')}; poke ${at} 1 0x91; peek ${at} 1`,
    result: '0x91',
  },
  {
    says: 'such memory stays out of reach of the process',
    program: `${own('none')}; poke ${at} 1 0x91; load ${at} 1`,
    result: 'SIGSEGV',
  },
  {
    says: 'what was forked and barred is copied for a debugger that writes',
    program: `${own('read|write')}; store ${at} 1 0x91; fork 1; mprotect ${at} 0x4000 none
      poke ${at} 1 0x92; p1 load ${at} 1`,
    result: '0x91',
  },
  {
    says: 'shared memory is not written to by force',
    program: `${own('read', 'shared|anonymous')}; poke ${at} 1 0x91`,
    result: 'EIO',
  },
  {
    says: 'shared memory is read by force',
    program: `${own('none', 'shared|anonymous')}; peek ${at} 1`,
    result: '0',
  },
  {
    says: 'shared memory that its process may write to is written to',
    program: `${own('write', 'shared|anonymous')}; fork 1; poke ${at} 1 0x91; p1 load ${at} 1`,
    result: '0x91',
  },
  { says: 'where nothing is mapped, there is nothing', program: `peek ${at} 1`, result: 'EIO' },
  {
    says: 'beyond the end of a file, there is nothing',
    program: `memfd_create f0 0 1; mmap ${at} 0x1000 read private|fixed f0 0; peek ${at} 1`,
    result: 'EIO',
  },
  { says: 'an address is an offset: no negative one', program: 'peek -0x1000 1', result: 'EINVAL' },
  {
    says: 'a debugger grows a stack',
    program: `mmap ${at} 0x1000 read|write private|anonymous|growsdown|fixed none 0
      peek 0x1fffe000 1`,
    result: '0',
    vmas: 'rw-p:3',
  },
  {
    says: 'a guarded page is out of reach of a debugger, too',
    program: `${own('read|write')}; madvise ${at} 0x1000 guard_install; peek ${at} 1`,
    result: 'EIO',
  },
  {
    says: 'a read of a process maps the pages around it that were read with it',
    program: `${cold}; load ${at} 1; ${isThirdMapped}`,
    result: '0x1',
  },
  {
    says: 'a debugger keeps the lock while a page is read: only that one is mapped',
    program: `${cold}; peek ${at} 1; ${isThirdMapped}`,
    result: '0',
  },
  {
    says: 'the others are in memory all the same',
    program: `${cold}; peek ${at} 1; mincore ${at} 0x4000`,
    resident: '0 1 2 3',
  },
  {
    says: 'a huge page that a debugger writes to stays huge',
    program: `${hugePage}; mprotect ${at} 0x200000 read; poke 0x20003000 1 0x92; ${huge}`,
    result: '0x1',
  },
  {
    says: 'so does one that nobody may access',
    program: `${hugePage}; mprotect ${at} 0x200000 none; poke 0x20003000 1 0x92; ${huge}`,
    result: '0x1',
  },
  {
    says: 'of a huge page that was forked, a debugger gets a small one of its own',
    program: `${hugePage}; fork 1; mprotect ${at} 0x200000 none; poke 0x20003000 1 0x92; ${huge}`,
    result: '0',
  },
];
