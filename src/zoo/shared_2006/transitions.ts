/** Tables that are found by sharers while they change. */
import type { Program } from '../../check/index.ts';
import { madvise, mprotect, mremap } from '../../mm/index.ts';
import { MADV, PAGE_BYTES, PROT } from '../../uapi/mman.ts';
import type { ZooEntry } from '../entry.ts';
import {
  discarding,
  loading,
  PAGE,
  protecting,
  sharingRace,
  storing,
  TABLE,
} from './sharing_race.ts';

const VERSIONS = 'never merged: shared page tables for 2.6.13 to 2.6.17-rc3';

export const unmapsInTheOpen: ZooEntry = {
  id: 'F4',
  aliases: ['shared-2006-zap-in-the-open'],
  title: 'Shared tables of 2006: a table is shared while its pages are unmapped',
  mistake: 'unmapsInTheOpen',
  properties: ['P-TLB', 'P-UAF-PAGE', 'P-UAF-PT'],
  actors: ['MADV_DONTNEED in the only process that has a table', 'a load in one that shares it'],
  story:
    'Who unmaps pages finds that nobody else has the table, and clears its entries. The VMA can ' +
    'still be found by the file meanwhile, so another process links the table, and uses what is ' +
    'being taken away; the flush is for the first one only, and it may free the table.',
  fix: undefined,
  versions: VERSIONS,
  bounds: '2 CPUs, 2 processes, 1 page, 2 operations',
  scenario: (isBroken) =>
    sharingRace([discarding(0), loading(1)], [{ mm: 0, touched: [PAGE] }, { mm: 1 }], {
      mistakes: { unmapsInTheOpen: isBroken },
    }),
};

export const protectsInTheOpen: ZooEntry = {
  id: 'F5',
  aliases: ['shared-2006-mprotect-in-the-open'],
  title: 'Shared tables of 2006: a sharer gets rights that the donor is about to lose',
  mistake: 'protectsInTheOpen',
  properties: ['P-PERM', 'P-TLB'],
  actors: ['mprotect() to read-only in a process that has written', 'a load in a read-only one'],
  story:
    'mprotect() changes the VMA first, and the entries after. In between the VMA says read-only and ' +
    'the entries say writable: a process that maps the file read-only finds a donor that looks the ' +
    'same, and links a table that lets it write. The range must not be found from before the VMA ' +
    'changes until the entries have.',
  fix: undefined,
  versions: 'never merged: shared page tables for 2.6.13 and 2.6.15',
  bounds: '2 CPUs, 2 processes, 1 page, 2 operations',
  scenario: (isBroken) =>
    sharingRace(
      [protecting(0, PROT.READ), loading(1)],
      [
        { mm: 0, written: [PAGE] },
        { mm: 1, prot: PROT.READ },
      ],
      { mistakes: { protectsInTheOpen: isBroken } },
    ),
};

/** Where the pages are before: not at the start of a table, so that entries are moved one by one. */
const OLD = PAGE + 2 * TABLE + 1;

const moving: Program = {
  name: 'mremap',
  run: (task) =>
    mremap(task, {
      address: OLD * PAGE_BYTES,
      oldLength: TABLE * PAGE_BYTES,
      newLength: TABLE * PAGE_BYTES,
      flags: 3,
      newAddress: PAGE * PAGE_BYTES,
    }),
};

export const movesInTheOpen: ZooEntry = {
  id: 'F6',
  aliases: ['shared-2006-mremap-in-the-open'],
  title: 'Shared tables of 2006: the new place of mremap() is shared before the pages are there',
  mistake: 'movesInTheOpen',
  properties: ['P-COUNT', 'P-TLB'],
  actors: ['mremap() of shared memory to another place', 'a load by a process that has it there'],
  story:
    'mremap() keeps sharers from the old place only. At the new one there is a VMA already, and a ' +
    'table, still empty: another process links it, and faults a page in. Then mremap() moves its own ' +
    'entry for that page over it, and a mapping of the page is lost.',
  fix: undefined,
  versions: VERSIONS,
  bounds: '2 CPUs, 2 processes, 1 page, 2 operations',
  scenario: (isBroken) =>
    sharingRace(
      [moving, loading(1)],
      [{ mm: 0, start: OLD, touched: [OLD] }, { mm: 1 }],
      { mistakes: { movesInTheOpen: isBroken } },
      { tables: 14 },
    ),
};

/** Divides the VMA, and takes the right to write from its first page. */
const dividing: Program = {
  name: 'madvise(MADV_RANDOM), mprotect of a page',
  *run(task) {
    yield* madvise(task, PAGE * PAGE_BYTES, PAGE_BYTES, MADV.RANDOM);
    yield* mprotect(task, PAGE * PAGE_BYTES, PAGE_BYTES, PROT.READ);
  },
};

export const ignoresSplit: ZooEntry = {
  id: 'F11',
  aliases: ['shared-2006-split'],
  title: 'Shared tables of 2006: a VMA is divided within a table that it shares',
  mistake: 'ignoresSplit',
  properties: ['P-TLB', 'P-PERM'],
  actors: ['madvise() and mprotect() of a part of a shared table', 'a store by the other process'],
  story:
    'madvise() divides a VMA below the span of a table that it shares. What is left covers no table, ' +
    'so nobody expects it to share one: mprotect() changes the entries in place, for everybody who ' +
    'has the table, and flushes one address space. hugetlb met the same bug twenty years later.',
  fix: undefined,
  versions: VERSIONS,
  bounds: '2 CPUs, 2 processes, 1 page, 3 operations',
  scenario: (isBroken) =>
    sharingRace(
      [dividing, storing(1)],
      [
        { mm: 0, written: [PAGE] },
        { mm: 1, written: [PAGE] },
      ],
      { mistakes: { ignoresSplit: isBroken } },
    ),
};
