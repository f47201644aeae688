import assert from 'node:assert/strict';
import { test } from 'node:test';
import { showsUnicode } from './terminal.ts';

test('the first of LC_ALL, LC_CTYPE and LANG that is set decides about Unicode', () => {
  assert.equal(showsUnicode({ LANG: 'en_US.UTF-8' }), true);
  assert.equal(showsUnicode({ LANG: 'C.utf8', LC_ALL: 'C' }), false);
  assert.equal(showsUnicode({ LANG: 'POSIX', LC_CTYPE: 'C.UTF-8' }), true);
  assert.equal(showsUnicode({ LANG: 'C.UTF-8', LC_ALL: '' }), true);
});

test('without a locale, only the console of Linux is taken not to show Unicode', () => {
  assert.equal(showsUnicode({ TERM: 'xterm' }), true);
  assert.equal(showsUnicode({}), true);
  assert.equal(showsUnicode({ TERM: 'linux' }), false);
});
