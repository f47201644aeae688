/** fork(2): pages become common, and nobody may go on as if they were not. */
import type { Program } from '../check/index.ts';
import { fork, gupFast, load, NONE, store, unpin, violate } from '../mm/index.ts';
import type { ZooEntry } from './entry.ts';
import { PAGE, race, readFrame, storing, WRITING_AND_READING } from './small_machine.ts';

const PROCESSES = { mms: 2, frames: 24, tables: 16 };

/** Forks; what the child reads is what was there at the fork, whatever the parent writes later. */
const forking: Program = {
  name: 'fork, load in the child twice',
  *run(task) {
    const child = yield* fork(task, task.cpu);
    if (typeof child === 'number') return;
    const before = yield* load(child, PAGE);
    const after = yield* load(child, PAGE);
    if (before !== after) violate(task.machine, 'P-COW');
  },
};

export const forkWithoutFlush: ZooEntry = {
  id: 'M5',
  aliases: ['fork-without-flush'],
  title: 'fork() write-protects and does not flush before the mmap lock is dropped',
  bug: 'forkWithoutFlush',
  properties: ['P-COW', 'P-DATA', 'P-UAF-PAGE', 'P-TLB'],
  actors: ['fork(), then two loads in the child', 'a store in the parent'],
  story:
    'fork() takes the right to write from the entries of the parent. Until every CPU has flushed, a ' +
    'thread of the parent can still write through its TLB, to a page that the child sees.',
  fix: undefined,
  versions: 'none',
  bounds: '2 CPUs, 2 processes, 1 page, 3 operations',
  scenario: (isBroken) =>
    race(
      [forking, storing(PAGE, 7)],
      { mapped: [[PAGE, PAGE + 1]], touched: [PAGE], ...PROCESSES },
      { forkWithoutFlush: isBroken },
    ),
};

/** Pins the page for a device, which must see what the process writes. */
const pinningToRead: Program = {
  name: 'pin, store, read by a device',
  *run(task) {
    const frame = yield* gupFast(task, PAGE, true, true);
    if (frame === NONE) return;
    yield* store(task, PAGE, 7);
    const seen = yield* readFrame(task.machine, frame);
    if (seen !== 7) violate(task.machine, 'P-COW');
    yield* unpin(task, frame, true);
  },
};

const forkingOnly: Program = { name: 'fork', run: (task) => fork(task, task.cpu) };

export const pinAgainstFork: ZooEntry = {
  id: 'B11',
  aliases: ['57efa1fe5957'],
  title: 'GUP-fast pins a page that fork() is just making common',
  bug: 'pinWithoutWriteProtectSeq',
  properties: ['P-COW', 'P-DATA', 'P-COUNT'],
  actors: ['fork()', 'GUP-fast with FOLL_PIN, a store, a read by the device'],
  story:
    'fork() decides that a page is not pinned and shares it. GUP-fast has read the entry before and ' +
    'takes its pin after the decision: the next write of the parent copies the page, and the device ' +
    'goes on with the other one. The mend is a sequence count around the copying ' +
    '(mm->write_protect_seq), which a fast pin checks.',
  fix: '57efa1fe5957',
  versions: '2.6 to 5.10',
  bounds: '2 CPUs, 2 processes, 1 page, 4 operations',
  scenario: (isBroken) =>
    race(
      [forkingOnly, pinningToRead],
      { mapped: [[PAGE, PAGE + 1]], touched: [PAGE], ...PROCESSES },
      { pinWithoutWriteProtectSeq: isBroken },
    ),
};

export const forkWithoutVmaLocks: ZooEntry = {
  id: 'B12',
  aliases: ['fb49c455323f'],
  title: 'fork() copies while faults under VMA locks go on',
  bug: 'forkWithoutVmaLocks',
  properties: ['P-COW', 'P-DATA', 'P-COUNT'],
  actors: [
    'fork()',
    'a store to a page',
    'a write to the page by a third thread, with page faults off, and a read',
  ],
  story:
    'fork() takes the right to write from the entries of the parent, and flushes when all are copied. ' +
    'It holds the mmap lock, but faults take the lock of their VMA only since 6.4. A fault in between ' +
    'finds the page read-only, copies it, and lets the entry map the copy, while another thread still ' +
    'writes to the original through its TLB: what it writes after the copying is lost. The mend: lock ' +
    'all VMAs of the parent before they are copied.',
  fix: 'fb49c455323f',
  versions: '6.4-rc, before 6.5',
  bounds: '3 CPUs, 2 processes, 1 page, 4 operations, flushes by broadcast',
  scenario: (isBroken) =>
    race(
      [forkingOnly, storing(PAGE, 7), WRITING_AND_READING],
      { mapped: [[PAGE, PAGE + 1]], touched: [PAGE], ...PROCESSES, flush: 'broadcast' },
      { forkWithoutVmaLocks: isBroken },
    ),
};
