/** UFFDIO_MOVE of a huge page, or a small one, against who uses it, in every order that makes a difference. */
import { formatById } from '../../src/arch/index.ts';
import { MachineScenario, type Program } from '../../src/check/index.ts';
import * as mm from '../../src/mm/index.ts';
import { isClean } from './races.ts';
import { mapPages, newWorld } from './small_world.ts';

const { run, NONE, violate } = mm;

/** A format whose tables have 32 entries. */
const FORMAT = formatById('ppc64-radix-64k')!;
const HUGE = 32;
const SOURCE = 5 * HUGE;
const TARGET = SOURCE + HUGE;
const BYTES = 4096;
const MADV_DONTNEED = 4;

/** A page at `SOURCE`, of which the second small one has 5, and room at `TARGET`, whose faults wait. */
function watched(programs: readonly Program[], thp: 'always' | 'never'): MachineScenario {
  const size = { cpus: programs.length, mms: 2, frames: 128, tables: 16, vmas: 16 };
  const machine = newWorld(mm, { format: FORMAT, thp, ...size });
  const task = mm.taskOn(machine, 0, 0);
  run(mapPages(mm, task, SOURCE, TARGET));
  run(mm.store(task, SOURCE + 1, 5));
  const uffd = mm.userfaultfd(task, 0) as mm.Userfaultfd;
  mm.uffdioApi(task, uffd, 0xaa, mm.UffdFeature.MOVE);
  // Apart from the source, which it would merge with.
  run(mapPages(mm, task, TARGET, TARGET + HUGE));
  run(mm.uffdioRegister(task, uffd, TARGET * BYTES, HUGE * BYTES, mm.UffdMode.MISSING));
  machine.mmCpus.fill(0);
  return new MachineScenario(machine, programs);
}

const moving = (pages: number): Program => ({
  name: 'UFFDIO_MOVE',
  run: (task) =>
    mm.uffdioMove(task, task.machine.userfaultfds.all()[0]!, {
      ...{ source: SOURCE * BYTES, destination: TARGET * BYTES, length: pages * BYTES },
      mode: mm.UffdMoveMode.ALLOW_SRC_HOLES,
    }),
});

/** A pin keeps the page where it was pinned. */
const pinning: Program = {
  name: 'GUP-fast',
  *run(task) {
    const frame = yield* mm.gupFast(task, SOURCE + 1, true, true);
    if (frame === NONE) return;
    const again = yield* mm.getUserPage(task, SOURCE + 1, mm.FOLL.WRITE | mm.FOLL.PIN);
    if (again !== frame) violate(task.machine, 'P-DATA');
    yield* mm.unpin(task, again, true);
    yield* mm.unpin(task, frame, true);
  },
};

const USERS: readonly Program[] = [
  {
    name: 'a load of the target, which waits for it',
    *run(task) {
      const word = yield* mm.load(task, TARGET + 1);
      if (word !== 5) violate(task.machine, 'P-DATA');
    },
  },
  { name: 'a store to the source', run: (task) => mm.store(task, SOURCE + 1, 7) },
  {
    name: 'MADV_DONTNEED of a part of the source',
    run: (task) => mm.madvise(task, (SOURCE + 1) * BYTES, BYTES, MADV_DONTNEED),
  },
  { name: 'fork()', run: (task) => mm.fork(task, task.cpu) },
  pinning,
];

for (const user of USERS) {
  isClean(`UFFDIO_MOVE of a huge page meets ${user.name}`, () =>
    watched([moving(HUGE), user], 'always'),
  );
}

isClean('UFFDIO_MOVE of a small page meets GUP-fast', () => watched([moving(2), pinning], 'never'));
