/** Recordings of perf: processes end up with what the kernel counted for them. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Replay } from '../../src/replay/index.ts';
import { blanked } from '../script/run_script.ts';
import { NOTHING_KNOWN } from './facts.ts';

const KIB = 4;
const LINES = readFileSync('test/replay/recordings/faults.perf', 'latin1').trimEnd().split('\n');

function replay(lines: readonly string[]): Replay {
  const replaying = new Replay({ mm: blanked, facts: NOTHING_KNOWN, isStrict: true });
  for (const line of lines) replaying.line(line);
  return replaying;
}

test('what perf recorded of a program makes the memory that /proc showed of it', () => {
  const last = LINES.findLastIndex((line) => line.includes('sys_enter_munmap'));
  const replaying = replay(LINES.slice(0, last));
  const { mm } = replaying.threads.find(({ pid }) => pid === 31733)!.space!.task!;
  const { Rss } = blanked;
  const pages = mm.vmas.all().reduce((sum, { start, end }) => sum + end - start, 0);
  assert.deepEqual(
    {
      VmSize: pages * KIB,
      RssAnon: mm.rss[Rss.ANON]! * KIB,
      RssFile: mm.rss[Rss.FILE]! * KIB,
      RssShmem: mm.rss[Rss.SHMEM]! * KIB,
      VmPTE: mm.tables * KIB,
    },
    // As the program read them there (recordings/README.md).
    { VmSize: 3724, RssAnon: 768, RssFile: 992, RssShmem: 0, VmPTE: 52 },
  );
});

test('every page fault that perf recorded is served, in both processes', () => {
  const replaying = replay(LINES);
  const { faults, processes, violation } = replaying.finish();
  const recorded = LINES.filter((line) => line.includes(':page_fault_')).length;
  assert.deepEqual(faults, { total: recorded, exact: recorded });
  assert.ok(recorded > 200);
  assert.deepEqual([processes, replaying.threads.length, violation], [2, 0, null]);
});

test('without what was unmapped, a process is larger by that', () => {
  const kept = LINES.filter((line) => !line.includes('sys_enter_munmap') && !/_EXIT/.test(line));
  const { mm } = replay(kept).threads.find(({ pid }) => pid === 31733)!.space!.task!;
  const pages = mm.vmas.all().reduce((sum, { start, end }) => sum + end - start, 0);
  assert.equal(pages * KIB, 3724 + (0xb000 + 0x14000) / 1024);
});
