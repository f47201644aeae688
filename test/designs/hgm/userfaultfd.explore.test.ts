/** Minor faults of pages in pieces, against who resolves them, in every interleaving. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Exploration, explore, type Program } from '../../../src/check/index.ts';
import { HGM_MENDED, HGM_RFC_V1, type HgmOptions } from '../../../src/designs/index.ts';
import { store, type Task, uffdioContinue, uffdioWake } from '../../../src/mm/index.ts';
import { collapse, FIRST, granularRace } from '../../../src/zoo/hgm_machine.ts';

const PAGE_BYTES = 4096;
/** Nothing is mapped there; its neighbour is. */
const HOLE = FIRST + 1;

const known = ({ machine }: Task) => machine.userfaultfds.all()[0]!;

const storing: Program = { name: 'store', run: (task) => store(task, HOLE, 7) };

function continuing(page: number): Program {
  const request = { start: page * PAGE_BYTES, length: PAGE_BYTES, mode: 0 };
  const run = (task: Task) => uffdioContinue(task, known(task), request);
  return { name: 'UFFDIO_CONTINUE', run };
}

const race = (options: HgmOptions, resolving: Program): Exploration =>
  explore(granularRace([storing, resolving], options, { filled: [0], isWatched: true }));

for (const options of [HGM_RFC_V1, HGM_MENDED]) {
  test(`${options.name}: a store to a hole waits until its small page is mapped, whoever is faster`, () => {
    const { finding, isComplete } = race(options, continuing(HOLE));
    assert.deepEqual([finding, isComplete], [undefined, true]);
  });

  test(`${options.name}: it waits for good if only its neighbour is mapped`, () => {
    assert.equal(race(options, continuing(HOLE + 1)).finding?.property, 'deadlock');
  });

  test(`${options.name}: a collapse fills the hole, and wakes nobody: who collapses has to`, () => {
    const collapsing: Program = { name: 'MADV_COLLAPSE', run: collapse };
    assert.equal(race(options, collapsing).finding?.property, 'deadlock');
    const { finding, isComplete } = race(options, {
      name: 'MADV_COLLAPSE, UFFDIO_WAKE',
      *run(task) {
        yield* collapse(task);
        yield* uffdioWake(task, known(task), HOLE * PAGE_BYTES, PAGE_BYTES);
      },
    });
    assert.deepEqual([finding, isComplete], [undefined, true]);
  });
}
