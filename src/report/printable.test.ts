import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { printable } from './printable.ts';

test('printable() shows what a terminal or a bidirectional layout would act on', () => {
  assert.equal(printable('\u001b[2J\u0007'), '\\x1b[2J\\x07');
  assert.equal(printable('\u009b31m'), '\\x9b31m');
  assert.equal(printable('a\u202eb\u2066c\u200d'), 'a\\u{202e}b\\u{2066}c\\u{200d}');
  assert.equal(printable('a\nb\u2028c'), 'a\\x0ab\\u{2028}c');
  assert.equal(printable('\ud800'), '\\u{d800}');
});

test('printable() leaves ordinary names of every script as they are', () => {
  for (const name of ['postgres: writer', '/var/lib/表/データ', 'é', 'שלום', '💥', '']) {
    assert.equal(printable(name), name);
  }
});

test('printable() leaves no control or format character in any text, and is done after one pass', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const shown = printable(text);
      assert.doesNotMatch(shown, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      assert.equal(printable(shown), shown);
    }),
  );
});
