/** Recordings from elsewhere, and recordings by hand whose outcome follows from the manual pages. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Replay, ReplayError, type ReplayReport } from '../../src/replay/index.ts';
import { blanked } from '../script/run_script.ts';
import { NOTHING_KNOWN } from './facts.ts';

function replay(lines: readonly string[], isStrict = true): ReplayReport {
  const replaying = new Replay({ mm: blanked, facts: NOTHING_KNOWN, isStrict });
  for (const line of lines) replaying.line(line);
  const report = replaying.finish();
  blanked.audit(replaying.host.machine);
  assert.equal(blanked.violationOf(replaying.host.machine), undefined);
  return report;
}

const START = [
  '7 execve("/bin/a", ["a"], 0x7ffd0000 /* 5 vars */) = 0',
  '7 brk(NULL) = 0x555555560000',
  '7 mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7ffff7fc0000',
];
const MAP = 'PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0';

for (const name of ['shell', 'threads', 'plain', 'segments']) {
  test(`the recording of ${name} is exact without its host`, () => {
    const lines = readFileSync(`test/replay/recordings/${name}.strace`, 'latin1')
      .trimEnd()
      .split('\n');
    const report = replay(lines);
    assert.deepEqual(report.mismatches, []);
    assert.ok(report.addresses.total >= 20);
    assert.equal(report.addresses.exact, report.addresses.total);
    assert.equal(report.errnos.exact, report.errnos.total);
    assert.deepEqual(Object.keys(report.unjudged), [
      'memory that was mapped before the recording, or by execve()',
    ]);
  });
}

test('the recording of page faults is exact without its host', () => {
  const lines = readFileSync('test/replay/recordings/faults.strace', 'latin1')
    .trimEnd()
    .split('\n');
  const { addresses, errnos, faults, counters, mismatches, unjudged } = replay(lines);
  assert.deepEqual([mismatches, unjudged], [[], {}]);
  assert.ok(addresses.total > 10 && addresses.exact === addresses.total);
  assert.ok(errnos.total > 20 && errnos.exact === errnos.total);
  assert.ok(faults.total > 50 && faults.exact === faults.total);
  assert.equal(counters.length, 1);
  assert.deepEqual(counters[0]!.simulated, counters[0]!.real);
  assert.ok(counters[0]!.real.RssFile > 1000);
});

