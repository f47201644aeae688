/** Huge pages whose entries are looked at without the lock of who changes them. */
import { formatById } from '../arch/index.ts';
import { MachineScenario, type Program } from '../check/index.ts';
import {
  type Bugs,
  getUserPageSlow,
  hstateBySizeLog,
  hugetlbShares,
  Machine,
  madvise,
  migrateHugetlbPage,
  mmap,
  mmapReadLock,
  mmapReadUnlock,
  newProcess,
  run,
  setMaxHugePages,
  store,
} from '../mm/index.ts';
import { MADV, MAP, PAGE_BYTES, PROT_RW } from '../uapi/mman.ts';
import type { ZooEntry } from './entry.ts';
import { HUGE, FIRST as HUGE_FIRST, mapping } from './hugetlb_machine.ts';

/** Small pages of a huge one of 64 KiB, which 16 entries of arm64 map. */
const RUN = 16;
const RUN_LOG = 16;
const FIRST = 2 ** 20;
const MAP_PRIVATE_FIXED_NORESERVE_HUGETLB =
  MAP.PRIVATE | MAP.ANONYMOUS | MAP.FIXED | MAP.NORESERVE | MAP.HUGETLB;
const MAP_SHARED_FIXED_NORESERVE = MAP.SHARED | MAP.FIXED | MAP.NORESERVE;
/** FOLL_GET. */
const GET = 1 << 1;

/** One program on each CPU, in a process that has one private huge page of 64 KiB, and no lock for it. */
function runRace(programs: readonly Program[], bugs: Bugs): MachineScenario {
  const format = formatById('arm64-4k-48bit')!;
  const shape = {
    frames: 8 * RUN,
    tables: 8,
    hugeSizes: [RUN],
    gather: RUN,
    flush: 'broadcast',
  } as const;
  const machine = new Machine({ format, ...shape, cpus: programs.length }, bugs);
  const task = run(newProcess(machine, 0))!;
  run(setMaxHugePages(task, hstateBySizeLog(machine, RUN_LOG << 26)!, 1));
  const flags = MAP_PRIVATE_FIXED_NORESERVE_HUGETLB | (RUN_LOG << 26);
  const call = { address: FIRST * PAGE_BYTES, length: RUN * PAGE_BYTES, prot: PROT_RW, flags };
  run(mmap(task, { ...call, file: undefined, offset: 0 }));
  run(store(task, FIRST, 1));
  machine.mmCpus.fill(0);
  return new MachineScenario(machine, programs);
}

const following: Program = { name: 'GUP', run: (task) => getUserPageSlow(task, FIRST, GET) };
const zapping: Program = {
  name: 'madvise(MADV_DONTNEED)',
  run: (task) => madvise(task, FIRST * PAGE_BYTES, RUN * PAGE_BYTES, MADV.DONTNEED),
};

export const runsUnderMmLock: ZooEntry = {
  id: 'A25',
  aliases: ['5f75cfbd6bb0', 'CVE-2022-3623', 'fac35ba763ed'],
  title: 'A walk and hugetlb lock the same entry by two different locks',
  bug: 'runsUnderMmLock',
  properties: ['P-UAF-PAGE'],
  actors: [
    'GUP of a huge page of 64 KiB, which several entries map',
    'madvise(MADV_DONTNEED) of it',
  ],
  story:
    'A huge page of 64 KiB is mapped by a run of entries in a table of small pages. Whoever walks tables ' +
    'takes the lock of that table; hugetlb took that of the address space for all sizes but 2 MiB. GUP ' +
    'came to walk pages of hugetlb like all others, read an entry under its lock, and got hold of a page ' +
    'that MADV_DONTNEED had cleared and freed meanwhile, under the other one. The mend: hugetlb takes ' +
    'the lock of the table, too. A walk for move_pages() had done the same before (CVE-2022-3623): there ' +
    'the walk was changed (fac35ba763ed).',
  fix: '5f75cfbd6bb0',
  versions: '6.10, before its mend; of the older walk, 5.1 to 6.0',
  bounds: '2 CPUs, 1 process, 1 huge page, 2 operations, flushes by broadcast',
  scenario: (isBroken) => runRace([following, zapping], { runsUnderMmLock: isBroken }),
};

const telling: Program = {
  name: 'smaps',
  *run(task) {
    const { machine, cpu, mm } = task;
    yield* mmapReadLock(machine, cpu, mm.id);
    yield* hugetlbShares(task, mm.vmas.at(HUGE_FIRST)!);
    yield* mmapReadUnlock(machine, cpu, mm.id);
  },
};
const migrating: Program = {
  name: 'migrate_pages',
  run: (task) => migrateHugetlbPage(task, task.machine.inodes.all()[0]!, 0),
};

export const hugetlbSeenUnlocked: ZooEntry = {
  id: 'A29',
  aliases: ['CVE-2025-39754', '45d19b4b6c2d'],
  title: 'smaps looks at a huge page that has been moved, and freed, since it read the entry',
  bug: 'hugetlbSeenUnlocked',
  properties: ['P-UAF-PAGE'],
  actors: ['smaps of a huge page', 'migration of it'],
  story:
    'smaps read entries of hugetlb without the page-table lock. What it finds while a page is moved is a ' +
    'migration entry, and it asks for the page that this names. Whoever moves the page puts the entry ' +
    'back, under that lock, and drops the page: smaps looks at one that is free, or, in Linux, stops at ' +
    'the assertion that such a page is locked. The mend: hold the lock while the page is looked at; ' +
    'pagemap and mincore() got it, too.',
  fix: '45d19b4b6c2d',
  versions: '4.4 to 6.16',
  bounds: '2 CPUs, 1 process, 1 huge page, 2 operations, flushes by broadcast',
  scenario: (isBroken) =>
    mapping(
      [telling, migrating],
      { hugetlbSeenUnlocked: isBroken },
      HUGE,
      MAP_SHARED_FIXED_NORESERVE,
      (task) => {
        run(store(task, HUGE_FIRST, 1));
      },
      { contents: false, flush: 'broadcast' },
    ),
};
