/** Private pages in tables that are shared: what the anon_vma rule is about. */
import type { Program } from '../../check/index.ts';
import { FOLL, getUserPage, unpin } from '../../mm/index.ts';
import { MAP, PROT } from '../../uapi/mman.ts';
import type { ZooEntry } from '../entry.ts';
import { loading, PAGE, protecting, sharingRace } from './sharing_race.ts';

/** Writes where the program may not, as ptrace() and /proc/self/mem do. */
export const forcing: Program = {
  name: 'write to /proc/self/mem',
  *run(task) {
    const frame = yield* getUserPage(task, PAGE, FOLL.WRITE | FOLL.FORCE | FOLL.GET);
    if (frame >= 0) yield* unpin(task, frame);
  },
};

/** A process that has written to private memory, which it protects; and one that maps it so. */
export const TOGGLED = [
  { mm: 0, flags: MAP.PRIVATE, written: [PAGE] },
  { mm: 1, flags: MAP.PRIVATE, prot: PROT.READ },
];

/** Two processes that run one text. */
export const TEXT = [
  { mm: 0, flags: MAP.PRIVATE, prot: PROT.READ, touched: [PAGE] },
  { mm: 1, flags: MAP.PRIVATE, prot: PROT.READ, touched: [PAGE] },
];

export const ignoresAnonVma: ZooEntry = {
  id: 'F9',
  aliases: ['shared-2006-anon-vma'],
  title: 'Shared tables of 2006: private pages of one process are shared with another',
  mistake: 'ignoresAnonVma',
  properties: ['P-COW'],
  actors: ['mprotect() to read-only of private memory that was written to', 'a load by another'],
  story:
    'Private memory that may not be written to can be shared: it is text. But VM_WRITE comes and goes, ' +
    'and what was written before is still there: the other process reads it. A VMA with an anon_vma ' +
    'must be no donor (Hugh Dickins, January 2006; not so yet in May).',
  fix: undefined,
  versions: 'never merged: shared page tables for 2.6.13 to 2.6.17-rc3',
  bounds: '2 CPUs, 2 processes, 1 page, 2 operations',
  scenario: (isBroken) =>
    sharingRace([protecting(0, PROT.READ), loading(1)], TOGGLED, {
      mistakes: { ignoresAnonVma: isBroken },
    }),
};

export const asksAnonVmaOnce: ZooEntry = {
  id: 'F9b',
  aliases: ['shared-2006-ptrace'],
  title: 'Shared tables of 2006: a breakpoint in one process is one in all that share the table',
  mistake: 'asksAnonVmaOnce',
  properties: ['P-COW'],
  actors: ['a forced write to text', 'a load by another process that runs it'],
  story:
    'Two processes share the table of a text. A debugger writes to the memory of one: the page is ' +
    'copied into the table that both have. That there is an anon_vma from now on comes too late. The ' +
    'table has to be left before the page is put into it, when the anon_vma is there to be seen.',
  fix: undefined,
  versions: 'never posted: what the review asked for, and no more',
  bounds: '2 CPUs, 2 processes, 1 page, 2 operations',
  scenario: (isBroken) =>
    sharingRace([forcing, loading(1)], TEXT, { mistakes: { asksAnonVmaOnce: isBroken } }),
};
