/**
 * mprotect(2) by a walk of either form leaves what mprotect(2) of Linux 6.18 leaves, which the running
 * kernel judges (test/kernel). `PTSHARE_WALK_SEED` repeats a run.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as mm from '../../src/mm/index.ts';
import { Random } from '../kernel/random.ts';
import { leavesOf } from './leaves.ts';
import { RandomSpace } from './random_space.ts';

const SPACES = 1000;
const CALLS = 8;
const PAGE = 4096;
const HUGE = 512;
const { LEGACY, UNIFIED } = mm.WalkForm;

/** One call, of an address space, in bytes. */
interface Change {
  readonly mm: number;
  readonly address: number;
  readonly length: number;
  readonly prot: number;
}

/** Calls that meet what is mapped: all of a VMA, or a part; of hugetlb, mostly by whole pages. */
function changesOf({ spaces }: RandomSpace, random: Random): Change[] {
  return Array.from({ length: CALLS }, () => {
    const space = random.pick(spaces);
    const vmas = space.vmas.all();
    const prot = random.pick([0, 1, 1, 3, 3, 5]);
    if (vmas.length === 0) return { mm: space.id, address: 0, length: PAGE, prot };
    const { start, end, hugetlb } = random.pick(vmas);
    const step = hugetlb === undefined || random.chance(5) ? 1 : HUGE;
    const first = random.below(Math.min(4 * HUGE, end - start) / step);
    const from = random.chance(40) ? start : start + first * step;
    const most = Math.ceil((end - from) / step);
    const pages = step * (random.chance(40) ? most : random.between(1, Math.min(most, 700)));
    return { mm: space.id, address: from * PAGE, length: pages * PAGE, prot };
  });
}

/** Entries by what they say, wherever their tables are. */
function textOf({ machine, spaces }: RandomSpace): string[] {
  return spaces.map((space) =>
    leavesOf(machine, space)
      .map(({ slot, level }) => {
        const index = slot % machine.tableEntries;
        const [low, high] = machine.lanes.subarray(slot * 2, slot * 2 + 2);
        return `${level}:${index}:${low!.toString(16)}:${high!.toString(16)}`;
      })
      .join('\n'),
  );
}

function changed(seed: number, form: mm.WalkForm | undefined): readonly [number[], string[]] {
  const world = new RandomSpace(seed);
  const { machine } = world;
  const results = changesOf(world, new Random(seed)).map((change) => {
    const task = mm.taskOn(machine, 0, change.mm);
    return world.run(mm.mprotect(task, change.address, change.length, change.prot, form));
  });
  const text = textOf(world);
  world.finish();
  mm.audit(machine);
  assert.equal(mm.violationOf(machine), undefined, `PTSHARE_WALK_SEED=${seed}, ${form}`);
  return [results, text];
}

test('a walk of either form changes rights as mprotect(2) does', (context) => {
  const first = Number(process.env.PTSHARE_WALK_SEED ?? Date.now() % 2 ** 29);
  context.diagnostic(`PTSHARE_WALK_SEED=${first}`);
  let spaces = 0;
  let done = 0;
  for (let seed = first; spaces < SPACES; seed++) {
    const [results, tables] = changed(seed, undefined);
    for (const form of [LEGACY, UNIFIED]) {
      const where = `PTSHARE_WALK_SEED=${seed}, ${form}`;
      const [theirResults, theirTables] = changed(seed, form);
      assert.deepEqual(theirResults, results, where);
      tables.forEach((text, at) => {
        assert.equal(theirTables[at], text, `${where}, address space ${at}`);
      });
    }
    done += results.filter((result) => result === 0).length;
    spaces += tables.length;
  }
  context.diagnostic(`${spaces} address spaces, ${done} changes of rights`);
  assert.ok(done > SPACES, 'most calls are no refusals');
});
