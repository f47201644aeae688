/** Processes that go on at once wait for what others have, and as long as can be counted by hand. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatById } from '../../src/arch/index.ts';
import { measureCrowd, runTogether } from '../../src/cost/index.ts';
import { lock, Machine, type Op, Rank, unlock } from '../../src/mm/index.ts';
import { WORKLOADS } from '../../src/workload/index.ts';
import { CANONICAL } from '../designs/builds.ts';

const CPUS = 5;

const machine = (): Machine =>
  new Machine({
    format: formatById('x86_64-4level')!,
    cpus: CPUS,
    mms: 2,
    frames: 64,
    tables: 8,
    gather: 64,
  });

/** Takes locks in order, and gives them back. */
function* takeAll(of: Machine, cpu: number, locks: readonly number[]): Op<void> {
  for (const each of locks) yield* lock(of, cpu, each, Rank.MMAP);
  for (const each of locks) yield* unlock(of, cpu, each, Rank.MMAP);
}

test('of n who want one lock, n - 1 wait: one turn, two turns, and so on', () => {
  const one = machine();
  const cpus = Array.from({ length: CPUS }, (_, cpu) => cpu);
  const programs = cpus.map((cpu) => takeAll(one, cpu, [one.objects.mmapLock(0)]));
  assert.deepEqual(runTogether(CANONICAL, one, programs), {
    steps: 2 * CPUS,
    locks: CPUS,
    waits: [{ for: 'mmap_lock', times: CPUS - 1, turns: (CPUS * (CPUS - 1)) / 2 }],
  });
});

test('who wants locks of their own waits for nobody', () => {
  const one = machine();
  const programs = [0, 1].map((cpu) => takeAll(one, cpu, [one.objects.mmapLock(cpu)]));
  assert.deepEqual(runTogether(CANONICAL, one, programs).waits, []);
});

test('two who wait for each other are no crowd', () => {
  const one = machine();
  const [first, second] = [one.objects.mmapLock(0), one.objects.mmapLock(1)];
  const programs = [takeAll(one, 0, [first, second]), takeAll(one, 1, [second, first])];
  assert.throws(() => runTogether(CANONICAL, one, programs), /nobody waits for ever/);
});

const crowdOf = (id: string, ids: readonly string[]) => {
  const workload = WORKLOADS.find((each) => each.id === id)!;
  const host = workload.host({ processes: 8, bytes: 4 * 2 ** 20 });
  const crowd = measureCrowd(CANONICAL, host, ids);
  assert.ok(crowd);
  /** Turns of each design in which somebody waited for something. */
  const turns = (design: string, name: string): number =>
    crowd.designs
      .find((each) => each.id === design)!
      .phases.flatMap(({ waits }) => waits)
      .filter((wait) => wait.for === name)
      .reduce((sum, wait) => sum + wait.turns, 0);
  return { crowd, turns };
};

test('who shares a page table waits for its lock, and who has a copy to make holds it', () => {
  const database = crowdOf('database', ['today', 'pt2006-pte', 'mshare', 'hugetlb-2m']);
  assert.deepEqual([database.crowd.processes, database.crowd.pages], [8, 64]);
  assert.equal(database.turns('today', 'page-table lock'), 0);
  assert.ok(database.turns('pt2006-pte', 'page-table lock') > 0);
  assert.ok(database.turns('mshare', 'page-table lock') > 0);
  // Faults on one huge page are serialised before they come to a table.
  assert.ok(database.turns('hugetlb-2m', 'hugetlb fault mutex') > 0);

  const forked = crowdOf('fork-server', ['today', 'on-demand-fork']);
  assert.equal(forked.turns('today', 'page-table lock'), 0);
  assert.ok(forked.turns('on-demand-fork', 'page-table lock') > 0);
});

test('every workload has a crowd, each process of which touches as much under every design', () => {
  for (const { id } of WORKLOADS) {
    const { crowd } = crowdOf(id, ['today', 'mshare']);
    assert.ok(crowd.processes >= 2 && crowd.pages > 0, id);
    assert.ok(
      crowd.designs.every(({ phases }) => phases[0]!.steps > crowd.pages),
      id,
    );
  }
});
