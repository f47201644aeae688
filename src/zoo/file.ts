/** Files that are cut while faults bring their pages in. */
import type { Program } from '../check/index.ts';
import {
  FOLL,
  fallocate,
  ftruncate,
  getUserPage,
  type OpenFile,
  run,
  type Task,
  unpin,
  writeFile,
} from '../mm/index.ts';
import type { ZooEntry } from './entry.ts';
import { PAGE, race, storing } from './small_machine.ts';

const KEEP_SIZE_PUNCH_HOLE = 3;

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
const punching: Program = {
  name: 'fallocate(PUNCH_HOLE)',
  run: (task) => fallocate(task, onlyFile(task), KEEP_SIZE_PUNCH_HOLE, 0, 4096),
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

/** The kernel reads the page for the program. */
const sending: Program = {
  name: 'write(2) from the page',
  *run(task) {
    const frame = yield* getUserPage(task, PAGE, FOLL.GET);
    if (frame >= 0) yield* unpin(task, frame);
  },
};

export const cachedWithoutRecheck: ZooEntry = {
  id: 'M9',
  aliases: ['cached-without-recheck'],
  title: 'A fault maps a page that was taken out of the page cache while it waited',
  bug: 'cachedWithoutRecheck',
  properties: ['P-COUNT', 'P-DATA'],
  actors: ['a hole punch of a page', 'write(2) from it'],
  story:
    'A fault finds a page in the page cache and waits for its folio lock, which a hole punch holds. ' +
    'When it gets the lock, the page is no longer one of the file: what is read is stale, and ' +
    'what is written is lost. folio->mapping has to be looked at again under the lock.',
  fix: undefined,
  versions: 'none',
  bounds: '2 CPUs, 1 process, 1 page, 2 operations',
  scenario: (isBroken) =>
    race(
      [punching, sending],
      { mapped: [], shared: [[PAGE, PAGE + 1]], touched: [] },
      { cachedWithoutRecheck: isBroken },
      (task) => run(writeFile(task, onlyFile(task), 0, 4096, 5)),
    ),
};
