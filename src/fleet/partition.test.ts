import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HOSTILE_NAMES } from '../../test/host_report.ts';
import { dayFolder, hostFolder, isHostName } from './partition.ts';

test('a host is a folder of its own name', () => {
  assert.equal(hostFolder('db-7.example_x~'), 'host=db-7.example_x~');
  assert.equal(dayFolder('2026-01-15T10:22:31.000Z'), 'day=2026-01-15');
});

test('no name leaves its folder, or becomes that of another host', () => {
  const names = [
    '',
    '.',
    '..',
    '../../etc',
    'a/b',
    'a%2Fb',
    'a b',
    'ä',
    '%',
    "'",
    ...HOSTILE_NAMES,
  ];
  const folders = names.filter(isHostName).map(hostFolder);
  for (const folder of folders) assert.match(folder, /^host=(?!\.+$)[\w.~%-]+$/);
  assert.equal(new Set(folders).size, folders.length);
  for (const name of ['x'.repeat(5000), '\ud800', 'ä'.repeat(64)]) assert.ok(!isHostName(name));
  assert.ok(isHostName('ä'.repeat(32)), '64 bytes');
});
