import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LineError } from '../replay_error.ts';
import { readLine } from './line.ts';
import { splitCall } from './split.ts';
import { descriptorOf, numberOf, resultOf, stringOf } from './values.ts';

/** Beginnings of lines as strace(1) shows them, and the process that they say. */
const PREFIXES: readonly (readonly [string, number])[] = [
  ['', 0],
  ['28772 ', 28772],
  ['[pid 28772] ', 28772],
  ['[pid   772] ', 772],
  ['28772<cat> ', 28772],
  ['1795222373.108446 ', 0],
  ['10556 1795222373.108446 ', 10556],
  ['10556 12:34:56 ', 10556],
  ['10556 12:34:56.108446 ', 10556],
  ['     0.000123 ', 0],
];

for (const [prefix, pid] of PREFIXES) {
  test(`a line may begin with "${prefix}"`, () => {
    const expected = { kind: 'call', pid, name: 'brk', text: 'NULL) = 0x55d0e8a5b000' };
    assert.deepEqual(readLine(`${prefix}brk(NULL) = 0x55d0e8a5b000`), expected);
  });
}

test('a call that is interrupted by others is two lines', () => {
  assert.deepEqual(readLine('28772 select(4, [3], NULL, NULL, NULL <unfinished ...>'), {
    kind: 'unfinished',
    pid: 28772,
    name: 'select',
    text: '4, [3], NULL, NULL, NULL ',
  });
  assert.deepEqual(readLine('[pid 28772] <... select resumed> )      = 1 (in [3])'), {
    kind: 'resumed',
    pid: 28772,
    name: 'select',
    text: ')      = 1 (in [3])',
  });
});

test('ends, signals and notes of strace are told apart', () => {
  const kinds = [
    '7 +++ exited with 0 +++',
    '7 +++ killed by SIGABRT (core dumped) +++',
    '7 +++ superseded by execve in pid 9 +++',
    '7 --- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED} ---',
    'strace: Process 7 attached',
    '',
  ].map((line) => readLine(line).kind);
  assert.deepEqual(kinds, ['ended', 'ended', 'superseded', 'nothing', 'nothing', 'nothing']);
  for (const foreign of ['hello', '12 34', '<html>', '{"a": 1}', '7 +++ what +++', '99999999 a(']) {
    assert.throws(() => readLine(foreign), LineError);
  }
});

test('commas and brackets within strings, structures, comments and descriptors do not split', () => {
  const text =
    '{a={b=[1, 2]}, c="x, \\")"}, 3</tmp/a, b)>, 4<TCP:[1.2.3.4:1->5.6.7.8:2]>, /* 2, 3) */, 21<<MAP_HUGE_SHIFT) = -1 EINVAL (Invalid argument)';
  assert.deepEqual(splitCall(text), {
    args: [
      '{a={b=[1, 2]}, c="x, \\")"}',
      '3</tmp/a, b)>',
      '4<TCP:[1.2.3.4:1->5.6.7.8:2]>',
      '/* 2, 3) */',
      '21<<MAP_HUGE_SHIFT',
    ],
    result: '-1 EINVAL (Invalid argument)',
  });
  for (const broken of ['', '1', '1, "a) = 0', '[1) = 0', '1)', '3</a) = 0', '/* ) = 0']) {
    assert.throws(() => splitCall(broken), LineError);
  }
  assert.throws(() => splitCall(`${'['.repeat(100)}`), /nest too deep/);
  assert.throws(() => splitCall(`${'1,'.repeat(100)}1) = 0`), /too many arguments/);
});

test('numbers are those of C, and constants may be combined and shifted', () => {
  assert.equal(numberOf('NULL'), 0);
  assert.equal(numberOf('0644'), 0o644);
  assert.equal(numberOf('0x7f17b6bdf000'), 0x7f17b6bdf000);
  assert.equal(numberOf('-1'), -1);
  assert.equal(numberOf('0xfffffffffffff000'), -4096);
  assert.equal(numberOf('PROT_READ|PROT_WRITE'), 3);
  assert.equal(numberOf('MAP_SHARED|MAP_ANONYMOUS|MAP_HUGETLB|21<<MAP_HUGE_SHIFT'), 0x54040021);
  assert.equal(numberOf('0x66 /* MADV_??? */'), 0x66);
  for (const text of ['', 'PROT_MAGIC', '1 2', '0x', '1<<2<<3']) {
    assert.throws(() => numberOf(text), LineError);
  }
});

test('descriptors, strings and results', () => {
  assert.deepEqual(descriptorOf('3</usr/lib/libc.so.6>'), {
    number: 3,
    path: '/usr/lib/libc.so.6',
  });
  assert.deepEqual(descriptorOf('5</memfd:x>(deleted)'), { number: 5, path: '/memfd:x' });
  assert.deepEqual(descriptorOf('-1'), { number: -1, path: undefined });
  assert.deepEqual(descriptorOf('AT_FDCWD</home>'), { number: -100, path: '/home' });
  assert.equal(stringOf('"a\\"b\\x41\\101\\n"'), 'a"bAA\n');
  assert.equal(stringOf('0x7ffc12345678'), undefined);
  assert.deepEqual(resultOf('0x7f1800000000'), { kind: 'returned', value: 0x7f1800000000 });
  assert.deepEqual(resultOf('3</a b>'), { kind: 'returned', value: 3 });
  assert.deepEqual(resultOf('-1 ENOMEM (Cannot allocate memory)'), {
    kind: 'failed',
    errno: 'ENOMEM',
  });
  assert.deepEqual(resultOf('? ERESTARTSYS (To be restarted)'), { kind: 'unknown' });
  assert.throws(() => resultOf('fine'), LineError);
});
