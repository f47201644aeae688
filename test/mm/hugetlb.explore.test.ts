/** Races on huge pages, in every interleaving: counts, pools and shared tables are right at each end. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explore, MachineScenario, type Program } from '../../src/check/index.ts';
import {
  fallocate,
  fork,
  ftruncate,
  load,
  type OpenFile,
  run,
  store,
  type Task,
  taskOn,
} from '../../src/mm/index.ts';
import { FIRST, owning, SECOND, sharing, unmap, zap } from '../../src/zoo/hugetlb_machine.ts';

const PUNCH_HOLE = 3;
const HUGE_BYTES = 2 ** 21;

function fileOf({ machine }: Task): OpenFile {
  const [inode] = machine.inodes.all();
  const rights = { isReadable: true, isWritable: true, isExecutable: true };
  return { mapped: { inode: inode! }, ...rights, pagesMax: 2 ** 32 };
}

const storing = (page: number, mm = 0): Program => ({
  name: `store of process ${mm}`,
  mm,
  run: (task) => store(task, page, 7),
});
const loading = (page: number, mm = 0): Program => ({
  name: `load of process ${mm}`,
  mm,
  run: (task) => load(task, page),
});
const zapping: Program = { name: 'madvise', run: (task) => zap(task, FIRST) };
const unmapping: Program = { name: 'munmap', run: (task) => unmap(task, FIRST, 512) };
const cutting: Program = { name: 'ftruncate', run: (task) => ftruncate(task, fileOf(task), 0) };
const punching: Program = {
  name: 'fallocate',
  run: (task) => fallocate(task, fileOf(task), PUNCH_HOLE, HUGE_BYTES, HUGE_BYTES),
};
const forking: Program = { name: 'fork', run: (task) => fork(task, task.cpu) };

const RACES: readonly (readonly [string, () => MachineScenario])[] = [
  [
    'two processes touch the same new page through one table',
    () => sharing([storing(SECOND), storing(SECOND, 1)], {}),
  ],
  [
    'a process gives its table up while another uses it',
    () => sharing([zapping, loading(SECOND, 1)], {}),
  ],
  ['a fault meets a hole punch of its page', () => sharing([storing(SECOND), punching], {}, true)],
  ['a VMA is divided under a fault', () => sharing([unmapping, storing(SECOND)], {})],
  ['a private page is dropped under a fault', () => owning([zapping, storing(FIRST)], {})],
  ['a private page is written to during fork', () => owning([forking, storing(FIRST)], {})],
];

for (const [name, scenario] of RACES) {
  test(name, () => {
    const { finding, isComplete } = explore(scenario());
    assert.equal(finding?.property, undefined);
    assert.ok(isComplete);
  });
}

test('a process shares its table as in Linux 6.19', () => {
  const size = { hugetlbUnshare: '6.19' } as const;
  const { finding, isComplete } = explore(sharing([unmapping, storing(SECOND)], {}, false, size));
  assert.equal(finding?.property, undefined);
  assert.ok(isComplete);
});

/**
 * The lock of the VMA is only tried by ftruncate(), and the page that the fault is about to insert is
 * not in the page cache yet: nothing makes the two meet, unless the fault looks once more.
 */
test('a fault that has looked at the size is overtaken by ftruncate(), and looks again', () => {
  const programs = [storing(SECOND), cutting];
  const search = (hugetlbWithoutSizeRecheck: boolean) => {
    const { machine } = sharing(programs, { hugetlbWithoutSizeRecheck }, true);
    const task = taskOn(machine, 0, 0);
    run(fallocate(task, fileOf(task), PUNCH_HOLE, 0, HUGE_BYTES));
    machine.mmCpus.fill(0);
    return explore(new MachineScenario(machine, programs), { shrinkMax: 0 });
  };
  assert.equal(search(true).finding?.property, 'P-COUNT');
  assert.equal(search(false).isComplete, true);
});
