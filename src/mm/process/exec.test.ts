/** Address spaces at the first instruction of a program, as /proc of kernel 6.18 shows them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newWorld } from '../../../test/mm/small_world.ts';
import { newInode } from '../file/inode.ts';
import * as mm from '../index.ts';

const MIB = 2 ** 20;
const [R, RW, RX] = [1, 3, 5];

/** PT_LOADs as `readelf -lW` shows them: offset, address, size in the file and in memory, rights. */
type Row = readonly [number, number, number, number, number];

const CAT: readonly Row[] = [
  [0, 0, 0x1720, 0x1720, R],
  [0x2000, 0x2000, 0x4da9, 0x4da9, RX],
  [0x7000, 0x7000, 0x20e8, 0x20e8, R],
  [0x9c30, 0xac30, 0x650, 0x7e8, RW],
];
const LINKER: readonly Row[] = [
  [0, 0, 0xd58, 0xd58, R],
  [0x1000, 0x1000, 0x25111, 0x25111, RX],
  [0x27000, 0x27000, 0x9c7c, 0x9c7c, R],
  [0x31900, 0x31900, 0x2810, 0x29d8, RW],
];
const STATIC: readonly Row[] = [
  [0, 0x400000, 0x518, 0x518, R],
  [0x1000, 0x401000, 0x77b01, 0x77b01, RX],
  [0x79000, 0x479000, 0x26f46, 0x26f46, R],
  [0xa06d8, 0x4a06d8, 0x8a98, 0x130e8, RW],
];
const STATIC_PIE: readonly Row[] = [
  [0, 0, 0x8020, 0x8020, R],
  [0x9000, 0x9000, 0x78b41, 0x78b41, RX],
  [0x82000, 0x82000, 0x291ce, 0x291ce, R],
  [0xab518, 0xac518, 0x8c58, 0x13268, RW],
];

function image(machine: mm.Machine, rows: readonly Row[], isPositionIndependent = true): mm.Image {
  const bytes = Math.max(...rows.map(([offset, , fileBytes]) => offset + fileBytes));
  const inode = newInode(machine, 0, { fileSystem: 'ext4', bytes });
  const file = {
    mapped: { inode },
    isReadable: true,
    isWritable: false,
    isExecutable: true,
    pagesMax: 2 ** 32,
  };
  const segments = rows.map(([offset, address, fileBytes, memoryBytes, prot]) => {
    return { offset, address, fileBytes, memoryBytes, prot };
  });
  return { file, isPositionIndependent, segments };
}

function executed(isPie: boolean, rows: readonly Row[], linker?: readonly Row[]): mm.Task {
  const machine = newWorld(mm, { mms: 2, frames: 1024, tables: 60, vmas: 64, inodes: 8 });
  const program = image(machine, rows, isPie);
  const interpreter = linker && image(machine, linker);
  const call = { image: program, interpreter, argumentPages: 1, stackLimit: 8 * MIB };
  const task = mm.run(mm.execve(mm.taskOn(machine, 0, 0), call));
  assert.ok(typeof task !== 'number', 'memory is enough');
  mm.audit(machine);
  assert.equal(mm.violationOf(machine), undefined);
  assert.deepEqual(machine.mms.all(), [task.mm], 'the old address space is gone');
  return task;
}

/** As in /proc/PID/maps: without names, offsets of files only. */
const maps = ({ mm: { vmas } }: mm.Task): string[] =>
  vmas.all().map(({ start, end, flags, file, pgoff }) => {
    const letter = (bit: number, name: string): string => (flags & bit ? name : '-');
    const rights = letter(1, 'r') + letter(2, 'w') + letter(4, 'x');
    const hex = (pages: number): string => (pages * 4096).toString(16);
    return `${hex(start)}-${hex(end)} ${rights} ${hex(file ? pgoff : 0)}`;
  });

test('a program with a dynamic linker', () => {
  const task = executed(true, CAT, LINKER);
  assert.deepEqual(maps(task), [
    '555555554000-555555556000 r-- 0',
    '555555556000-55555555b000 r-x 2000',
    '55555555b000-55555555e000 r-- 7000',
    '55555555e000-555555560000 rw- 9000',
    '7ffff7fc2000-7ffff7fc6000 r-- 0',
    '7ffff7fc6000-7ffff7fc8000 r-- 0',
    '7ffff7fc8000-7ffff7fca000 r-x 0',
    '7ffff7fca000-7ffff7fcb000 r-- 0',
    '7ffff7fcb000-7ffff7ff1000 r-x 1000',
    '7ffff7ff1000-7ffff7ffb000 r-- 27000',
    '7ffff7ffb000-7ffff7fff000 rw- 31000',
    '7ffffffde000-7ffffffff000 rw- 0',
  ]);
  // RssAnon 12 kB, RssFile 0 kB, VmPTE 28 kB; the heap starts at 0x555555560000.
  assert.deepEqual([...task.mm.rss], [0, 3, 0, 0]);
  assert.equal(task.mm.tables, 7);
  assert.equal(mm.run(mm.brk(task, 0)), 0x555555560000);
});

test('a static program', () => {
  const task = executed(false, STATIC);
  assert.deepEqual(maps(task), [
    '400000-401000 r-- 0',
    '401000-479000 r-x 1000',
    '479000-4a0000 r-- 79000',
    '4a0000-4aa000 rw- a0000',
    '4aa000-4b4000 rw- 0',
    '7ffff7ff7000-7ffff7ffb000 r-- 0',
    '7ffff7ffb000-7ffff7ffd000 r-- 0',
    '7ffff7ffd000-7ffff7fff000 r-x 0',
    '7ffffffde000-7ffffffff000 rw- 0',
  ]);
  assert.deepEqual([...task.mm.rss], [0, 2, 0, 0]);
  assert.equal(task.mm.tables, 6);
});

test('a static program that can be anywhere', () => {
  const task = executed(true, STATIC_PIE);
  assert.deepEqual(maps(task), [
    '7ffff7f37000-7ffff7f3b000 r-- 0',
    '7ffff7f3b000-7ffff7f3d000 r-- 0',
    '7ffff7f3d000-7ffff7f3f000 r-x 0',
    '7ffff7f3f000-7ffff7f48000 r-- 0',
    '7ffff7f48000-7ffff7fc1000 r-x 9000',
    '7ffff7fc1000-7ffff7feb000 r-- 82000',
    '7ffff7feb000-7ffff7ff5000 rw- ab000',
    '7ffff7ff5000-7ffff7fff000 rw- 0',
    '7ffffffde000-7ffffffff000 rw- 0',
  ]);
  assert.deepEqual([...task.mm.rss], [0, 2, 0, 0]);
  assert.equal(task.mm.tables, 4);
});

test('mappings end where the stack may grow down to', () => {
  const kibibytes = [100, 8192, 131072, 1048576, Number.POSITIVE_INFINITY];
  assert.deepEqual(
    kibibytes.map((limit) => (mm.mmapBase(limit * 1024) * 4096).toString(16)),
    ['7ffff7fff000', '7ffff7fff000', '7ffff7eff000', '7fffbfeff000', '155555556000'],
  );
});
