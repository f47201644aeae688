/** MADV_DONTNEED under the mmap lock for reading: several at a time. */
import type { Program } from '../check/index.ts';
import { load, madvise, violate } from '../mm/index.ts';
import { MADV, PAGE_BYTES } from '../uapi/mman.ts';
import type { ZooEntry } from './entry.ts';
import { advising, PAGE, race } from './small_machine.ts';

/** What was given away reads as zeroes from then on. */
const discarding: Program = {
  name: 'MADV_DONTNEED, load',
  *run(task) {
    yield* madvise(task, PAGE * PAGE_BYTES, PAGE_BYTES, MADV.DONTNEED);
    const value = yield* load(task, PAGE);
    if (value !== 0) violate(task.machine, 'P-DATA');
  },
};

export const nestedFlush: ZooEntry = {
  id: 'C8',
  aliases: ['99baac21e458'],
  title: 'Parallel MADV_DONTNEED: who finds nothing to clear does not flush',
  bug: 'noNestedFlush',
  properties: ['P-DATA'],
  actors: ['MADV_DONTNEED of a page, then a load from it', 'MADV_DONTNEED of the same page'],
  story:
    'One thread clears the entry and will flush later. Another one finds it clear, has nothing to ' +
    'flush, returns to its program, and that reads the old content through a stale translation. ' +
    'The mend counts flushes that are pending (tlb_flush_pending): who finishes while others are ' +
    'under way flushes, too.',
  fix: '99baac21e458',
  versions: '4.x, until 4.13',
  bounds: '2 CPUs, 1 process, 1 page, 3 operations',
  scenario: (isBroken) =>
    race(
      [discarding, advising(PAGE, PAGE + 1, MADV.DONTNEED, 'MADV_DONTNEED')],
      { mapped: [[PAGE, PAGE + 1]], touched: [PAGE] },
      { noNestedFlush: isBroken },
    ),
};
