import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runScript } from '../../test/script/run_script.ts';
import { resultText } from './calls/spec.ts';
import { ScriptError } from './script_error.ts';

/** Each call with its result, as strace(1) would write it. */
function traceOf(text: string): string[] {
  return runScript(text).steps.map(({ call, outcome }) => `${call} ${resultText(outcome)}`);
}

const MAPPED = 'a = mmap(NULL, 4*M, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS)';

// Addresses, errnos and signals: see test/script/kernel.test.ts, where the kernel says them.
test('calls are written as strace(1) writes them', () => {
  assert.deepEqual(
    traceOf(`${MAPPED}
      mmap(NULL, 4097, 7, 0x22 | 0x80000000, -1, 0)
      mprotect(a, 0, PROT_NONE); madvise(a, 4*K, 77); madvise(a, 4*K, MADV_DONTFORK)
      munmap(1, 4*K); brk(NULL); read(0); mlockall(MCL_CURRENT|8)`),
    [
      'mmap(NULL, 4M, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7ffff7a00000',
      'mmap(NULL, 4097, PROT_READ|PROT_WRITE|PROT_EXEC, MAP_PRIVATE|MAP_ANONYMOUS|0x80000000, -1, 0) = 0x7ffff7ffd000',
      'mprotect(0x7ffff7a00000, 0, PROT_NONE) = 0',
      'madvise(0x7ffff7a00000, 4K, 77) = -1 EINVAL (Invalid argument)',
      'madvise(0x7ffff7a00000, 4K, MADV_DONTFORK) = 0',
      'munmap(0x1, 4K) = -1 EINVAL (Invalid argument)',
      'brk(NULL) = 0x555555559000',
      'read(NULL, 1) --- SIGSEGV {si_code=SEGV_MAPERR, si_addr=NULL} ---',
      'mlockall(MCL_CURRENT|0x8) = -1 EINVAL (Invalid argument)',
    ],
  );
});

test('a child sees what its parent wrote before fork, and not what it writes after', () => {
  const { session } = runScript(`${MAPPED}
    store(a, 7); child = fork(); store(a, 8)
    parent_sees = load(a)
    as(child); child_sees = load(a)
    store(a, 9); as(1); still = load(a)`);
  const seen = ['parent_sees', 'child_sees', 'still'].map((name) => session.variables.get(name));
  assert.deepEqual(seen, [8n, 7n, 8n]);
  assert.equal(session.audit(), undefined);
});

test('after vfork two processes have one address space, and the last one takes it along', () => {
  const { session } = runScript(
    `${MAPPED}; write(a, 1*M); child = vfork(); as(child); write(a, 2*M)`,
  );
  const [space, ...others] = session.view().addressSpaces;
  assert.deepEqual(space!.pids, [1, 2]);
  assert.deepEqual(others, []);
  assert.equal(space!.resident.anon, 512);
});

test('a process that ends gives its memory back, and the first one goes on', () => {
  const { session, steps } = runScript(
    `${MAPPED}; write(a, 1*M); as(fork()); write(a, 1*M); exit()`,
  );
  assert.equal(steps.at(-1)!.pid, 2);
  assert.equal(session.process.pid, 1);
  assert.equal(session.view().addressSpaces.length, 1);
  assert.equal(session.view().addressSpaces[0]!.vmas[0]!.pages.shared, 0);
  assert.equal(session.audit(), undefined);
});

test('the view says of each VMA what is in memory, and who else has it', () => {
  const { session } = runScript(`${MAPPED}
    b = mmap(NULL, 4*M, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS)
    madvise(b, 4*M, MADV_HUGEPAGE); write(b); read(b + 2*M)
    write(a, 8*K); as(fork()); write(a)`);
  const [parent, child] = session
    .view()
    .addressSpaces.map(({ vmas }) => vmas.map(({ pages }) => pages));
  const nothing = {
    anon: 0,
    file: 0,
    shmem: 0,
    zero: 0,
    swapped: 0,
    markers: 0,
    huge: 0,
    shared: 0,
  };
  const huge = { ...nothing, anon: 512, zero: 512, huge: 1024, shared: 512 };
  assert.deepEqual(parent, [huge, { ...nothing, anon: 2, shared: 1 }]);
  assert.deepEqual(child, [huge, { ...nothing, anon: 2, shared: 1 }]);
});

test('memory runs out as a signal, not as a crash', () => {
  const { steps } = runScript(
    `a = mmap(NULL, 128*M, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS|MAP_NORESERVE)
     write(a, 128*M)`,
  );
  const { outcome } = steps.at(-1)!;
  assert.equal(outcome.kind, 'signalled');
  assert.equal(outcome.kind === 'signalled' && outcome.signal.name, 'SIGKILL');
});

const REFUSED: readonly (readonly [string, RegExp])[] = [
  ['mmap()', /1:1: mmap takes address, length, prot, flags, fd, offset; it got 0 of 6/],
  ['munmap(1, 2, 3)', /munmap takes address, length; it got 3 of 2/],
  ['munmap("a", 1)', /address of munmap is a number/],
  ['echo(1)', /text of echo is a string/],
  ['as(7)', /There is no process 7/],
  ['cpu(2)', /There is no CPU 2: the machine has 2/],
  ['cpu(-1)', /There is no CPU -1/],
  ['exit()', /This is the last process/],
  ['store(0, -1)', /Cannot store -1: a word is wanted/],
  ['read(0, 1*T)', /A touch of 268435456 pages is more than/],
  ['help(frob)', /There is no call frob/],
  [Array(64).fill('fork()').join(';'), /There are 64 processes/],
];

test('what cannot be done is refused with its place, its reason and a way out', () => {
  for (const [text, message] of REFUSED) {
    assert.throws(
      () => runScript(text),
      (error) => {
        assert.ok(error instanceof ScriptError, text);
        assert.match(error.message, message);
        assert.match(error.message, /^\d+:\d+: /);
        assert.notEqual(error.mend, '');
        return true;
      },
    );
  }
});

test('help lists every call, and explains it', () => {
  const { steps } = runScript('help(); help(mmap)');
  const [all, one] = steps.map(({ outcome }) => (outcome.kind === 'text' ? outcome.lines : []));
  for (const name of ['mmap', 'fork', 'read', 'show', 'help', 'PROT_READ']) {
    assert.ok(
      all!.some((line) => line.includes(name)),
      name,
    );
  }
  assert.deepEqual(one, [
    'mmap(address, length, prot, flags, [fd], [offset]): maps memory or a file',
  ]);
});

test('every format that system calls can use has tables of its own kind', async () => {
  const { FORMATS } = await import('../arch/index.ts');
  const { hasBasePages } = await import('./machine.ts');
  for (const format of FORMATS.filter(hasBasePages)) {
    const { session } = runScript(`${MAPPED}; write(a, 2*M + 4*K); munmap(a, 4*K)`, { format });
    const [space] = session.view().addressSpaces;
    assert.equal(space!.resident.anon, 512, format.id);
    assert.equal(space!.root.level, format.levels - 1);
    assert.equal(session.audit(), undefined, format.id);
  }
});
