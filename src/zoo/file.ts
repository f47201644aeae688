/** Files that are cut while faults bring their pages in. */
import type { Program } from '../check/index.ts';
import { ftruncate, type OpenFile, type Task } from '../mm/index.ts';
import type { ZooEntry } from './entry.ts';
import { PAGE, race, storing } from './small_machine.ts';

/** The file behind the only shared mapping. */
function onlyFile({ machine }: Task): OpenFile {
  const [inode] = machine.inodes.all();
  const rights = { isReadable: true, isWritable: true, isExecutable: true };
  return { mapped: { inode: inode! }, ...rights, pagesMax: 2 ** 32 };
}

const truncating: Program = {
  name: 'ftruncate',
  run: (task) => ftruncate(task, onlyFile(task), 0),
};

export const faultWithoutSizeRecheck: ZooEntry = {
  id: 'A9',
  aliases: ['fault-against-truncate'],
  title: 'A fault puts a page behind the end of a file that was just cut',
  bug: 'faultWithoutSizeRecheck',
  properties: ['P-COUNT'],
  actors: ['ftruncate() of a file to nothing', 'a store to a page of it'],
  story:
    'A fault looks at the size of the file, and is then overtaken by a truncation, from its first ' +
    'step to its last. What the fault puts into the page cache now lies behind the end: nobody will ' +
    'ever take it out. (In hugetlb, where pages are reserved, this corrupted the counts of ' +
    'reservations.) The size has to be looked at again under the folio lock.',
  fix: undefined,
  versions: 'hugetlb until 5.7, again until 6.1',
  bounds: '2 CPUs, 1 process, 1 page, 2 operations',
  scenario: (isBroken) =>
    race(
      [truncating, storing(PAGE, 7)],
      { mapped: [], shared: [[PAGE, PAGE + 1]], touched: [] },
      { faultWithoutSizeRecheck: isBroken },
    ),
};
