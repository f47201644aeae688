import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatSchedule, parseSchedule } from './index.ts';

test('a schedule of any actors and choices is read back as it was written', () => {
  const turns = [0, 9, 10, 35, 36, 61, 62, 255].flatMap((actor) =>
    [0, 1, 3].map((choice) => ({ actor, choice })),
  );
  assert.deepEqual(parseSchedule(formatSchedule(turns)), turns);
  assert.equal(formatSchedule(turns.slice(0, 5)), "00'0'''99'");
  assert.equal(formatSchedule(turns.slice(-3)), "(255)(255)'(255)'''");
});

test('text that is no schedule is refused', () => {
  for (const text of ["'0", '0 1', '(', '(1', '()', 'ä']) {
    assert.throws(() => parseSchedule(text), { name: 'SyntaxError' });
  }
});
