/** Which pages mlock(2) keeps in memory: MADV_PAGEOUT takes the others, and PAGEMAP_SCAN counts runs. */
import type { Rule } from './rule.ts';

const fixed = 'shared|anonymous|fixed|populate none 0';
const four = `mmap 0x20000000 0x4000 read|write ${fixed}`;
const locked = `${four}; mlock 0x20000000 0x4000`;
/** Moves the upper half away: all of the VMA that stays loses its lock, but no page in it does. */
const left = `${locked}; mremap 0x20002000 0x2000 0x2000 maymove|dontunmap 0x30000000`;
const pageout = 'madvise 0x20000000 0x2000 pageout';
const relock = 'mlock 0x20000000 0x2000; munlock 0x20000000 0x2000';
/** Another process maps them, too. */
const shared = 'fork 1; p1 load 0x20000000 2';
const scan = 'scan 0x20000000 0x2000 none none/present/none/present 10 0';

export const MLOCK_RULES: readonly Rule[] = [
  {
    says: 'locked pages are not paged out',
    program: `${locked}; ${pageout}`,
    result: 'EINVAL',
  },
  {
    says: 'unlocked pages are paged out',
    program: `${locked}; munlock 0x20000000 0x4000; ${pageout}; ${scan}`,
    result: '0',
  },
  {
    says: 'of a locked VMA, pages that MREMAP_DONTUNMAP leaves behind are not paged out',
    program: `${left}; ${pageout}; ${scan}`,
    result: '0x1',
  },
  {
    says: 'munlock does not find what MREMAP_DONTUNMAP leaves behind',
    program: `${left}; munlock 0x20000000 0x2000; ${pageout}; ${scan}`,
    result: '0x1',
  },
  {
    says: 'what is left behind and locked again is locked twice',
    program: `${left}; ${relock}; ${pageout}; ${scan}`,
    result: '0x1',
  },
  {
    says: 'what was not paged out forgets how often it was locked',
    program: `${left}; ${pageout}; ${relock}; ${pageout}; ${scan}`,
    result: '0',
  },
  {
    says: 'pages that were moved are unlocked like others',
    program: `${left}; munlock 0x30000000 0x2000; madvise 0x30000000 0x2000 pageout
      scan 0x30000000 0x2000 none none/present/none/present 10 0`,
    result: '0',
  },
  {
    says: 'locked pages are not freed lazily',
    program: `mmap 0x20000000 0x4000 read|write private|anonymous|fixed|populate none 0
      mlock 0x20000000 0x4000; mremap 0x20002000 0x2000 0x2000 maymove|dontunmap 0x30000000
      madvise 0x20000000 0x2000 free; ${pageout}; ${relock}; ${pageout}; ${scan}`,
    result: '0x1',
  },
  {
    says: 'pages that another process has locked are paged out once it has unmapped them',
    program: `${locked}; ${shared}; munmap 0x20000000 0x4000; p1 ${pageout}; p1 ${scan}`,
    result: '0',
  },
  {
    says: 'pages that another process has locked are paged out once it has ended',
    program: `${locked}; ${shared}; exit; p1 ${pageout}; p1 ${scan}`,
    result: '0',
  },
  {
    says: 'not if its VMA had lost the lock before',
    program: `${left}; ${shared}; munmap 0x20000000 0x4000; p1 ${pageout}; p1 ${scan}`,
    result: '0x1',
  },
  {
    says: 'pages that two processes have locked are locked until both have unlocked them',
    program: `${locked}; fork 1; p1 mlock 0x20000000 0x4000
      p1 mremap 0x20002000 0x2000 0x2000 maymove|dontunmap 0x30000000
      munmap 0x20000000 0x4000; p1 ${pageout}; p1 ${scan}`,
    result: '0x1',
  },
  {
    says: 'a page that is copied on write is locked, and the one that it was is no longer',
    program: `mmap 0x20000000 0x4000 read|write private|anonymous|fixed|populate none 0
      mlock 0x20000000 0x4000; fork 1
      store 0x20000000 4 0x92; p1 madvise 0x20000000 0x4000 free; p1 ${pageout}; p1 ${scan}`,
    result: '0',
  },
];
