/** Faults that userfaultfd is told of, or is not any more: who waits, and who goes on too early. */
import type { MachineScenario, Program } from '../check/index.ts';
import {
  type Bugs,
  FOLL,
  getUserPage,
  run,
  UffdFeature,
  UffdMode,
  uffdioWriteprotect,
} from '../mm/index.ts';
import { PAGE_BYTES } from '../uapi/mman.ts';
import { UffdWpMode } from '../uapi/userfaultfd.ts';
import type { ZooEntry } from './entry.ts';
import { PAGE, race, storing, WRITING_AND_READING } from './small_machine.ts';
import { at, known, pageout, watch } from './userfaultfd.ts';

/** Lets everybody write again, wakes who waits, and has the page swapped out. */
const resolvingAndSwapping: Program = {
  name: 'UFFDIO_WRITEPROTECT, MADV_PAGEOUT',
  *run(task) {
    yield* uffdioWriteprotect(task, known(task), at(PAGE), PAGE_BYTES, 0);
    yield* pageout(task, PAGE);
  },
};

const waiting = (bugs: Bugs): MachineScenario =>
  race(
    [storing(PAGE, 7), resolvingAndSwapping],
    { mapped: [[PAGE, PAGE + 1]], touched: [PAGE], frames: 8, swapSlots: 1, flush: 'broadcast' },
    bugs,
    (task) => {
      const uffd = run(watch(task, PAGE, 1, UffdMode.WP));
      run(uffdioWriteprotect(task, uffd, at(PAGE), PAGE_BYTES, UffdWpMode.WP));
    },
  );

export const mustWaitAsksAbsentEntry: ZooEntry = {
  id: 'D3',
  aliases: ['CVE-2026-64514'],
  title: 'A fault that nobody has to be told of waits, as its page is just being swapped out',
  bug: 'mustWaitAsksAbsentEntry',
  properties: ['deadlock'],
  actors: [
    'a store to a page that is write-protected',
    'UFFDIO_WRITEPROTECT, so that it can be written to, then MADV_PAGEOUT of it',
  ],
  story:
    'A fault that userfaultfd is to be told of joins the queue, and looks at the entry once more before it ' +
    'sleeps: who has resolved it in between has woken nobody. It asked whether the page can be written to, ' +
    'and not whether there is one: of a page that was swapped out meanwhile, or is being moved, the bit is ' +
    'a part of something else. The fault waits, though there is nothing to be resolved: until who reads the ' +
    'userfaultfd resolves it once more. Here nobody does, and the store waits for good. The mend: of what is ' +
    'not present, the fault is tried again.',
  fix: '8e80af52db65',
  versions: '5.7 to 6.18, before its mend',
  bounds: '2 CPUs, 1 process, 1 page, 3 operations, flushes by broadcast',
  scenario: (isBroken) => waiting({ mustWaitAsksAbsentEntry: isBroken }),
};

export const mustWaitWithoutLock: ZooEntry = {
  ...mustWaitAsksAbsentEntry,
  id: 'D15',
  aliases: ['must-wait-sees-a-cleared-entry'],
  title: 'A fault that nobody has to be told of waits, as its entry is just being changed',
  bug: 'mustWaitWithoutLock',
  story:
    'As D3, and its mend is not enough. The entry is read without the lock of its table. Reclaim clears an ' +
    'entry before it says in it where the page has gone, under that lock; so do migration, and changes of ' +
    'protection. A fault that reads it in between finds nothing there, takes that for what it has to wait ' +
    'for, and waits, though its page was resolved. Whoever reads the userfaultfd is told of it once more; if ' +
    'nobody answers, as here, the store waits for good. That Linux 6.18 reads the entry so is taken from its ' +
    'source (userfaultfd_must_wait(), try_to_unmap_one()); faults on hugetlb were mended for the like in ' +
    '2022 (A14). No report was found, and a million rounds of UFFDIO_WRITEPROTECT against a store on Linux ' +
    '6.18.44 did not meet it. A mend that is verified: look under the lock.',
  fix: undefined,
  versions: '5.7 to 6.18: latent',
  scenario: (isBroken) => waiting({ mustWaitWithoutLock: isBroken }),
};

const protecting: Program = {
  name: 'UFFDIO_WRITEPROTECT',
  run: (task) => uffdioWriteprotect(task, known(task), at(PAGE), PAGE_BYTES, UffdWpMode.WP),
};

export const cowIgnoresPendingFlush: ZooEntry = {
  id: 'C9',
  aliases: ['6ce64428d62'],
  title: 'A page is copied on write before write protection for userfaultfd is flushed',
  bug: 'cowIgnoresPendingFlush',
  properties: ['P-DATA'],
  actors: [
    'UFFDIO_WRITEPROTECT of a page to which somebody else has a reference',
    'a store to the page',
    'a write to the page by a third thread, with page faults off, and a read',
  ],
  story:
    'UFFDIO_WRITEPROTECT takes the right to write from entries under the mmap lock for reading, and flushes ' +
    'at its end. Until then faults are told, and wait. But once the protection is taken back, by another ' +
    'call or, since 6.7, by the fault itself (UFFD_FEATURE_WP_ASYNC), as here, a fault goes on: it copies the ' +
    'page, while another thread still writes to the original through its TLB. What is written after the ' +
    'copying is lost. The mend: a fault where userfaultfd protects flushes its page before it copies, if ' +
    'somebody is yet to flush. It needs a page that is copied though one process only has it: until 5.18 ' +
    'any reference to it was enough (wpReuse: 5.9). As Linux 6.18 knows its own pages, by a mark, the search ' +
    'finds nothing here without the flush, either.',
  fix: '6ce64428d620',
  versions: '5.7 to 5.11',
  bounds:
    '3 CPUs, 1 process, 1 page, 4 operations, flushes by broadcast, copying as in 5.9 to 5.18',
  scenario: (isBroken) =>
    race(
      [protecting, storing(PAGE, 7), WRITING_AND_READING],
      { mapped: [[PAGE, PAGE + 1]], touched: [PAGE], flush: 'broadcast', wpReuse: '5.9' },
      { cowIgnoresPendingFlush: isBroken },
      (task) => {
        run(getUserPage(task, PAGE, FOLL.GET));
        run(watch(task, PAGE, 1, UffdMode.WP, UffdFeature.WP_ASYNC));
      },
    ),
};

export const USERFAULTFD_WAITS: readonly ZooEntry[] = [
  cowIgnoresPendingFlush,
  mustWaitAsksAbsentEntry,
  mustWaitWithoutLock,
];
