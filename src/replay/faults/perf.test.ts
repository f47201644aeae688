import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LineError } from '../replay_error.ts';
import { readFaultLine } from './line.ts';

const WHO = '       a b-c 25315 [000] 48906.213525: ';
const CODE =
  '[0x556a83013000(0x1000) @ 0x1000 fe:00 2500417 2429178850]: r-xp /tmp/a file (deleted)';

test('mappings of perf are read with the number of the inode, or the build id in its place', () => {
  const mapping = {
    ...{ start: 0x556a83013, end: 0x556a83014, protection: 5, shared: false, offset: 1 },
    name: '/tmp/a file',
  };
  assert.deepEqual(readFaultLine(`${WHO}PERF_RECORD_MMAP2 25315/25316: ${CODE}`), {
    kind: 'mapped',
    pid: 25316,
    mapping: { ...mapping, inode: '2500417' },
  });
  const built = CODE.replace(/fe:00[^\]]*/, '<0123456789abcdef0123456789abcdef01234567>');
  assert.deepEqual(readFaultLine(`python3 7/7 4.816926: PERF_RECORD_MMAP2 7/7: ${built}`), {
    kind: 'mapped',
    pid: 7,
    mapping: { ...mapping, inode: '0' },
  });
  const anonymous = '[0x7f0000000000(0x2000) @ 0x7f0000000000 00:00 0 0]: rw-s //anon';
  const read = readFaultLine(`${WHO}PERF_RECORD_MMAP2 7/7: ${anonymous}`);
  assert.ok(read?.kind === 'mapped');
  assert.deepEqual([read.mapping.name, read.mapping.shared], ['', true]);
});

test('processes of perf start, fork and end', () => {
  const read = (text: string) => readFaultLine(`${WHO}PERF_RECORD_${text}`);
  assert.deepEqual(read('COMM exec: a b:7/8'), { kind: 'started', pid: 8 });
  assert.deepEqual(read('COMM: a b:7/8'), { kind: 'other', pid: 25315 });
  const forked = { kind: 'forked', pid: 8 };
  assert.deepEqual(read('FORK(8:8):(7:9)'), { ...forked, parent: 9, isThread: false });
  assert.deepEqual(read('FORK(7:8):(7:9)'), { ...forked, parent: 9, isThread: true });
  assert.deepEqual(read('EXIT(7:8):(7:9)'), { kind: 'ended', pid: 8 });
  assert.deepEqual(read('LOST lost 1'), { kind: 'other', pid: 25315 });
});

test('munmap() is read as perf prints its tracepoint', () => {
  assert.deepEqual(
    readFaultLine(`${WHO}   syscalls:sys_enter_munmap: addr: 0x7f27a209f000, len: 0x0000a093`),
    { kind: 'unmapped', pid: 25315, address: 0x7f27a209f000, length: 0xa093 },
  );
});

test('records of perf that are damaged are refused', () => {
  for (const text of [
    'MMAP2 7/7: nothing',
    `MMAP2 7/7: ${CODE.replace('0x556a83013000', '0xfffff00000000000')}`,
    `MMAP2 7/7: ${CODE.replace('(0x1000)', '(0x0)')}`,
    `MMAP2 7/7: ${CODE.replace('(0x1000)', '(0x123)')}`,
    'FORK(8:8)',
    'EXIT()',
  ]) {
    assert.throws(() => readFaultLine(`${WHO}PERF_RECORD_${text}`), LineError, text);
  }
});
