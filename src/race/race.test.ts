/** Races as text find what the zoo finds, and are clean where it is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explore, type Scenario } from '../check/index.ts';
import { explainFailure } from '../document/explain_failure.ts';
import { searchFor, tellStory } from '../document/story.ts';
import type { Picture } from '../scene/picture.ts';
import { Scene } from '../scene/scene.ts';
import { TraceWriter } from '../trace/index.ts';
import { type RaceSource, raceScenario, runScript } from './race.ts';

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

/** The first CPU unmaps a page; each of the others reads one of its own. */
function shootdown(cpus: number): string {
  const others = Array.from(
    { length: cpus - 1 },
    (_, at) => `cpu ${at + 1}:\nload(a + ${at + 1}*4*K)`,
  );
  const area = `a = mmap(NULL, ${cpus}*4*K, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS|MAP_POPULATE, -1, 0)`;
  return [area, 'cpu 0:', 'munmap(a, 4*K)', ...others].join('\n');
}

test('a shootdown reaches each of many CPUs before what it does or behind it, and no order is missed', () => {
  for (const cpus of [2, 5, 8, 11]) {
    const { finding, isComplete, executions } = search(race(shootdown(cpus)));
    assert.equal(finding, undefined);
    assert.ok(isComplete);
    assert.equal(executions, 2 ** (cpus - 1));
  }
  const { finding } = search(race(shootdown(30), 'pagesFreedBeforeFlush'));
  assert.equal(finding?.property, 'P-UAF-PAGE');
  assert.throws(() => raceScenario(race(shootdown(31))), /A machine of 31 CPUs cannot be run/);
});

test('what is expected and not read is a finding', () => {
  const wrong = `${SETUP}cpu 0:\nexpect(load(a), 2)\n`;
  assert.equal(search(race(wrong)).finding?.property, 'P-DATA');
  const right = `${SETUP}cpu 0:\nexpect(load(a), 1)\n`;
  assert.equal(search(race(right)).finding, undefined);
});

test('a story has the violation last, and the same turns end well without the bug', () => {
  const source = { kind: 'race', ...race(MUNMAP_STORE, 'pagesFreedBeforeFlush'), cpus: 1 } as const;
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
      const source = { kind: 'race', ...race(text), cpus: 1 } as const;
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

/** One table for the file of two processes. */
const SHARED_TABLE = `f = memfd_create("buffers")
ftruncate(f, 2*M)
a = mmap(0x40000000, 2*M, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_FIXED, f)
store(a, 1)
child = fork()
as(child); load(a); as(1)
`;
const RECLAIM = `${SHARED_TABLE}
cpu 0, process 1:
madvise(a, 4*K, MADV_PAGEOUT)
cpu 1, process 2:
load(a)
`;
const under = (design: string, text: string): RaceSource => ({ ...race(text), design });
const end = (source: RaceSource, cpus = 1): Picture => {
  const writer = new TraceWriter({ clock: 'steps', format: source.format });
  runScript({ ...source, cpus }, writer);
  const scene = new Scene(writer.trace());
  return scene.picture(scene.events - 1);
};
/** Entries that lead to each PTE table, by table. */
const sharers = ({ tables }: Picture): number[] =>
  tables.filter(({ level }) => level === 0).map(({ links }) => links.length);

test('a script runs under the design that is chosen: two processes have one table, or two', () => {
  assert.deepEqual(sharers(end(under('none', SHARED_TABLE))), [1, 1]);
  assert.deepEqual(sharers(end(under('2006', SHARED_TABLE))), [2]);
  const copied = `a = mmap(0x40000000, 2*M, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED)
write(a, 64*K)
fork()
`;
  assert.deepEqual(sharers(end(under('none', copied))), [1, 1]);
  assert.deepEqual(sharers(end(under('on-demand-fork', copied))), [2]);
  assert.deepEqual(sharers(end(under('cow-pte', copied))), [2]);
});

test('a region of mshare is entered at its PUD table by its host and by each guest', () => {
  const text = `region = mshare_open("buffers")
ftruncate(region, 512*G)
mshare_create(region, 0, 4*M)
a = mmap(NULL, 512*G, PROT_READ|PROT_WRITE, MAP_SHARED, region)
store(a, 1)
child = fork()
as(child)
load(a)
`;
  const { tables } = end(under('mshare-v3', text));
  assert.deepEqual(
    tables.filter(({ level }) => level === 2).map(({ links }) => links.length),
    [3],
  );
  assert.throws(() => end(under('none', text)), /This machine has no mshare/);
});

test('the patch of May 2006 as posted lacks a flush in the other process, and as reviewed does not', () => {
  assert.equal(search(under('2006-posted', RECLAIM)).finding?.property, 'P-TLB');
  const { finding, isComplete } = search(under('2006', RECLAIM));
  assert.equal(finding, undefined);
  assert.ok(isComplete);
  const { story } = tellStory({ kind: 'race', ...under('2006-posted', RECLAIM), cpus: 1 });
  assert.ok(story.fixed !== undefined && story.fixed.property === undefined);
});

test('descriptors in a race lead to the files of each execution anew', () => {
  const { finding, isComplete, executions } = search(
    race(`f = memfd_create("file")
ftruncate(f, 16*K)
a = mmap(NULL, 16*K, PROT_READ|PROT_WRITE, MAP_SHARED, f)
store(a, 1)
cpu 0:
ftruncate(f, 0)
cpu 1:
store(a, 7)
`),
  );
  assert.equal(finding, undefined);
  assert.ok(isComplete && executions > 1);
});

test('a machine that cannot be is refused', () => {
  assert.throws(() => raceScenario(under('hgm', MUNMAP_STORE)), /There is no design called hgm/);
  assert.throws(() => end(race(SETUP), 31), /31 CPUs cannot be run/);
  assert.throws(() => end(race(SETUP), 0.5), /0.5 CPUs cannot be run/);
});
