/** Pages that userfaultfd fills, moves and write-protects. */
import type { Program } from '../check/index.ts';
import {
  closeUserfaultfd,
  fork,
  ftruncate,
  load,
  madvise,
  memfdCreate,
  mlock2,
  mmap,
  mremap,
  newInode,
  type Op,
  type OpenFile,
  run,
  store,
  type Task,
  UffdFeature,
  UffdMode,
  type Userfaultfd,
  uffdioApi,
  uffdioCopy,
  uffdioMove,
  uffdioRegister,
  uffdioWriteprotect,
  userfaultfd,
} from '../mm/index.ts';
import { MADV, MAP, MLOCK, MREMAP, PAGE_BYTES, PROT_RW } from '../uapi/mman.ts';
import { UFFD_API, UffdWpMode } from '../uapi/userfaultfd.ts';
import type { ZooEntry } from './entry.ts';
import { PAGE, race, TABLE_PAGES } from './small_machine.ts';

const MAYMOVE_FIXED = MREMAP.MAYMOVE | MREMAP.FIXED;
const MAP_SHARED_FIXED = MAP.SHARED | MAP.FIXED;
/** Where something is moved to, or copied from: in another table. */
const OTHER = PAGE + TABLE_PAGES;

export const at = (page: number): number => page * PAGE_BYTES;

/** A descriptor of `task`, ready, that is told of `[start, start + pages)`. */
export function* watch(
  task: Task,
  start: number,
  pages: number,
  mode: number,
  features: number = UffdFeature.WP_UNPOPULATED,
): Op<Userfaultfd> {
  const uffd = userfaultfd(task, 0) as Userfaultfd;
  uffdioApi(task, uffd, UFFD_API, features);
  yield* uffdioRegister(task, uffd, at(start), pages * PAGE_BYTES, mode);
  return uffd;
}

/** The descriptor that was made before the race. */
export const known = ({ machine }: Task): Userfaultfd => machine.userfaultfds.all()[0]!;

/** Protects a page, closes the descriptor, and watches for writes anew: nothing is protected. */
const closing: Program = {
  name: 'UFFDIO_WRITEPROTECT, close, register again, store',
  *run(task) {
    const first = yield* watch(task, PAGE, 1, UffdMode.WP);
    yield* uffdioWriteprotect(task, first, at(PAGE), PAGE_BYTES, UffdWpMode.WP);
    yield* closeUserfaultfd(task, first);
    yield* watch(task, PAGE, 1, UffdMode.WP);
    yield* store(task, PAGE, 7);
  },
};

export const closeKeepsWpMarkers: ZooEntry = {
  id: 'D4',
  aliases: ['CVE-2024-36881'],
  title: 'Write protection for userfaultfd survives its descriptor',
  bug: 'closeKeepsWpMarkers',
  properties: ['deadlock'],
  actors: ['a process that closes its userfaultfd, makes another one, and writes'],
  story:
    'Closing a userfaultfd took its VMAs from it, and left the entries write-protected. Whoever ' +
    'registered the same memory next was told of writes to pages that it had never protected; here ' +
    'nobody answers, and the write waits for good. Closing now resolves the protection first.',
  fix: 'c88033efe9a3',
  versions: 'until 6.8',
  bounds: '1 CPU, 1 process, 1 page, 5 operations',
  scenario: (isBroken) =>
    race(
      [closing],
      { mapped: [[PAGE, PAGE + 1]], touched: [PAGE] },
      { closeKeepsWpMarkers: isBroken },
    ),
};

/** Moves a page that is protected: nobody is told of the new place, until somebody asks. */
const moving: Program = {
  name: 'UFFDIO_WRITEPROTECT, mremap, register, store',
  *run(task) {
    const first = yield* watch(task, PAGE, 1, UffdMode.WP);
    yield* uffdioWriteprotect(task, first, at(PAGE), PAGE_BYTES, UffdWpMode.WP);
    const lengths = { oldLength: PAGE_BYTES, newLength: PAGE_BYTES };
    const place = { address: at(PAGE), newAddress: at(OTHER), flags: MAYMOVE_FIXED };
    yield* mremap(task, { ...place, ...lengths });
    yield* watch(task, OTHER, 1, UffdMode.WP);
    yield* store(task, OTHER, 7);
  },
};

export const moveKeepsUffdWp: ZooEntry = {
  id: 'C5',
  aliases: ['CVE-2025-21696'],
  title: 'mremap() takes write protection for userfaultfd along, to where nobody is told',
  bug: 'moveKeepsUffdWp',
  properties: ['deadlock'],
  actors: ['a process that moves a page which it has protected, and watches the new place'],
  story:
    'Without UFFD_FEATURE_EVENT_REMAP, what is moved is not watched any more. The entries went to ' +
    'the new place as they were, protected for a userfaultfd that the VMA no longer had. The kernel ' +
    'warned, and whoever watched the new place was told of writes that it had not asked for. Moves ' +
    'now clear the bits, entry by entry.',
  fix: '0cef0bb836e3',
  versions: 'until 6.12',
  bounds: '1 CPU, 1 process, 1 page, 5 operations',
  scenario: (isBroken) =>
    race(
      [moving],
      { mapped: [[PAGE, PAGE + 1]], touched: [PAGE], tables: 14 },
      { moveKeepsUffdWp: isBroken },
    ),
};