test('counters and VMAs at the end that differ are told one by one', () => {
  const text = readFileSync('test/replay/recordings/faults.strace', 'latin1');
  const lines = text.trimEnd().split('\n');
  const end = lines.findIndex((line) => line.includes('!!! exit'));
  const without = lines.findIndex((line) => / mmap\(0x0, 0x2000,/.test(line));
  const wrong = lines[end]!.replace(/"RssAnon":\d+/, '"RssAnon":4096');
  const changed = lines.with(end, wrong).toSpliced(without, 1);
  const { mismatches, differences } = replay(changed);
  assert.ok(differences >= 4);
  assert.ok(mismatches.some(({ call, real }) => call === 'RssAnon at the end' && real === '4096'));
  assert.ok(mismatches.some(({ call }) => call === 'VmSize at the end'));
  assert.ok(mismatches.some(({ call }) => call === 'VMAs at the end'));
});

test('a mapping is locked by MAP_LOCKED, and not merged with one that is not', () => {
  const locked = MAP.replace('MAP_PRIVATE', 'MAP_PRIVATE|MAP_LOCKED');
  const report = replay([
    ...START,
    `7 mmap(NULL, 4096, ${locked}) = 0x7ffff7fbf000`,
    '7 madvise(0x7ffff7fbf000, 4096, MADV_COLD) = -1 EINVAL (Invalid argument)',
    '7 madvise(0x7ffff7fc0000, 8192, MADV_COLD) = 0',
    '7 munlock(0x7ffff7fbf000, 4096) = 0',
    '7 madvise(0x7ffff7fbf000, 4096, MADV_COLD) = 0',
    '7 mremap(0x7ffff7fbf000, 12288, 16384, MREMAP_MAYMOVE) = 0x7ffff7fbf000',
  ]);
  assert.deepEqual(report.mismatches, []);
  assert.deepEqual(report.unjudged, {});
});

test('who may lock memory is not known, and what the kernel refused is not locked', () => {
  const refused = '= -1 ENOMEM (Cannot allocate memory)';
  const report = replay([
    ...START,
    `7 mlock(0x7ffff7fc0000, 4096) ${refused}`,
    `7 mlockall(MCL_CURRENT|MCL_FUTURE) ${refused}`,
    '7 madvise(0x7ffff7fc0000, 8192, MADV_COLD) = 0',
    `7 mmap(NULL, 4096, ${MAP}) = 0x7ffff7fbf000`,
    '7 madvise(0x7ffff7fbf000, 12288, MADV_COLD) = 0',
  ]);
  assert.deepEqual(report.mismatches, []);
  assert.deepEqual(Object.values(report.unjudged), [2]);
});

test('mincore() has to be able to write its answer', () => {
  const failed = '= -1 EFAULT (Bad address)';
  const report = replay([
    ...START,
    '7 mincore(0x7ffff7fc0000, 8192, [1, 1]) = 0',
    '7 mincore(0x7ffff7fc0000, 8192, 0x7ffff7fc0000) = 0',
    '7 mprotect(0x7ffff7fc1000, 4096, PROT_READ) = 0',
    `7 mincore(0x7ffff7fc0000, 8192, 0x7ffff7fc1000) ${failed}`,
    `7 mincore(0x7ffff7fc0000, 8192, 0x7ffff7fc0fff) ${failed}`,
    '7 mincore(0x7ffff7fc0000, 4096, 0x7ffff7fc0fff) = 0',
  ]);
  assert.deepEqual([report.mismatches, report.unjudged], [[], {}]);
});

test('a descriptor is not taken for open when the offset was refused', () => {
  const report = replay([
    ...START,
    '7 mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 9, 0x1) = -1 EINVAL (Invalid argument)',
    '7 mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 9, 0) = -1 EBADF (Bad file descriptor)',
  ]);
  assert.deepEqual(report.mismatches, []);
});

test('a wrong address is told with the rule, and counted once', () => {
  const report = replay([
    ...START,
    `7 mmap(NULL, 4096, ${MAP}) = 0x7ffff0000000`,
    `7 mmap(NULL, 4096, ${MAP}) = 0x7ffff7fbf000`,
    '7 munmap(0x7ffff0000000, 4096) = 0',
    '7 mprotect(0x7ffff7fbf000, 4096, PROT_READ) = 0',
  ]);
  assert.deepEqual(report.addresses, { total: 2, exact: 1 });
  assert.deepEqual(report.errnos, { total: 4, exact: 4 });
  assert.deepEqual(report.mismatches, [
    {
      line: 4,
      pid: 7,
      call: `mmap(NULL, 4096, ${MAP})`,
      real: '0x7ffff0000000',
      ours: '0x7ffff7fbf000',
      rule: 'top-down: the highest gap below mmap_base',
    },
  ]);
});

test('a wrong errno is told with the rule', () => {
  const { mismatches, errnos } = replay([
    ...START,
    '7 munmap(0x7ffff7fc0001, 4096) = -1 ENOMEM (Cannot allocate memory)',
    '7 munmap(0x7ffff7fc0001, 4096) = -1 EINVAL (Invalid argument)',
  ]);
  assert.deepEqual(errnos, { total: 2, exact: 1 });
  assert.deepEqual(
    mismatches.map(({ line, real, ours }) => [line, real, ours]),
    [[4, 'ENOMEM', 'EINVAL']],
  );
});

test('of two calls at the same time, that one was first which explains the addresses', () => {
  const threads = [
    ...START,
    '7 clone(child_stack=0x1, flags=CLONE_VM|CLONE_FILES|CLONE_THREAD) = 8',
    `7 mmap(NULL, 4096, ${MAP} <unfinished ...>`,
    `8 mmap(NULL, 8192, ${MAP} <unfinished ...>`,
  ];
  const first = '0x7ffff7fbf000';
  for (const [small, large] of [
    [first, '0x7ffff7fbd000'],
    ['0x7ffff7fbd000', '0x7ffff7fbe000'],
  ]) {
    const ends = [`8 <... mmap resumed>) = ${large}`, `7 <... mmap resumed>) = ${small}`];
    const { addresses } = replay([...threads, ...ends]);
    assert.deepEqual(addresses, { total: 2, exact: 2 });
  }
});

test('a child that ends before the call that made it returns is made once', () => {
  const { processes } = replay([
    ...START,
    '7 fork( <unfinished ...>',
    '8 munmap(0x7ffff7fc0000, 8192) = 0',
    '8 +++ exited with 0 +++',
    '7 <... fork resumed>) = 8',
    '7 fork() = 8',
    '8 munmap(0x7ffff7fc0000, 8192) = 0',
  ]);
  assert.equal(processes, 3);
});

test('a child of vfork() changes its parent, a child of fork() does not', () => {
  for (const [call, wanted] of [
    ['vfork()', '0x7ffff7fbe000'],
    ['fork()', '0x7ffff7fbf000'],
  ]) {
    const { addresses, processes } = replay([
      ...START,
      `7 ${call} = 8`,
      `8 mmap(NULL, 4096, ${MAP}) = 0x7ffff7fbf000`,
      `7 mmap(NULL, 4096, ${MAP}) = ${wanted}`,
    ]);
    assert.deepEqual([addresses, processes], [{ total: 2, exact: 2 }, 2]);
  }
});

test('children of two calls at the same time wait until it is known whose they are', () => {
  const { addresses, unjudged } = replay([
    ...START,
    '7 clone(child_stack=0x1, flags=CLONE_VM|CLONE_THREAD) = 8',
    '7 munmap(0x7ffff7fc0000, 8192) = 0',
    '7 fork( <unfinished ...>',
    '8 vfork( <unfinished ...>',
    `9 mmap(NULL, 4096, ${MAP}) = 0x7ffff7fc1000`,
    `10 mmap(NULL, 4096, ${MAP}) = 0x7ffff7fc1000`,
    '7 <... fork resumed>) = 9',
    '8 <... vfork resumed>) = 10',
    `7 mmap(NULL, 4096, ${MAP}) = 0x7ffff7fc0000`,
  ]);
  assert.deepEqual(addresses, { total: 3, exact: 3 });
  assert.deepEqual(unjudged, {});
});

test('what a child did before it was known whose it is comes first', () => {
  const report = replay([
    ...START,
    '7 fork() = 8',
    '7 fork( <unfinished ...>',
    '8 fork( <unfinished ...>',
    '9 munmap(0x7ffff7fc0000, 4096 <unfinished ...>',
    '7 <... fork resumed>) = 10',
    '9 <... munmap resumed>) = 0',
    '9 mprotect(0x7ffff7fc0000, 8192, PROT_READ) = -1 ENOMEM (Cannot allocate memory)',
    '9 +++ exited with 0 +++',
    '8 <... fork resumed>) = 9',
    '7 mprotect(0x7ffff7fc0000, 8192, PROT_READ) = 0',
  ]);
  assert.deepEqual([report.mismatches, report.unjudged], [[], {}]);
});

test('execve() by a thread goes on under the number of its process', () => {
  const { calls, addresses } = replay([
    ...START,
    '7 clone(child_stack=0x1, flags=CLONE_VM|CLONE_THREAD) = 8',
    '8 execve("/bin/b", ["b"], 0x7ffd0000 /* 5 vars */ <unfinished ...>',
    '7 +++ superseded by execve in pid 8 +++',
    '7 <... execve resumed>) = 0',
    '7 brk(NULL) = 0x555555570000',
    `7 mmap(NULL, 4096, ${MAP}) = 0x7ffff7a00000`,
    `7 mmap(NULL, 4096, ${MAP}) = 0x7ffff79ff000`,
    '7 brk(0x555555591000) = 0x555555591000',
  ]);
  assert.deepEqual([calls, addresses], [6, { total: 2, exact: 2 }]);
});

test('a file that was opened for reading only is not mapped for writing together', () => {
  const shared = 'mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_SHARED, 3, 0)';
  const { errnos } = replay([
    ...START,
    '7 openat(AT_FDCWD, "/etc/passwd", O_RDONLY) = 3',
    `7 ${shared} = -1 EACCES (Permission denied)`,
    '7 close(3) = 0',
    `7 ${shared} = -1 EBADF (Bad file descriptor)`,
    '7 openat(AT_FDCWD, "/etc", O_RDONLY|O_DIRECTORY) = 3',
    '7 mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 3, 0) = -1 ENODEV (No such device)',
  ]);
  assert.deepEqual(errnos, { total: 3, exact: 3 });
});

test('a program that was not recorded from its start is not judged', () => {
  const { unjudged, addresses } = replay([`7 mmap(NULL, 4096, ${MAP}) = 0x7ffff7fbf000`]);
  assert.deepEqual(unjudged, { 'processes from before the recording': 1 });
  assert.equal(addresses.total, 0);
});

test('more files than there are places for are refused, also when a copy is the first one knows of them', () => {
  const copies = Array.from({ length: 30 }, (_, index) => `7 dup(${index + 3}</a${index}>) = 100`);
  const replaying = new Replay({
    mm: blanked,
    facts: NOTHING_KNOWN,
    isStrict: true,
    room: { inodes: 24 },
  });
  assert.throws(
    () => {
      for (const line of [...START, ...copies]) replaying.line(line);
    },
    (error) => error instanceof ReplayError && /^Line \d+: there are 24 files/.test(error.message),
  );
});

test('lines that cannot be read are counted with their numbers, or refused', () => {
  const lines = [
    ...START,
    'Segmentation fault',
    '7 mmap(NULL, 4096',
    '7 brk(0x555555561000) = 0x555555561000',
  ];
  const { skipped, skippedLines, addresses } = replay(lines, false);
  assert.equal(skipped, 2);
  assert.deepEqual(
    skippedLines.map(({ line }) => line),
    [4, 5],
  );
  assert.deepEqual(addresses, { total: 1, exact: 1 });
  assert.throws(
    () => replay(lines),
    (error) => error instanceof ReplayError && error.line === 4 && error.mend !== '',
  );
});
