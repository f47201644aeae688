import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bar, stackedBar } from './bar.ts';
import { canvasOf } from './canvas.ts';

const canvas = canvasOf({ width: 80, color: false, unicode: true, rows: 10 });
const ascii = canvasOf({ width: 80, color: false, unicode: false, rows: 10 });

test('bar() draws eighths of a column, whole columns in ASCII', () => {
  assert.equal(bar(canvas, 0.5, 4), '██');
  assert.equal(bar(canvas, 0.28, 4), '█▏');
  assert.equal(bar(ascii, 0.28, 4), '#');
  assert.equal(bar(canvas, 2, 4), '████');
});

test('bar() leaves a mark for anything, and none for nothing', () => {
  assert.equal(bar(canvas, 1e-9, 4), '▏');
  assert.equal(bar(ascii, 1e-9, 4), '#');
  assert.equal(bar(canvas, 0, 4), '');
});

test('stackedBar() fills its width exactly and shows every part', () => {
  const paint = (cells: string): string => cells;
  fc.assert(
    fc.property(fc.array(fc.nat(1e9), { minLength: 1, maxLength: 6 }), (shares) => {
      const symbols = 'abcdef';
      const segments = shares.map((share, i) => ({ share, paint, symbol: symbols[i]! }));
      const drawn = stackedBar(segments, 60);
      assert.equal(drawn.length, shares.some((share) => share > 0) ? 60 : 0);
      for (const { share, symbol } of segments) assert.equal(drawn.includes(symbol), share > 0);
    }),
  );
});
