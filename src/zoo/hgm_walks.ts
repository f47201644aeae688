/** High-granularity mapping of hugetlb: walks whose entries turn into tables, and what is none. */
import type { Program } from '../check/index.ts';
import { HGM_MENDED } from '../designs/index.ts';
import { getUserPageSlow } from '../mm/index.ts';
import type { ZooEntry } from './entry.ts';
import { continueAt, FIRST, granularRace, move } from './hgm_machine.ts';

const UNMERGED = 'none: v2 of 18 February 2023 was not merged, and has the mend';
/** FOLL_GET. */
const GET = 1 << 1;

const filling: Program = { name: 'UFFDIO_CONTINUE', run: (task) => continueAt(task, FIRST) };
const following: Program = {
  name: 'GUP',
  run: (task) => getUserPageSlow(task, FIRST, GET),
};
const moving: Program = { name: 'migrate', mm: 1, run: (task) => move(task, HGM_MENDED) };

export const followTakesTable: ZooEntry = {
  id: 'E6',
  aliases: ['hgm-follow-takes-table'],
  title: 'GUP takes a table below a huge page for the page',
  bug: 'followTakesTable',
  properties: ['P-UAF-PT'],
  actors: [
    'GUP of a page of a file that nobody has mapped',
    'UFFDIO_CONTINUE of a small page of it',
  ],
  story:
    'GUP walks as deep as there are tables, takes the lock of the entry where it ends, and looks at that ' +
    'again. Whoever divides a huge page holds the lock of the VMA for reading, as GUP does: an entry that ' +
    'was empty may refer to a table by now. Where a huge page has one entry, what is present is the ' +
    'page, and GUP would hand out the memory of the table. The mend: what is present and maps nothing was ' +
    'divided meanwhile; walk on. Faults and unmapping have to look, too, but keep out who divides: by the ' +
    'fault mutex of the page, or the lock of the VMA.',
  fix: undefined,
  versions: UNMERGED,
  bounds: '2 CPUs, 1 process, 1 huge page, 2 operations',
  scenario: (isBroken) =>
    granularRace(
      [following, filling],
      HGM_MENDED,
      { isUnmapped: true },
      { followTakesTable: isBroken },
    ),
};

export const walkTakesEntryForTable: ZooEntry = {
  id: 'E7',
  aliases: ['hgm-walk-takes-entry-for-table'],
  title: 'UFFDIO_CONTINUE of a small page takes the note of a move for a table',
  bug: 'walkTakesEntryForTable',
  properties: ['P-UAF-PT'],
  actors: ['a huge page is moved', 'UFFDIO_CONTINUE of a small page of it'],
  story:
    'Where an entry is empty, a page or a table, what is not empty and no page is a table: so ' +
    '`pmd_alloc()` takes it. The entry of a huge page may also say that the page is being moved, or ' +
    'poisoned, and a walk that makes tables would go on to where that points. The mend: the series has ' +
    'allocators of its own, which find EEXIST there.',
  fix: undefined,
  versions: UNMERGED,
  bounds: '2 CPUs, 2 processes, 1 huge page, 2 operations',
  scenario: (isBroken) =>
    granularRace([moving, filling], HGM_MENDED, {}, { walkTakesEntryForTable: isBroken }),
};

export const HGM_WALKS: readonly ZooEntry[] = [followTakesTable, walkTakesEntryForTable];
