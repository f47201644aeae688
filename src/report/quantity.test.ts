import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  counted,
  formatBytes,
  formatMicroseconds,
  formatPercent,
  formatTime,
  percentOf,
} from './quantity.ts';

test('formatBytes() writes three digits in binary units', () => {
  const expected: readonly (readonly [number, string])[] = [
    [0, '0 B'],
    [1, '1 B'],
    [1023, '1023 B'],
    [1024, '1 KiB'],
    [1365.33, '1.33 KiB'],
    [65_536, '64 KiB'],
    [102_298, '99.9 KiB'],
    [102_399, '100 KiB'],
    [1_048_575, '1.00 MiB'],
    [630_378_496, '601 MiB'],
    [943_718_400_000, '879 GiB'],
    [2 ** 60, '1024 PiB'],
    [-8192, '-8 KiB'],
    [-0.2, '0 B'],
    [4096.000_000_1, '4 KiB'],
  ];
  for (const [bytes, text] of expected) assert.equal(formatBytes(bytes), text);
});

test('formatMicroseconds() writes three digits in the unit that fits', () => {
  const expected: readonly (readonly [number, string])[] = [
    [0, '0 us'],
    [0.88, '0.88 us'],
    [46.847, '46.8 us'],
    [999.4, '999 us'],
    [999.6, '1.00 ms'],
    [28_145.7, '28.1 ms'],
    [999_400, '999 ms'],
    [1_464_546, '1.46 s'],
    [10_322_346, '10.3 s'],
  ];
  for (const [us, text] of expected) assert.equal(formatMicroseconds(us), text);
});

test('formatBytes() stays within half a unit of its last digit, as GNU numfmt reads it', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 50 }), (bytes) => {
      const [number, unit] = formatBytes(bytes).split(' ') as [string, string];
      const scale = 1024 ** ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'].indexOf(unit);
      const digits = number.split('.')[1]?.length ?? 0;
      assert.ok(Math.abs(Number(number) * scale - bytes) <= (scale / 10 ** digits) * 0.5 + 1e-6);
    }),
  );
  const read = execFileSync('numfmt', ['--from=iec-i', '1.33Ki', '99.9Ki'], { encoding: 'utf8' });
  assert.deepEqual(read.trim().split('\n').map(Number), [1362, 102_298]);
});

test('formatPercent() tells nearly all from all, and nearly none from none', () => {
  const expected: readonly (readonly [number, string])[] = [
    [0, '0%'],
    [0.004, '<0.01%'],
    [-0.004, '>-0.01%'],
    [0.368, '0.37%'],
    [5.07, '5.1%'],
    [96.4, '96%'],
    [99.72, '99.7%'],
    [100, '100%'],
    [100.4, '100.4%'],
    [-23.1, '-23%'],
  ];
  for (const [percent, text] of expected) assert.equal(formatPercent(percent), text);
});

test('percentOf() is 0 where there is no whole', () => {
  assert.equal(percentOf(1, 0), 0);
  assert.equal(percentOf(1, 8), 12.5);
});

test('counted() knows the plurals that reports use', () => {
  assert.equal(counted(1, 'process'), '1 process');
  assert.equal(counted(2, 'process'), '2 processes');
  assert.equal(counted(0, 'table page'), '0 table pages');
});

test('formatTime() leaves alone what is no time', () => {
  assert.equal(formatTime('2026-01-15T10:22:31.000Z'), '2026-01-15 10:22:31 UTC');
  assert.equal(formatTime('yesterday'), 'yesterday');
});
