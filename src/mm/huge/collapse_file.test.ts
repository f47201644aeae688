/** MADV_COLLAPSE of memory that is a file. Facts: kernel 6.18, measured. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OneProcess, PAGE_BYTES, PROT, TABLE } from '../../../test/mm/one_process.ts';
import { MADV } from '../../uapi/mman.ts';
import { fallocateFile } from '../file/fallocate.ts';
import { setSize } from '../file/truncate.ts';
import { EINVAL, fork, load, madvise, mincore, mprotect, run, store, type Task } from '../index.ts';
import { Rss } from '../vma/mm.ts';

const START = 16 * TABLE;

/** A process with 4 MiB of shared memory, three pages of it written to. */
function newProcess(): OneProcess {
  const process = new OneProcess({ frames: 8192, mms: 2 });
  process.map(START, 2 * TABLE, PROT.READ | PROT.WRITE, 'shared');
  process.fill(START, 3);
  return process;
}

const shmem = ({ mm }: Task): number => mm.rss[Rss.SHMEM]!;

function collapse(process: OneProcess, task = process.task, pages = TABLE): number {
  return process.call(madvise(task, START * PAGE_BYTES, pages * PAGE_BYTES, MADV.COLLAPSE));
}

function forked({ task }: OneProcess): Task {
  const child = run(fork(task, 0));
  assert.ok(typeof child !== 'number', 'memory is enough');
  return child;
}

test('the pages and the holes between them become one huge page, and the table goes', () => {
  const process = newProcess();
  const { tables } = process;
  assert.equal(collapse(process), 0);
  assert.equal(process.tables, tables - 1);
  assert.equal(shmem(process.task), TABLE);
  assert.deepEqual(
    [START, START + 2, START + 9].map((page) => process.load(page)),
    [START, START + 2, 0],
  );
  const resident = new Uint8Array(TABLE);
  run(mincore(process.task, START * PAGE_BYTES, TABLE * PAGE_BYTES, resident));
  assert.ok(resident.every((byte) => byte === 1));
  assert.equal(collapse(process), 0, 'once more');
});

test('others lose their tables as well; a touch maps the huge page', () => {
  const process = newProcess();
  const child = forked(process);
  assert.equal(run(load(child, START)), START);
  const { tables } = child.mm;
  assert.equal(collapse(process), 0);
  assert.equal(child.mm.tables, tables - 1);
  assert.equal(shmem(child), 0);
  assert.equal(run(load(child, START + 2)), START + 2);
  assert.equal(shmem(child), TABLE);
  assert.equal(child.mm.tables, tables - 1);
  process.check();
});

test('fork copies nothing of it', () => {
  const process = newProcess();
  assert.equal(collapse(process), 0);
  assert.equal(shmem(forked(process)), 0);
  process.check();
});

test('where there is nothing of the file, nothing is collapsed', () => {
  const process = newProcess();
  assert.equal(collapse(process, process.task, 2 * TABLE), EINVAL);
  assert.equal(shmem(process.task), TABLE, 'the first part is done');
});

test('with MADV_NOHUGEPAGE it is mapped whole by small entries', () => {
  const process = newProcess();
  const child = forked(process);
  process.call(madvise(child, START * PAGE_BYTES, 2 * TABLE * PAGE_BYTES, MADV.NOHUGEPAGE));
  assert.equal(collapse(process), 0);
  const { tables } = child.mm;
  assert.equal(run(store(child, START + 7, 9)), 0);
  assert.equal(shmem(child), TABLE);
  assert.equal(child.mm.tables, tables + 3, 'there was none');
  assert.equal(process.load(START + 7), 9);
  process.check();
});

test('mprotect of a part drops the entry, and leaves no table until a touch', () => {
  const process = newProcess();
  assert.equal(collapse(process), 0);
  const { tables } = process;
  assert.equal(process.call(mprotect(process.task, START * PAGE_BYTES, PAGE_BYTES, PROT.READ)), 0);
  assert.equal(shmem(process.task), 0);
  assert.equal(process.tables, tables);
  assert.equal(process.load(START + 5), 0);
  assert.equal(shmem(process.task), 16, 'a window of fault-around, cut at the VMA');
  assert.equal(process.tables, tables + 1);
});

test('a hole of one page splits the folio like a block of the buddy system', () => {
  const process = newProcess();
  assert.equal(collapse(process), 0);
  const [inode] = process.task.machine.inodes.all();
  const file = { mapped: { inode: inode! }, isReadable: true, isWritable: true };
  const open = { ...file, isExecutable: false, pagesMax: 2 ** 32 };
  assert.equal(process.call(fallocateFile(process.task, open, 3, 3 * PAGE_BYTES, PAGE_BYTES)), 0);
  assert.equal(shmem(process.task), 0);
  assert.equal(inode!.pages.size, TABLE - 1);
  assert.equal(run(store(process.task, START + 0x45, 1)), 0);
  assert.equal(shmem(process.task), 64, 'all of the folio of order 6');
  assert.equal(process.load(START + 0x100), 0);
  assert.equal(shmem(process.task), 64 + 256, 'all of the folio of order 8');
  assert.equal(process.load(START), START);
  assert.equal(collapse(process), 0, 'and they collapse again');
  assert.equal(process.load(START + 0x45), 1);
});

test('cutting the file splits it, and drops what lies behind the end', () => {
  const process = newProcess();
  assert.equal(collapse(process), 0);
  const [inode] = process.task.machine.inodes.all();
  run(setSize(process.task, inode!, 4 * PAGE_BYTES + 100));
  process.check();
  assert.equal(inode!.pages.size, 5);
  assert.equal(shmem(process.task), 0);
  assert.equal(process.load(START + 2), START + 2);
  run(setSize(process.task, inode!, 0));
  assert.equal(inode!.pages.size, 0);
  process.check();
});
