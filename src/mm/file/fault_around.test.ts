/** What a read behind the end of a file maps. Facts: kernel 6.18, measured. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OneProcess, PAGE_BYTES, PROT, TABLE } from '../../../test/mm/one_process.ts';
import { Fault, mmap, newInode, Rss, run, writeFile } from '../index.ts';
import type { FileSystem } from './inode.ts';

const START = 16 * TABLE;
const MAP = { SHARED: 0x1, FIXED: 0x10 } as const;

/**
 * Reads the page behind the end of a file of `pages` pages, all in memory, perhaps after its first one.
 *
 * @returns how many are mapped
 */
function mappedAround(fileSystem: FileSystem, pages: number, isFirstRead = false): number {
  const process = new OneProcess();
  const { task } = process;
  const inode = newInode(task.machine, 0, { fileSystem });
  const access = { isReadable: true, isWritable: true, isExecutable: true, pagesMax: 2 ** 32 };
  const file = { mapped: { inode }, ...access };
  run(writeFile(task, file, 0, pages * PAGE_BYTES, 1));
  const call = { address: START * PAGE_BYTES, length: TABLE * PAGE_BYTES, prot: PROT.READ, file };
  run(mmap(task, { ...call, flags: MAP.SHARED | MAP.FIXED, offset: 0 }));
  if (isFirstRead) assert.equal(process.load(START), 1);
  assert.equal(process.load(START + pages), -1 - Fault.SIGBUS);
  return task.mm.rss[Rss.FILE]! + task.mm.rss[Rss.SHMEM]!;
}

test('a read behind the end maps what is in memory before it', () => {
  assert.equal(mappedAround('ext4', 3), 3);
  assert.equal(mappedAround('tmpfs', 3), 3);
  assert.equal(mappedAround('ext4', 18), 2);
});

test('no table is made for the last page of a file on a disk', () => {
  assert.equal(mappedAround('ext4', 1), 0);
  assert.equal(mappedAround('ext4', 17), 0);
  assert.equal(mappedAround('ext4', 17, true), 17);
  assert.equal(mappedAround('tmpfs', 1), 1);
});
