/** Huge pages of hugetlb that are mapped in pieces (HGM): a walk of tables finds what HGM's own does. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HGM_V2, smapsOfHugetlb } from '../../src/designs/index.ts';
import * as mm from '../../src/mm/index.ts';
import { renderSmaps } from '../../src/procfs/index.ts';
import { ALIAS, FIRST, GranularWorld, PAGE } from '../designs/hgm/granular_world.ts';

test('smaps of pieces is what the walk of HGM adds up', () => {
  const world = new GranularWorld();
  const { machine, task } = world;
  world.map();
  world.map(ALIAS);
  mm.run(mm.store(task, ALIAS, 1));
  mm.run(mm.munmap(task, ALIAS * PAGE, world.length * PAGE));
  world.split();
  world.fill(FIRST + 5, 3);
  const vma = world.vma();
  const theirs = mm.run(smapsOfHugetlb(task, vma, HGM_V2));
  assert.deepEqual([theirs.private, theirs.shared], [3, 0]);
  const nameOf = (): { device: string; inode: string; path: string } => ({
    ...{ device: '00:01', inode: '1', path: '/file' },
  });
  const process = { pid: 1, parent: 0, name: 'one', mm: task.mm, cpu: 0 };
  for (const walkForm of Object.values(mm.WalkForm)) {
    const text = renderSmaps({ machine, processes: [], walkForm, nameOf }, process);
    const [, block] = text.split(new RegExp(`^${(FIRST * PAGE).toString(16)}-`, 'm'));
    assert.match(block!, new RegExp(`^Private_Hugetlb: +${theirs.private * 4} kB$`, 'm'));
  }
});
