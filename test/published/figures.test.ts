import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FIGURES } from './figures.ts';

for (const { what, source, published, tolerance, ours } of FIGURES) {
  test(`${what} (${source})`, () => {
    const computed = ours();
    const bound = published * tolerance;
    assert.ok(
      Math.abs(computed - published) <= bound,
      `${computed} against ${published}, at most ${bound} apart`,
    );
  });
}
