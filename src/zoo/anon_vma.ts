/** What private pages belong to: lists of VMAs, which neighbours and forks may have in common. */
import type { Program } from '../check/index.ts';
import { exit, fork, mprotect, run, store, type Task } from '../mm/index.ts';
import { PAGE_BYTES, PROT, PROT_RW } from '../uapi/mman.ts';
import type { ZooEntry } from './entry.ts';
import { PAGE, race, storing, unmapping } from './small_machine.ts';

const PROT_RWX = PROT_RW | PROT.EXEC;

const protecting = (task: Task, page: number, prot: number) =>
  mprotect(task, page * PAGE_BYTES, PAGE_BYTES, prot);

/** Two neighbours that differ in their rights only. The upper one has a page, and its anon_vma. */
function mapNeighbours(task: Task): void {
  run(protecting(task, PAGE, PROT_RWX));
  run(store(task, PAGE + 1, 1));
}

export const anonVmaUnderVmaLock: ZooEntry = {
  id: 'B16',
  aliases: ['CVE-2024-1312', '657b5146955e'],
  title: 'A fault takes the anon_vma of a neighbour that is just being unmapped',
  bug: 'anonVmaUnderVmaLock',
  properties: ['P-COUNT'],
  actors: ['a store to untouched memory', 'munmap() of the VMA beside it'],
  story:
    'The first private page of a VMA needs an anon_vma, and takes that of a neighbour if the two could be ' +
    'one some day. The lock of the VMA keeps no neighbour from being unmapped, so that faults under it ' +
    'left such VMAs to the mmap lock. But they looked for the anon_vma before they had the lock of the ' +
    'VMA, and mremap() could take it away in between. The fault then asks the neighbours all the same, ' +
    'and gets an anon_vma that munmap() is freeing; here the look is left out. The mend: look once the ' +
    'VMA is locked.',
  fix: '657b5146955e',
  versions: '6.4',
  bounds: '2 CPUs, 1 process, 2 pages, 2 operations, flushes by broadcast',
  scenario: (isBroken) =>
    race(
      [storing(PAGE, 7), unmapping(PAGE + 1)],
      { mapped: [[PAGE, PAGE + 2]], touched: [], flush: 'broadcast' },
      { anonVmaUnderVmaLock: isBroken },
      mapNeighbours,
    ),
};

/** A process whose parent is gone. */
function orphanOf(parent: Task): Task {
  const child = run(fork(parent, parent.cpu)) as Task;
  run(exit(parent));
  return child;
}

/**
 * Forks until the fifth process in a row, address space 2, has two VMAs with an anon_vma each. Both
 * list those of the ancestors, too, and that of the third one is nobody's by then.
 */
function forkInARow(first: Task): void {
  const grandchild = orphanOf(orphanOf(first));
  const next = run(fork(grandchild, grandchild.cpu)) as Task;
  run(protecting(grandchild, PAGE + 1, PROT.READ));
  run(protecting(next, PAGE + 1, PROT.READ));
  const last = run(fork(next, next.cpu)) as Task;
  run(exit(grandchild));
  run(store(last, PAGE, 7));
}

const forkingAndMerging: Program = {
  name: 'fork; in the child: mprotect(PROT_READ)',
  mm: 2,
  *run(task) {
    const child = yield* fork(task, task.cpu);
    if (typeof child !== 'number') yield* protecting(child, PAGE, PROT.READ);
  },
};

export const anonVmaReusedTwice: ZooEntry = {
  id: 'C18',
  aliases: ['CVE-2022-42703', '2555283eb40d'],
  title:
    'fork() gives two VMAs one anon_vma of an ancestor, and their merge forgets the pages of one',
  bug: 'anonVmaReusedTwice',
  properties: ['P-COW'],
  actors: ['a process of the fifth generation that forks; its child merges two VMAs'],
  story:
    'So that generations of forks do not make ever more anon_vmas, a VMA of a child may take over one ' +
    'that an ancestor has left behind. One count (degree) was kept of the children of an anon_vma and of ' +
    'the VMAs whose own it is, on the belief that one which is not a leaf has a child: less than two, so ' +
    'nobody has it. But who takes one over makes no child, and then another VMA may take the same. Two ' +
    'VMAs with one anon_vma are believed to list the same pages, and are merged: pages of the one that ' +
    'goes belong to an anon_vma that no longer knows of them, and may be freed. The mend: two counts.',
  fix: '2555283eb40d',
  versions: '3.19 to 5.19',
  bounds: '1 CPU, 6 generations of processes, 2 pages, 2 operations',
  scenario: (isBroken) =>
    race(
      [forkingAndMerging],
      { mapped: [[PAGE, PAGE + 2]], touched: [PAGE], mms: 4, frames: 64, tables: 32 },
      { anonVmaReusedTwice: isBroken },
      forkInARow,
    ),
};
