/** High-granularity mapping of hugetlb: what its last posting would have brought along. */
import type { Program } from '../check/index.ts';
import { fullWalk, HGM_MENDED, newHugetlbPte } from '../designs/index.ts';
import { Access, EBUSY, handleUserFault, violate } from '../mm/index.ts';
import type { ZooEntry } from './entry.ts';
import { collapse, FIRST, fail, granularRace, isolate, wpFork } from './hgm_machine.ts';

const POSTED = 'none: v2 of 18 February 2023 was not merged';

const forking: Program = { name: 'fork', run: wpFork };

export const tryGetInverted: ZooEntry = {
  id: 'H1',
  aliases: ['hgm-try-get-inverted'],
  title: 'Fork of huge pages fails where it has got its reference',
  bug: 'tryGetInverted',
  properties: ['P-LOCK', 'P-COUNT', 'deadlock'],
  actors: ['fork() of a mapping that userfaultfd-wp watches, so that its entries are copied'],
  story:
    'Small entries can overflow the references of a huge page, so fork was to try for each. The helper ' +
    'says whether it has got one, and was taken to say whether it has not: every fork that copies a ' +
    'huge page would have failed, of private mappings, too, and would have kept the reference and both ' +
    'page-table locks. The mend: the other sense, and a way out by the unlocking.',
  fix: undefined,
  versions: POSTED,
  bounds: '1 CPU, 2 processes, 1 huge page in pieces, 1 operation',
  scenario: (isBroken) =>
    granularRace([forking], HGM_MENDED, { filled: [0], mms: 3 }, { tryGetInverted: isBroken }),
};

/** Whoever is told that all is collapsed finds it so. */
const collapsing: Program = {
  name: 'madvise(MADV_COLLAPSE)',
  *run(task) {
    const { machine, mm } = task;
    const result = yield* collapse(task);
    const at = newHugetlbPte();
    yield* fullWalk(machine, mm, mm.vmas.at(FIRST)!, FIRST, at);
    if (result !== EBUSY && at.pages === 1) violate(machine, 'P-ACCT');
  },
};

export const collapseErrorForgotten: ZooEntry = {
  id: 'H2',
  aliases: ['hgm-collapse-error-forgotten'],
  title: 'A collapse that fails says that it has not',
  bug: 'collapseErrorForgotten',
  properties: ['P-ACCT'],
  actors: [
    'madvise(MADV_COLLAPSE) of a huge page in pieces',
    'the page is about to be moved meanwhile',
  ],
  story:
    'A page that is just being moved is not collapsed: EBUSY. The loop over VMAs went on while there ' +
    'was something left or an error, so an error did not end it but made it go on behind the range: ' +
    'in the next VMA there is nothing to do, and that is the result; without a next VMA of huge pages it ' +
    'is EINVAL. The mend: an error ends the loop.',
  fix: undefined,
  versions: POSTED,
  bounds: '2 CPUs, 2 processes, 1 huge page in pieces, 2 operations',
  scenario: (isBroken) =>
    granularRace(
      [collapsing, { name: 'isolate_hugetlb', mm: 1, run: isolate }],
      HGM_MENDED,
      { filled: [0], isFollowed: true },
      { collapseErrorForgotten: isBroken },
    ),
};

const faulting: Program = {
  name: 'store',
  run: (task) => handleUserFault(task, FIRST + 1, Access.WRITE),
};
const failing: Program = {
  name: 'memory_failure',
  mm: 1,
  run: (task) => fail(task, 0, HGM_MENDED),
};

export const guardKeepsFolio: ZooEntry = {
  id: 'H3',
  aliases: ['hgm-guard-keeps-folio'],
  title: 'Whoever finds too many references to a huge page keeps it locked',
  bug: 'guardKeepsFolio',
  properties: ['deadlock', 'P-LOCK', 'P-COUNT'],
  actors: [
    'a fault on a page with as many references as there can be',
    'the memory of a small page of it fails',
  ],
  story:
    'The count is looked at when the folio is found, that is locked, and has got one reference more. ' +
    'With too many the fault ends with SIGBUS, and forgets both: whoever wants the folio next waits for ' +
    'ever. The mend: unlock it, and give the reference back.',
  fix: undefined,
  versions: POSTED,
  bounds: '2 CPUs, 2 processes, 1 huge page in pieces, 2 operations',
  scenario: (isBroken) =>
    granularRace(
      [faulting, failing],
      HGM_MENDED,
      { filled: [0], isFull: true },
      { guardKeepsFolio: isBroken },
    ),
};

export const HGM: readonly ZooEntry[] = [tryGetInverted, collapseErrorForgotten, guardKeepsFolio];
