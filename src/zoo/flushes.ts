/** Flushes that reach too few CPUs, or too little of what they hold. */
import type { Program } from '../check/index.ts';
import { enterLazyTlb, load, newProcess, run, switchMm, taskOn } from '../mm/index.ts';
import { MADV } from '../uapi/mman.ts';
import type { ZooEntry } from './entry.ts';
import { asProcess, FIRST, sharing, unmapAll, zap } from './hugetlb_machine.ts';
import { advising, PAGE, race, SMALL_TABLE_PAGES, SMALL_TABLES } from './small_machine.ts';

/** Comes from another process. */
const switchingAndLoading: Program = {
  name: 'switch_mm, load',
  mm: 1,
  *run({ machine, cpu }) {
    yield* switchMm(machine, cpu, 0);
    yield* load(taskOn(machine, cpu, 0), PAGE);
  },
};

export const flushSkipsSwitching: ZooEntry = {
  id: 'C10',
  aliases: ['CVE-2025-37964', 'fea4e317f9e7'],
  title: 'A flush passes over a CPU that is just switching to the address space',
  bug: 'flushSkipsSwitching',
  properties: ['P-UAF-PAGE'],
  actors: ['madvise(MADV_DONTNEED) of a page', 'a switch to the process, a load'],
  story:
    'A CPU that switches to another address space enters its mask first, then loads the root of its ' +
    'tables, and says last that it runs it. Who flushes asks the CPUs of the mask only if they run the ' +
    'address space: one in between has said no yet, and already holds translations. The page is freed ' +
    'while that CPU reads it. The mend: a CPU that says that it is switching is asked, too.',
  fix: 'fea4e317f9e7',
  versions: '6.14',
  bounds: '2 CPUs, 2 processes, 1 page, 2 operations, one switch',
  scenario: (isBroken) =>
    race(
      [advising(PAGE, PAGE + 1, MADV.DONTNEED, 'madvise(MADV_DONTNEED)'), switchingAndLoading],
      { mapped: [[PAGE, PAGE + 2]], touched: [PAGE], mms: 2, tables: 16, switches: true },
      { flushSkipsSwitching: isBroken },
      (task) => {
        run(newProcess(task.machine, 1));
        run(switchMm(task.machine, 1, 1));
      },
    ),
};

/** A kernel thread runs where the process has run last. */
const idling: Program = {
  name: 'enter_lazy_tlb',
  run: ({ machine, cpu }) => enterLazyTlb(machine, cpu),
};

export const collapseFlushesLeavesOnly: ZooEntry = {
  id: 'A20',
  aliases: ['CVE-2025-22045', '3ef938c3503f'],
  title: 'A collapse frees a table that lazy CPUs may still walk',
  bug: 'collapseFlushesLeavesOnly',
  properties: ['P-UAF-PT'],
  actors: ['MADV_COLLAPSE of a part of a file', 'a kernel thread, in the address space lazily'],
  story:
    'A CPU that runs a kernel thread keeps the tables of its last process, and is left alone by flushes: ' +
    'it makes no access there, and will flush when it comes back. But it may walk the tables to ' +
    'speculate, so it is asked if tables are freed. On x86 the function that a collapse calls ' +
    '(flush_tlb_range()) said that none are: a table goes while hardware may still walk it. The mend: ' +
    'it always says that tables are freed.',
  fix: '3ef938c3503f',
  versions: 'until 6.14, x86',
  bounds: '2 CPUs, 1 process, 1 page, 2 operations, tables of 32 entries',
  scenario: (isBroken) =>
    race(
      [advising(PAGE, PAGE + SMALL_TABLE_PAGES, MADV.COLLAPSE, 'MADV_COLLAPSE'), idling],
      {
        ...SMALL_TABLES,
        mapped: [],
        shared: [[PAGE, PAGE + SMALL_TABLE_PAGES]],
        touched: [PAGE],
        frames: 128,
        switches: true,
      },
      { collapseFlushesLeavesOnly: isBroken },
      (task) => {
        for (const cpu of [0, 1]) run(switchMm(task.machine, cpu, 0));
      },
    ),
};

const givingUp: Program = { name: 'madvise', run: (task) => zap(task, FIRST) };
const unmapping: Program = { name: 'munmap', mm: 1, run: unmapAll };

export const unshareFlushesLeavesOnly: ZooEntry = {
  id: 'A19',
  aliases: ['c2ff4764e03e'],
  title: 'A shared table is given up, and walk caches go on leading to it',
  bug: 'unshareFlushesLeavesOnly',
  properties: ['P-UAF-PT'],
  actors: [
    'madvise(MADV_DONTNEED) of a huge page, so that its table is given up',
    'munmap() of the file in the other process, which frees the table',
  ],
  story:
    'Giving up a shared table clears one entry far above the pages. Since tables that are given up are ' +
    'flushed in batches (A18), arm64 invalidated only what TLBs know of the last level: walk caches ' +
    'went on leading from the entry that is gone to the table, which belongs to the other process. It ' +
    'frees the table while CPUs of the first one may walk it. The mend: tell the flush that a table was ' +
    'unlinked.',
  fix: 'c2ff4764e03e',
  versions: '6.19 to 7.0, and older ones that have the same change; arm64',
  bounds: '2 CPUs, 2 processes, 1 huge page, 2 operations, flushes by broadcast',
  scenario: (isBroken) =>
    sharing([givingUp, unmapping], { unshareFlushesLeavesOnly: isBroken }, false, {
      flush: 'broadcast',
    }),
};

const givingUpAndFreeing: Program = {
  name: 'madvise in process 0, munmap in process 1',
  *run(task) {
    yield* zap(task, FIRST);
    yield* unmapAll(asProcess(task, 1));
  },
};

export const lazyCpusKeepShared: ZooEntry = {
  id: 'A20b',
  aliases: ['lazy-cpus-keep-shared-tables'],
  title: 'A shared table is given up, and lazy CPUs may still walk it',
  bug: 'unshareFlushesLeavesOnly',
  properties: ['P-UAF-PT'],
  actors: [
    'madvise(MADV_DONTNEED) of a huge page, so that its table is given up; munmap() of the file in ' +
      'the other process, which frees the table',
    'a kernel thread, in the address space lazily',
  ],
  story:
    'What mended A19 for arm64 is not looked at by the flush of x86, which asks whether tables were freed ' +
    'and not whether they were given up. Lazy CPUs are left alone (A20), and the other process, now ' +
    'alone, frees the table. The interrupt that waits for lockless walkers reaches them, and flushes ' +
    'nothing. That the kernel has this is read from its source; that it can be reached is what this ' +
    'search says, if hardware keeps, or makes, walk-cache entries while a kernel thread runs. Nobody ' +
    'seems to have reported it. With the flush of other freed tables it is verified.',
  fix: undefined,
  versions: '6.19, x86: latent',
  bounds: '2 CPUs, 2 processes, 1 huge page, 3 operations, unsharing as in Linux 6.19',
  scenario: (isBroken) =>
    sharing([givingUpAndFreeing, idling], { unshareFlushesLeavesOnly: isBroken }, false, {
      hugetlbUnshare: '6.19',
      switches: true,
    }),
};
