/** What msync(2) writes; what it refuses is told by rules that the kernel has confirmed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatById } from '../../arch/index.ts';
import { ENOMEM } from '../../uapi/errno.ts';
import type { Design } from '../design/design.ts';
import {
  audit,
  headOf,
  load,
  Machine,
  mmap,
  msync,
  Notify,
  newInode,
  newProcess,
  notifierRegister,
  run,
  store,
  storeNofault,
  type Task,
  violationOf,
} from '../index.ts';

const PAGE_BYTES = 4096;
const PAGES = 48;
const PRIVATE_FIXED = 0x12;
const SHARED_FIXED = 0x11;
const MS = { ASYNC: 1, SYNC: 4 } as const;
/** Where the file is mapped: private, shared, and shared once more. */
const [OWN, HERE, THERE] = [16, 64, 128];

/** A file on a disk that is mapped three times; `heard` gets what secondary MMUs are told. */
function mapped(heard: string[] = []): Task {
  const listener: Design = {
    name: 'listener',
    notifier: {
      // biome-ignore lint/correctness/useYield: it only listens
      *rangeStart(_place, _subscription, { start, end, event }) {
        heard.push(`${start} to ${end}: ${event}`);
        return true;
      },
    },
  };
  const size = { format: formatById('x86_64-4level')!, frames: 256, readAheadPages: 32 };
  const machine = new Machine(size, {}, [listener]);
  const task = run(newProcess(machine, 0))!;
  const inode = newInode(machine, 0, { fileSystem: 'ext4', bytes: PAGES * PAGE_BYTES });
  const rights = { isReadable: true, isWritable: true, isExecutable: false };
  const file = { mapped: { inode }, ...rights, pagesMax: 2 ** 32 };
  for (const [page, flags] of [
    [OWN, PRIVATE_FIXED],
    [HERE, SHARED_FIXED],
    [THERE, SHARED_FIXED],
  ] as const) {
    const address = page * PAGE_BYTES;
    run(mmap(task, { address, length: PAGES * PAGE_BYTES, prot: 3, flags, file, offset: 0 }));
  }
  run(notifierRegister(task, { design: listener.name, id: 0 }));
  return task;
}

function sync(task: Task, page: number, pages: number, flags: number = MS.SYNC): number {
  const result = run(msync(task, page * PAGE_BYTES, pages * PAGE_BYTES, flags));
  audit(task.machine);
  assert.equal(violationOf(task.machine), undefined);
  return result;
}

const onDisk = ({ machine }: Task): [number, number][] => [...machine.inodes.all()[0]!.disk];

test('what was written to pages of the range, by any mapping, is on the disk then', () => {
  const task = mapped();
  run(store(task, THERE + 1, 7));
  run(store(task, THERE + 6, 8));
  assert.equal(sync(task, HERE, 4), 0);
  assert.deepEqual(onDisk(task), [[1, 7]]);
  assert.equal(run(storeNofault(task, THERE + 1, 9)), false, 'nobody writes unnoticed');
  assert.equal(run(storeNofault(task, THERE + 6, 9)), true);
  run(store(task, THERE + 1, 10));
  assert.equal(sync(task, HERE, PAGES), 0);
  assert.deepEqual(onDisk(task), [
    [1, 10],
    [6, 9],
  ]);
});

test('a folio of several pages is written as a whole', () => {
  const task = mapped();
  for (let page = 0; page < PAGES; page++) assert.equal(run(load(task, HERE + page)), 0);
  const folio = [40, 41, 42, 43];
  const { pages } = task.machine.inodes.all()[0]!;
  const heads = folio.map((index) => headOf(task.machine, pages.get(index)));
  assert.equal(new Set(heads).size, 1, 'they were read ahead together');
  run(store(task, HERE + 41, 7));
  run(store(task, HERE + 43, 8));
  assert.equal(sync(task, HERE + 40, 1), 0);
  assert.deepEqual(
    onDisk(task),
    [0, 7, 0, 8].map((word, at) => [folio[at], word]),
  );
  assert.equal(run(storeNofault(task, HERE + 43, 9)), false);
});

test('secondary MMUs are told of the pages that lose the right to write, where they are shared', () => {
  const heard: string[] = [];
  const task = mapped(heard);
  run(store(task, HERE + 2, 7));
  heard.length = 0;
  assert.equal(sync(task, THERE, PAGES), 0);
  assert.deepEqual(
    heard,
    [HERE, THERE].map((at) => `${at + 2} to ${at + 3}: ${Notify.PROTECTION_PAGE}`),
  );
  heard.length = 0;
  assert.equal(sync(task, THERE, PAGES), 0);
  assert.deepEqual(heard, [], 'what is clean is left alone');
});

test('nothing is written at once of what is private, nor with MS_ASYNC', () => {
  const task = mapped();
  run(store(task, HERE, 7));
  assert.equal(sync(task, OWN, PAGES), 0);
  assert.equal(sync(task, HERE, PAGES, MS.ASYNC), 0);
  assert.deepEqual(onDisk(task), []);
});

test('what lies behind a hole is written, and the hole is reported', () => {
  const task = mapped();
  run(store(task, THERE + 1, 7));
  assert.equal(sync(task, HERE + PAGES, THERE - HERE), ENOMEM);
  assert.deepEqual(onDisk(task), [[1, 7]]);
});