export const pageout = (task: Task, page: number): Op<number> =>
  madvise(task, at(page), PAGE_BYTES, MADV.PAGEOUT);

/** Forks while its page is protected and swapped out: the child is not watched, until it asks. */
const forkingProtected: Program = {
  name: 'UFFDIO_WRITEPROTECT, MADV_PAGEOUT, fork; in the child: register, store',
  *run(task) {
    const first = yield* watch(task, PAGE, 1, UffdMode.WP);
    yield* uffdioWriteprotect(task, first, at(PAGE), PAGE_BYTES, UffdWpMode.WP);
    yield* pageout(task, PAGE);
    const child = yield* fork(task, task.cpu);
    if (typeof child === 'number') return;
    yield* watch(child, PAGE, 1, UffdMode.WP);
    yield* store(child, PAGE, 7);
  },
};

export const forkKeepsSoftUffdWp: ZooEntry = {
  id: 'D5',
  aliases: ['CVE-2023-4732', '8f34f1eac382'],
  title: 'fork() leaves write protection for userfaultfd on pages that are swapped out',
  bug: 'forkKeepsSoftUffdWp',
  properties: ['deadlock'],
  actors: ['a process that forks with a protected page swapped out, and its child, which writes'],
  story:
    'Unless it asks to be told of forks, a userfaultfd has no part in the child, and what is protected ' +
    "is to be copied without its protection. It was the parent's VMA that was asked for that, and the " +
    'bit stayed in entries of the swap device; of huge pages that are being moved the wrong bit was ' +
    'looked at. A child that watches the page itself is then told of a write that it never asked to be ' +
    "told of, and here nobody answers. The mend: the child's VMA is asked, of each kind of entry by its " +
    'own bit.',
  fix: '8f34f1eac382',
  versions: '5.7 to 5.13',
  bounds: '1 CPU, 2 processes, 1 page, 6 operations',
  scenario: (isBroken) =>
    race(
      [forkingProtected],
      {
        mapped: [[PAGE, PAGE + 1]],
        touched: [PAGE],
        mms: 2,
        frames: 24,
        tables: 16,
        swapSlots: 1,
      },
      { forkKeepsSoftUffdWp: isBroken },
    ),
};

const movingAway: Program = {
  name: 'UFFDIO_MOVE, load',
  *run(task) {
    const range = { source: at(PAGE), destination: at(OTHER), length: PAGE_BYTES };
    const { result } = yield* uffdioMove(task, known(task), { ...range, mode: 0 });
    if (result === 0) yield* load(task, OTHER);
  },
};

const swapping: Program = { name: 'MADV_PAGEOUT', run: (task) => pageout(task, PAGE) };

export const moveIgnoresSwapCache: ZooEntry = {
  id: 'D1',
  aliases: ['CVE-2025-38242'],
  title: 'UFFDIO_MOVE moves an entry of the swap device, and not what the swap cache has of it',
  bug: 'moveIgnoresSwapCache',
  properties: ['P-COUNT', 'P-COW'],
  actors: ['UFFDIO_MOVE of a page, then a load from its new place', 'MADV_PAGEOUT of it'],
  story:
    'An entry that stands for a slot of the swap device is moved as it is. The swap cache may have ' +
    'the folio still, or again, which says where it was mapped. Mapped at its new place from there, ' +
    'it is where no walk of the reverse map finds it. The folio is locked and told its new place, ' +
    'and the swap cache is asked again under the lock of the table.',
  fix: '0ea148a799198',
  versions: '6.8 to 6.15',
  bounds: '2 CPUs, 1 process, 1 page, 3 operations',
  scenario: (isBroken) =>
    race(
      [movingAway, swapping],
      {
        mapped: [
          [PAGE, PAGE + 1],
          [OTHER, OTHER + 1],
        ],
        touched: [PAGE],
        frames: 8,
        tables: 12,
        swapSlots: 1,
      },
      { moveIgnoresSwapCache: isBroken },
      (task) => {
        run(watch(task, OTHER, 1, UffdMode.MISSING));
      },
    ),
};

const filling: Program = {
  name: 'UFFDIO_COPY',
  run: (task) => copyInto(task, PAGE, OTHER, 1),
};

const copyInto = (task: Task, page: number, from: number, pages: number): Op<unknown> =>
  uffdioCopy(task, known(task), {
    start: at(page),
    source: at(from),
    length: pages * PAGE_BYTES,
    mode: 0,
  });

