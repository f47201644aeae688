/** Recordings that somebody has damaged: each is replayed, or refused in words; none crashes or hangs. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { Replay, ReplayError, type ReplayReport } from '../../src/replay/index.ts';
import { blanked } from '../script/run_script.ts';
import { NOTHING_KNOWN } from './facts.ts';

const RECORDINGS = 10_000;
const LINE_MS_MAX = 5_000;
const LINES_MAX = 80;
const FOLDER = 'test/replay/recordings';
/** Small, so that it runs out now and then. */
const ROOM = { addressSpaces: 5, vmas: 2 ** 9, inodes: 24, frames: 2 ** 11 };

const originals = readdirSync(FOLDER)
  .filter((name) => /\.(?:strace|perf)$/.test(name))
  .map((name) => readFileSync(join(FOLDER, name), 'latin1').trimEnd().split('\n'));

const NUMBERS = ['0', '1', '-1', '4096', '4095', '8192', '2097152', '0x7ffffffff000', 'NULL'];
const EXTREMES = [
  '0xffffffffffffffff',
  '0x8000000000000000',
  '9007199254740993',
  '1<<63',
  '0x1000',
];
const WORDS = ['PROT_READ|PROT_WRITE', 'MAP_PRIVATE|MAP_ANONYMOUS', 'MAP_SHARED|MAP_ANONYMOUS'];
const FLAGS = [
  'MAP_FIXED',
  'MAP_GROWSDOWN|MAP_PRIVATE|MAP_ANONYMOUS',
  'MREMAP_MAYMOVE',
  'CLONE_VM',
];
const PIECES = [
  '(',
  ')',
  '{',
  '"',
  '\\',
  '<',
  '>',
  '/*',
  ' = ',
  '<unfinished ...>',
  '\0',
  '\u00ff',
];
const LINES = [
  '+++ exited with 0 +++',
  '7 +++ superseded by execve in pid 8 +++',
  '7 fork() = 8',
  '8 vfork( <unfinished ...>',
  '7 mmap(NULL, 140737488355328, PROT_NONE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x1000',
  '7 munmap(0, 140737488351232) = 0',
  '7 brk(0x7fffffffffff) = 0x7fffffffffff',
  '7 mincore(0x1000, 9007199254740991, 0x1) = 0',
  '7 mremap(0x7f0000000000, 0, 9007199254740991, MREMAP_MAYMOVE) = 0x7f0000000000',
  '7 shmget(0x1, 18446744073709551615, IPC_CREAT) = 1',
  '7 madvise(0x1000, 140737488351232, MADV_DONTNEED) = 0',
  '7 mlockall(MCL_CURRENT|MCL_FUTURE) = 0',
  '7 dup2(3, 2147483647) = 2147483647',
  '7 close_range(0, 4294967295, 0) = 0',
];

type Change = (lines: string[], at: number) => void;

const put =
  (pieces: readonly string[], pattern: RegExp): ((index: number) => Change) =>
  (index) =>
  (lines, at) => {
    const line = lines[at % lines.length]!;
    const places = [...line.matchAll(pattern)];
    const place = places[index % (places.length || 1)];
    if (place === undefined) return;
    const piece = pieces[index % pieces.length]!;
    const end = place.index + place[0].length;
    lines[at % lines.length] = line.slice(0, place.index) + piece + line.slice(end);
  };

const KINDS: readonly ((index: number) => Change)[] = [
  () => (lines, at) => lines.splice(at % lines.length, lines.length > 1 ? 1 : 0),
  (index) => (lines, at) => lines.splice(at % lines.length, 0, lines[index % lines.length]!),
  (index) => (lines, at) => lines.splice(at % lines.length, 0, LINES[index % LINES.length]!),
  (index) => (lines, at) => {
    const line = lines[at % lines.length]!;
    lines[at % lines.length] = line.slice(0, index % (line.length + 1));
  },
  put([...NUMBERS, ...EXTREMES], /0x[0-9a-f]+|\b\d+\b|NULL/g),
  put([...WORDS, ...FLAGS], /[A-Z][A-Z0-9]+_[A-Z0-9_|]+/g),
  put(PIECES, /[(),"{}<>=]/g),
  put(['7', '8', '9'], /^\d+/g),
  put(['mmap', 'munmap', 'mprotect', 'mremap', 'madvise', 'execve', 'clone'], /[a-z_0-9]+(?=\()/g),
];

/** A part of a recording, changed in a few places. */
const recordings = fc
  .record({
    original: fc.nat(originals.length - 1),
    start: fc.nat(200),
    changes: fc.array(fc.tuple(fc.nat(KINDS.length - 1), fc.nat(), fc.nat()), {
      minLength: 1,
      maxLength: 8,
    }),
  })
  .map(({ original, start, changes }) => {
    const all = originals[original]!;
    const lines = [...all.slice(0, 12), ...all.slice(Math.max(start, 12))].slice(0, LINES_MAX);
    for (const [kind, index, at] of changes) KINDS[kind]!(index)(lines, at);
    return lines;
  });

function replayed(lines: readonly string[], isStrict: boolean): ReplayReport {
  const replay = new Replay({ mm: blanked, facts: NOTHING_KNOWN, isStrict, room: ROOM });
  try {
    for (const line of lines) {
      const start = performance.now();
      replay.line(line);
      assert.ok(performance.now() - start < LINE_MS_MAX, 'a line ends soon');
    }
    return replay.finish();
  } finally {
    blanked.audit(replay.host.machine);
    assert.equal(blanked.violationOf(replay.host.machine), undefined);
  }
}

test(`${RECORDINGS} damaged recordings are replayed, or refused with a line and a way out`, (context) => {
  const seen = new Set<string>();
  let calls = 0;
  const property = fc.property(recordings, fc.boolean(), (lines, isStrict) => {
    try {
      const report = replayed(lines, isStrict);
      calls += report.calls;
      assert.equal(report.lines, lines.length);
      assert.ok(report.addresses.exact <= report.addresses.total);
      assert.ok(report.errnos.total <= report.calls);
      for (const { reason } of report.skippedLines) seen.add(reason);
    } catch (error) {
      if (!(error instanceof ReplayError)) throw error;
      assert.match(error.message, /^Line \d+: ./);
      assert.notEqual(error.mend, '');
      seen.add(error.message.replace(/\d+/g, 'N'));
    }
  });
  fc.assert(property, { numRuns: RECORDINGS });
  context.diagnostic(`${calls} calls, ${seen.size} kinds of mistakes`);
  assert.ok(calls > 10 * RECORDINGS);
  assert.ok(seen.size > 15);
});
