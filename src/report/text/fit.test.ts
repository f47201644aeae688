import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import stringWidth from 'string-width';
import { fit, flow, wrap } from './fit.ts';

const words = fc.array(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 }), {
  maxLength: 20,
});

test('fit() keeps the end of a path before its beginning', () => {
  const path = '/usr/lib/x86_64-linux-gnu/libc.so.6';
  assert.equal(fit(path, 35, '…'), path);
  assert.equal(fit(path, 20, '…'), '/usr/li…nu/libc.so.6');
  assert.equal(fit('表表表表', 5, '…'), '…表');
  assert.equal(fit('abc', 1, '…'), '…');
});

test('fit() and wrap() never exceed their width', () => {
  fc.assert(
    fc.property(words, fc.integer({ min: 2, max: 90 }), (list, width) => {
      const text = list.join(' ');
      assert.ok(stringWidth(fit(text, width, '…')) <= width);
      for (const line of wrap(text, width, '…')) assert.ok(stringWidth(line) <= width, line);
      for (const line of flow(
        list.map((word) => fit(word, width, '…')),
        width,
      )) {
        assert.ok(stringWidth(line) <= width, line);
      }
    }),
  );
});

test('wrap() keeps every word that fits, and a number with its unit', () => {
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^[a-z]{1,8}$/), { minLength: 1 }), (list) => {
      assert.equal(wrap(list.join(' '), 20, '…').join(' '), list.join(' '));
    }),
  );
  assert.deepEqual(wrap('it takes 12 GiB', 12, '…'), ['it takes', '12 GiB']);
});
