/** Writes that are forced through entries which are not writable: on whose page? */
import type { Program } from '../check/index.ts';
import {
  FOLL,
  getUserPage,
  headOf,
  load,
  madvise,
  memfdCreate,
  mmap,
  type OpenFile,
  run,
  type Task,
  UffdFeature,
  UffdMode,
  type Userfaultfd,
  uffdioApi,
  uffdioContinue,
  uffdioRegister,
  unpin,
  userfaultfd,
  violate,
  writeFile,
} from '../mm/index.ts';
import { MADV, MAP, PAGE_BYTES, PROT } from '../uapi/mman.ts';
import { UFFD_API } from '../uapi/userfaultfd.ts';
import type { ZooEntry } from './entry.ts';
import {
  PAGE,
  race,
  readFrame,
  SMALL_TABLE_PAGES,
  SMALL_TABLES,
  writeFrame,
} from './small_machine.ts';

const MAP_PRIVATE_FIXED = MAP.PRIVATE | MAP.FIXED;
const MAP_ANONYMOUS_FIXED = MAP.PRIVATE | MAP.ANONYMOUS | MAP.FIXED;
/** What the file says before. */
const CONTENT = 5;

const START = PAGE * PAGE_BYTES;
const FORCED = FOLL.WRITE | FOLL.FORCE | FOLL.GET;

/** Writes where the program may not: the file must stay. */
const forcing: Program = {
  name: 'write to /proc/self/mem',
  *run(task) {
    const { machine } = task;
    const frame = yield* getUserPage(task, PAGE, FORCED);
    if (frame < 0) return;
    yield* writeFrame(machine, frame, 7);
    const [inode] = machine.inodes.all();
    const content = yield* readFrame(machine, inode!.pages.get(0));
    if (content !== CONTENT) violate(machine, 'P-COW');
    yield* unpin(task, frame);
  },
};

const known = ({ machine }: Task): Userfaultfd => machine.userfaultfds.all()[0]!;

function* mapFromFile(task: Task) {
  yield* uffdioContinue(task, known(task), { start: START, length: PAGE_BYTES, mode: 0 });
}

const mappingAgain: Program = {
  name: 'MADV_DONTNEED, UFFDIO_CONTINUE',
  *run(task) {
    yield* madvise(task, START, PAGE_BYTES, MADV.DONTNEED);
    yield* mapFromFile(task);
  },
};

/** A page of a file in memory, for reading and privately, mapped by who handles its faults. */
function mapWatched(task: Task): void {
  const file = memfdCreate(task, 0, 0) as OpenFile;
  run(writeFile(task, file, 0, PAGE_BYTES, CONTENT));
  const place = { address: START, length: PAGE_BYTES, offset: 0 };
  run(mmap(task, { ...place, prot: PROT.READ, flags: MAP_PRIVATE_FIXED, file }));
  const uffd = userfaultfd(task, 0) as Userfaultfd;
  uffdioApi(task, uffd, UFFD_API, UffdFeature.MINOR_SHMEM);
  run(uffdioRegister(task, uffd, START, PAGE_BYTES, UffdMode.MINOR));
  run(mapFromFile(task));
}

export const forcedWriteByDirty: ZooEntry = {
  id: 'B9',
  aliases: ['CVE-2022-2590', '5535be309971'],
  title: 'A forced write takes a dirty page of a file for its own copy',
  bug: 'forcedWriteByDirty',
  properties: ['P-COW'],
  actors: [
    'a forced write to a private read-only page of a file in memory',
    'MADV_DONTNEED of the page, then UFFDIO_CONTINUE',
  ],
  story:
    'Since Dirty COW (B8) a forced write was let through a read-only entry if a fault for it came first, ' +
    'and the entry is dirty: who else would make it so? UFFDIO_CONTINUE does, since 5.16: it maps pages of ' +
    'files in memory dirty, read-only ones, too. Between the fault and the second look the copy is ' +
    'discarded and the page of the file mapped, and the write reaches the file. The mend asks of the page ' +
    'what was to be known: whether it is private, and of this process alone (PageAnonExclusive).',
  fix: '5535be309971',
  versions: '5.16 to 5.19',
  bounds: '2 CPUs, 1 process, 1 page, 3 operations, flushes by broadcast',
  scenario: (isBroken) =>
    race(
      [forcing, mappingAgain],
      { mapped: [], touched: [], flush: 'broadcast' },
      { forcedWriteByDirty: isBroken },
      mapWatched,
    ),
};

const BYTES = SMALL_TABLE_PAGES * PAGE_BYTES;

/** The same where a huge page is: that of zeroes is everybody's. */
const forcingHuge: Program = {
  name: 'write to /proc/self/mem',
  *run(task) {
    const { machine } = task;
    const frame = yield* getUserPage(task, PAGE, FORCED);
    if (frame < 0) return;
    if (headOf(machine, frame) === machine.hugeZero[0]) violate(machine, 'P-COW');
    yield* unpin(task, frame);
  },
};

const readingAgain: Program = {
  name: 'MADV_DONTNEED, MADV_POPULATE_READ',
  *run(task) {
    yield* madvise(task, START, BYTES, MADV.DONTNEED);
    yield* madvise(task, START, PAGE_BYTES, MADV.POPULATE_READ);
  },
};

/** Memory that was read only: the huge page of zeroes. */
function mapZeroes(task: Task): void {
  const place = { address: START, length: BYTES, file: undefined, offset: 0 };
  run(mmap(task, { ...place, prot: PROT.READ, flags: MAP_ANONYMOUS_FIXED }));
  run(load(task, PAGE));
}

export const readDirtiesHugePage: ZooEntry = {
  id: 'B10',
  aliases: ['CVE-2017-1000405', 'huge-dirty-cow', 'a8f97366452e'],
  title: 'Huge Dirty COW: a look at a huge page makes it dirty, and a forced write its own',
  bug: 'readDirtiesHugePage',
  properties: ['P-COW'],
  actors: [
    'a forced write to a read-only huge page of zeroes',
    'MADV_DONTNEED of it, then MADV_POPULATE_READ',
  ],
  story:
    'The mend of Dirty COW (B8) let a forced write through a read-only entry if a fault came first, and ' +
    'the entry is dirty. Of huge pages every look by get_user_pages() made the entry dirty, those for ' +
    'reading, too. So when the copy is discarded, and the huge page of zeroes read in, it seems to be what ' +
    'the fault has made: the write goes to the zeroes of all processes, or to a file in memory. The mend: ' +
    'dirty is what is looked at to be written to. The test itself was given up later (B9).',
  fix: 'a8f97366452e',
  versions: '4.9 to 4.14, and where B8 was mended before',
  bounds:
    '2 CPUs, 1 process, 1 huge page, 3 operations, tables of 32 entries, flushes by broadcast; forced ' +
    'writes ask for dirty entries',
  scenario: (isBroken) =>
    race(
      [forcingHuge, readingAgain],
      {
        ...SMALL_TABLES,
        thp: 'always',
        mapped: [],
        touched: [],
        frames: 256,
        flush: 'broadcast',
      },
      { forcedWriteByDirty: true, readDirtiesHugePage: isBroken },
      mapZeroes,
    ),
};
