import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import { commandLines } from './command.ts';

/** The arguments that a shell makes of a command that prints them. */
function shellArguments(command: string): string {
  return execFileSync('sh', ['-c', command], { encoding: 'utf8' });
}

const quotedWord = fc
  .tuple(fc.stringMatching(/^[a-z $*/=.-]{0,14}$/), fc.constantFrom("'", '"'))
  .map(([text, quote]) => quote + (quote === '"' ? text.replaceAll('$', '') : text) + quote);
const plainWord = fc.stringMatching(/^[a-z0-9/=.-]{1,14}$/);

test('a broken command means the same to a shell as the whole one', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(plainWord, quotedWord), { minLength: 1, maxLength: 12 }),
      fc.integer({ min: 20, max: 60 }),
      (list, width) => {
        const command = `printf '<%s>' ${list.join(' ')}`;
        const broken = commandLines(command, width).join('\n');
        assert.equal(shellArguments(broken), shellArguments(command));
      },
    ),
    { numRuns: 60 },
  );
});

test('a command is broken at spaces outside quotes only', () => {
  assert.deepEqual(commandLines('psql -c "ALTER SYSTEM SET huge_pages = \'on\'"', 24), [
    'psql -c \\',
    '  "ALTER SYSTEM SET huge_pages = \'on\'"',
  ]);
  assert.deepEqual(commandLines('sysctl -w vm.nr_hugepages=8', 80), [
    'sysctl -w vm.nr_hugepages=8',
  ]);
});
