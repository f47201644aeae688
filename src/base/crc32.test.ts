import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as zlib from 'node:zlib';
import fc from 'fast-check';
import { crc32 } from './crc32.ts';

test('crc32() is that of zlib, also of bytes in two parts', () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.uint8Array(), (head, tail) => {
      assert.equal(crc32(tail, crc32(head)), zlib.crc32(tail, zlib.crc32(head)));
    }),
  );
});
