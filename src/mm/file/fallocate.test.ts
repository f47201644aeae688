/** What fallocate(2) leaves of a file: in memory, with room for all of it and without; on a disk. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OneProcess, PAGE_BYTES } from '../../../test/mm/one_process.ts';
import {
  audit,
  fallocate,
  type Inode,
  newInode,
  type OpenFile,
  run,
  violationOf,
} from '../index.ts';
import { FrameFlag } from '../world/world.ts';

const KEEP_SIZE = 1;
const ZERO_RANGE = 16;
const ENOMEM = -12;
const FRAMES = 256;

/** An empty file, whose pages are all allocated for later. */
class Allocated extends OneProcess {
  readonly inode: Inode;
  readonly #file: OpenFile;

  constructor() {
    super({ frames: FRAMES });
    this.inode = newInode(this.task.machine, 0, { fileSystem: 'tmpfs' });
    const access = { isReadable: true, isWritable: true, isExecutable: false, pagesMax: 2 ** 32 };
    this.#file = { mapped: { inode: this.inode }, ...access };
  }

  allocate(start: number, end: number): number {
    const length = (end - start) * PAGE_BYTES;
    return this.call(fallocate(this.task, this.#file, KEEP_SIZE, start * PAGE_BYTES, length));
  }

  /** Which pages there are, those that hold something in brackets. */
  get pages(): string {
    const { machine } = this.task;
    const describe = (index: number): string => {
      const flags = machine.frameFlags[this.inode.pages.get(index)]!;
      return (flags & FrameFlag.UPTODATE) === 0 ? `${index}` : `[${index}]`;
    };
    return this.inode.pages.within(0, Number.POSITIVE_INFINITY).map(describe).join(' ');
  }
}

test('pages that are allocated once more are cleared, the others hold nothing', () => {
  const file = new Allocated();
  assert.equal(file.allocate(0, 4), 0);
  assert.equal(file.allocate(2, 6), 0);
  assert.equal(file.pages, '0 1 [2] [3] 4 5');
});

test('where memory does not suffice for all, what an earlier call has made stays alone', () => {
  const file = new Allocated();
  assert.equal(file.allocate(3, 5), 0);
  assert.equal(file.allocate(0, FRAMES), ENOMEM);
  assert.equal(file.pages, '[3] [4]');
  assert.equal(file.inode.allocatedEnd, 5);
  assert.equal(file.allocate(0, 2), 0, 'the rest is free again');
});

test('a page behind what was allocated is found by an audit', () => {
  const file = new Allocated();
  assert.equal(file.allocate(0, 4), 0);
  file.inode.allocatedEnd = 3;
  audit(file.task.machine);
  assert.equal(violationOf(file.task.machine), 'P-COUNT');
});

test('the end of a range of zeroes in a page that the disk has is still to be written there', () => {
  const { task } = new OneProcess();
  const inode = newInode(task.machine, 0, { fileSystem: 'ext4', bytes: 2 * PAGE_BYTES });
  inode.disk.set(1, 7);
  const access = { isReadable: true, isWritable: true, isExecutable: false, pagesMax: 2 ** 32 };
  const file = { mapped: { inode }, ...access };
  assert.equal(run(fallocate(task, file, ZERO_RANGE, 0, PAGE_BYTES + 100)), 0);
  audit(task.machine);
  assert.equal(violationOf(task.machine), undefined);
  const frame = inode.pages.get(1);
  assert.equal(task.machine.frameData[frame], 0);
  assert.notEqual(task.machine.frameFlags[frame]! & FrameFlag.DIRTY, 0);
});
