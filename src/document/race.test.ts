/** Races as text find what the zoo finds, and are clean where it is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explore, type Scenario } from '../check/index.ts';
import { explainFailure } from './documents.ts';
import { type RaceSource, raceScenario } from './race.ts';
import { searchFor, tellStory } from './story.ts';

const SETUP = `a = mmap(NULL, 4*K, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)
store(a, 1)
`;
const MUNMAP_STORE = `${SETUP}
cpu 0:
munmap(a, 4*K)
cpu 1:
store(a, 7)
`;
const MUNMAP_MMAP = `${SETUP}
cpu 0:
munmap(a, 4*K)
cpu 1:
b = mmap(a, 4*K, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED_NOREPLACE, -1, 0)
given(b, a)
store(a, 9)
expect(load(a), 9)
`;

const race = (text: string, ...bugs: string[]): RaceSource => ({
  text,
  format: 'x86_64-4level',
  bugs,
  design: 'none',
  cpus: 1,
});
const search = (source: RaceSource) => explore(raceScenario(source) as unknown as Scenario, {});

test('a bug is found in the race that shows it, as the property of the zoo', () => {
  assert.equal(search(race(MUNMAP_STORE, 'pagesFreedBeforeFlush')).finding?.property, 'P-UAF-PAGE');
  const { finding } = search(race(MUNMAP_MMAP, 'unlockedBeforeFlush'));
  assert.ok(['P-DATA', 'P-UAF-PAGE'].includes(finding?.property ?? ''), finding?.property);
});

test('without the bug every interleaving of the same race is run, and clean', () => {
  for (const text of [MUNMAP_STORE, MUNMAP_MMAP]) {
    const { finding, isComplete, executions } = search(race(text));
    assert.equal(finding, undefined);
    assert.ok(isComplete);
    assert.ok(executions > 1, 'CPUs do race');
  }
});

test('what is expected and not read is a finding', () => {
  const wrong = `${SETUP}cpu 0:\nexpect(load(a), 2)\n`;
  assert.equal(search(race(wrong)).finding?.property, 'P-DATA');
  const right = `${SETUP}cpu 0:\nexpect(load(a), 1)\n`;
  assert.equal(search(race(right)).finding, undefined);
});

test('a story has the violation last, and the same turns end well without the bug', () => {
  const source = { kind: 'race', ...race(MUNMAP_STORE, 'pagesFreedBeforeFlush') } as const;
  const { schedule } = searchFor(source, {
    isBroken: true,
    executionsMax: 10_000,
    onProgress: () => {},
  });
  const { story, broken, fixed } = tellStory(source, schedule);
  assert.equal(story.property, 'P-UAF-PAGE');
  assert.equal(story.broken.property, 'P-UAF-PAGE');
  assert.equal(story.fixed?.property, undefined);
  const last = story.broken.steps.at(-1)!;
  const { stale } = broken.picture(broken.events - 1);
  assert.equal(last.event, broken.events - 1);
  assert.ok(stale.some(({ target, isFreed }) => target === 'frame' && isFreed));
  assert.deepEqual(fixed!.picture(fixed!.events - 1).stale, []);
});

test('mistakes in a race are said with their line', () => {
  const mistakeIn = (text: string): string => {
    try {
      const source = { kind: 'race', ...race(text) } as const;
      searchFor(source, { isBroken: true, executionsMax: 100, onProgress: () => {} });
    } catch (error) {
      return explainFailure(error).message;
    }
    return assert.fail('it is refused');
  };
  assert.match(mistakeIn(`${SETUP}cpu 0:\nmunmap(a, 4*K)\ncpu 1:\nstore(a, 7`), /^6:/);
  assert.match(mistakeIn(`${SETUP}cpu 0:\nfork()\n`), /^4:1: fork cannot be raced/);
  assert.match(mistakeIn(`${SETUP}cpu 0:\nread(a, 4*M)\n`), /^4:1: A touch of 1024 pages/);
  assert.match(mistakeIn(`${SETUP}cpu 1:\nstore(a, 1)\n`), /CPU 1/);
});