const cutting: Program = {
  name: 'ftruncate',
  run: (task) => {
    const inode = task.mm.vmas.at(PAGE)!.file!.inode;
    const rights = { isReadable: true, isWritable: true, isExecutable: true };
    return ftruncate(task, { mapped: { inode }, ...rights, pagesMax: 2 ** 32 }, 0);
  },
};

export const fillWithoutSizeCheck: ZooEntry = {
  id: 'A31',
  aliases: ['CVE-2017-15128'],
  title: 'UFFDIO_COPY fills a page behind the end of the file',
  bug: 'fillWithoutSizeCheck',
  properties: ['P-COUNT'],
  actors: ['UFFDIO_COPY to a page of a file in memory', 'ftruncate() of the file to nothing'],
  story:
    'A page is put into the page cache and mapped without a look at the size of the file. When the ' +
    'file was cut meanwhile, the page stays for good behind its end, where nobody looks for it: ' +
    'pages that are gone when the file is, but are counted as its own. The size is asked for again ' +
    'under the lock of the table, which truncation takes later. Found with hugetlb.',
  fix: '1e3921471354',
  versions: '4.11 to 4.13',
  bounds: '2 CPUs, 1 process, 1 page, 2 operations',
  scenario: (isBroken) =>
    race(
      [filling, cutting],
      { mapped: [[OTHER, OTHER + 1]], touched: [OTHER], frames: 8 },
      { fillWithoutSizeCheck: isBroken },
      (task) => {
        const file = memfdCreate(task, 1, 0) as OpenFile;
        run(ftruncate(task, file, PAGE_BYTES));
        run(
          mmap(task, {
            address: at(PAGE),
            length: PAGE_BYTES,
            prot: PROT_RW,
            flags: 0x11,
            file,
            offset: 0,
          }),
        );
        run(watch(task, PAGE, 1, UffdMode.MISSING));
      },
    ),
};

const touchingLocked: Program = { name: 'load', run: (task) => load(task, PAGE) };

export const lockedFaultSeesMarker: ZooEntry = {
  id: 'A39',
  aliases: ['mlocked-file-under-async-wp-hangs'],
  title: 'A fault on locked memory of a file takes a marker of userfaultfd for a page, for good',
  bug: 'lockedFaultSeesMarker',
  properties: ['P-LIVE'],
  actors: [
    'a load from a page of a file on a disk that is locked, write-protected and not in memory',
  ],
  story:
    'A fault on locked memory whose page is not in the page cache looks at the entry once more before it ' +
    'reads: a private copy may be mapped there, whose entry was away while its rights changed. Any entry ' +
    'that is not empty ends the fault, to be tried again. Since UFFD_FEATURE_WP_ASYNC (6.7), files on a ' +
    'disk can be write-protected by userfaultfd, which leaves a marker in the entry of each page that is ' +
    'not mapped: the fault takes that for a page, the access faults again, and so on for good, at full ' +
    'speed, until the process is killed. Seen on Linux 6.18.44 as a million minor faults a second, none of ' +
    'which adds a page to the page cache: mmap() of a file of ext4, mlock2(MLOCK_ONFAULT), ' +
    'UFFDIO_REGISTER and UFFDIO_WRITEPROTECT with UFFD_FEATURE_WP_ASYNC, then a load; the same with a ' +
    'private mapping, with a store, and if it is locked last. No report was found. It came with ' +
    '58f327f2ce80 (filemap: avoid unnecessary major faults in filemap_fault()), as far as the source ' +
    'tells. A mend that is verified: a marker is no page.',
  fix: undefined,
  versions: '6.9 to 6.18, reproduced on 6.18, latent',
  bounds: '1 CPU, 1 process, 1 page, 1 operation',
  scenario: (isBroken) =>
    race(
      [touchingLocked],
      { mapped: [], touched: [] },
      { lockedFaultSeesMarker: isBroken },
      (task) => {
        const inode = newInode(task.machine, 0, { fileSystem: 'ext4', bytes: PAGE_BYTES });
        const rights = { isReadable: true, isWritable: true, isExecutable: false };
        const file = { mapped: { inode }, ...rights, pagesMax: 2 ** 32 };
        const place = { address: at(PAGE), length: PAGE_BYTES, offset: 0 };
        run(mmap(task, { ...place, prot: PROT_RW, flags: MAP_SHARED_FIXED, file }));
        run(mlock2(task, at(PAGE), PAGE_BYTES, MLOCK.ONFAULT));
        const uffd = run(watch(task, PAGE, 1, UffdMode.WP, UffdFeature.WP_ASYNC));
        run(uffdioWriteprotect(task, uffd, at(PAGE), PAGE_BYTES, UffdWpMode.WP));
      },
    ),
};

export const USERFAULTFD: readonly ZooEntry[] = [
  lockedFaultSeesMarker,
  closeKeepsWpMarkers,
  moveKeepsUffdWp,
  moveIgnoresSwapCache,
  forkKeepsSoftUffdWp,
  fillWithoutSizeCheck,
];
