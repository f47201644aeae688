import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LineError } from '../replay_error.ts';
import { readFaultLine } from './line.ts';

const AT = { address: 0x7f8625a17b70, isWrite: false, isFetch: true };

test('page faults are read as ftrace and as perf script print them', () => {
  const ftrace =
    '         python3-15446 [001] d....  2502.298184: page_fault_user: address=0x7f8625a17b70 ip=0x7f8625a17b70 error_code=0x14';
  assert.deepEqual(readFaultLine(ftrace), { kind: 'fault', pid: 15446, ...AT });
  const perf =
    'snaprun 22990/22991 [001]  3345.999405:    exceptions:page_fault_user: address=0x7f8625a17b70 ip=0x7f8625a17b70 error_code=0x14';
  assert.deepEqual(readFaultLine(perf), { kind: 'fault', pid: 22991, ...AT });
  const write =
    '           a b-c-7 [000] d....  1.000001: page_fault_kernel: address=0x1000 ip=0xffffffff81000000 error_code=0x2';
  assert.deepEqual(readFaultLine(write), {
    kind: 'fault',
    pid: 7,
    address: 0x1000,
    isWrite: true,
    isFetch: false,
  });
});

test('other lines are left to others', () => {
  for (const line of [
    '',
    '7 brk(NULL) = 0',
    '7 open("a: page_fault_user: b") = 3',
    '7 !!! what {}',
  ]) {
    assert.equal(readFaultLine(line), undefined);
  }
});

test('states of processes are checked', () => {
  const maps = '1000-3000 rw-p 00000000 00:00 0 [heap]\n';
  const exec = JSON.stringify({ program: '/a', brkStart: 4096, maps, present: [1] });
  const read = readFaultLine(`7 !!! exec ${exec}`);
  assert.ok(read?.kind === 'exec');
  assert.deepEqual([read.state.maps.length, read.state.present], [1, [1]]);
  const file = readFaultLine('7 !!! file {"path":"/a","bytes":99999,"folios":[[4,2,2],[16,3,1]]}');
  assert.ok(file?.kind === 'file');
  assert.deepEqual(file.folios, [
    { first: 4, order: 2, count: 2 },
    { first: 16, order: 3, count: 1 },
  ]);
  for (const wrong of [
    'exec {}',
    'exec {"program":1}',
    `exec ${exec.replace('1000-', '9000-')}`,
    `exec ${exec.replace('[1]', '[-1]')}`,
    `exec ${exec.replace('4096', '1e300')}`,
    'exit {"maps":""}',
    'file {"path":"/a","bytes":-1}',
    'file {"path":}',
    'file {"path":null}',
    'file {"path":"/a","bytes":99999,"folios":7}',
    'file {"path":"/a","bytes":99999,"folios":[[4,2]]}',
    'file {"path":"/a","bytes":99999,"folios":[[6,2,1]]}',
    'file {"path":"/a","bytes":99999,"folios":[[0,10,1]]}',
    'file {"path":"/a","bytes":99999,"folios":[[4,2,2],[8,2,1]]}',
  ]) {
    assert.throws(() => readFaultLine(`7 !!! ${wrong}`), LineError, wrong);
  }
});
