import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runScript } from '../../test/script/run_script.ts';
import { resultText } from './calls/spec.ts';

const SETTING = `a = mmap(NULL, 4*K, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS)
  b = mmap(NULL, 4*K, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS)
  store(b, 7); u = userfaultfd()`;

/** The result of each call behind the setting, as strace(1) would write it. */
function resultsOf(text: string): (string | undefined)[] {
  const { steps } = runScript(`${SETTING}; ${text}`);
  return steps.slice(4).map(({ outcome }) => resultText(outcome));
}

test('a touch that waits for userfaultfd says so, and is done when the page was filled', () => {
  assert.deepEqual(
    resultsOf(`uffd_register(u, a, 4*K, UFFDIO_REGISTER_MODE_MISSING)
      load(a); uffd_read(u); uffd_read(u); uffd_copy(u, a, b, 4*K); load(a)`),
    [
      '= 0',
      '... waits for userfaultfd at 0x7ffff7ffe000',
      '= 0 (a read at 0x7ffff7ffe000: missing)',
      '= -1 EAGAIN (Resource temporarily unavailable)',
      '= 0 (4K)',
      '= 7',
    ],
  );
});

test('a child of a process that is watched has a descriptor of its own', () => {
  assert.deepEqual(
    resultsOf(`v = userfaultfd(UFFD_FEATURE_EVENT_FORK)
      uffd_register(v, a, 4*K, UFFDIO_REGISTER_MODE_MISSING); p = fork()
      uffd_copy(v, a, b, 4*K); w = uffd_read(v); uffd_copy(v, a, b, 4*K)
      as(p); load(a); uffd_copy(w, a, b, 4*K); load(a); uffd_close(w); uffd_close(99)`).slice(3),
    [
      '= -1 EAGAIN (Resource temporarily unavailable)',
      '= 1002',
      '= 0 (4K)',
      '= 2',
      '... waits for userfaultfd at 0x7ffff7ffe000',
      '= 0 (4K)',
      '= 7',
      '= 0',
      '= -1 EBADF (Bad file descriptor)',
    ],
  );
});
