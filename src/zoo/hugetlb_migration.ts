/** Huge pages that are moved while others map, share and discard them. */
import type { Program } from '../check/index.ts';
import { fallocate, load, migrateHugetlbPage, run, store, type Task } from '../mm/index.ts';
import type { ZooEntry } from './entry.ts';
import { FIRST, HUGE, mapping, onlyFile, sharing } from './hugetlb_machine.ts';

const KEEP_SIZE_PUNCH_HOLE = 3;
const MAP_SHARED_FIXED_NORESERVE = 0x4011;

const migrate = (task: Task) => migrateHugetlbPage(task, task.machine.inodes.all()[0]!, 0);
const migrating: Program = { name: 'migrate_pages', run: migrate };

export const migrateWithoutUnshare: ZooEntry = {
  id: 'A7',
  aliases: ['017b1660df89'],
  title: 'A huge page in a shared table is moved, and one of its processes is flushed',
  bug: 'migrateWithoutUnshare',
  properties: ['P-UAF-PAGE', 'P-DATA'],
  actors: ['migration of a huge page that two processes share', 'a store by the other process'],
  story:
    'One entry in a shared table stands for two processes, and counts as one mapping. Migration replaced ' +
    'it, flushed the CPUs of the process whose VMA it had come by, found the page unmapped, and moved ' +
    'it: the other process went on writing to the old page through its TLB, and a database lost what it ' +
    'wrote. The mend: who is not alone in the table gives it up first, so that the entry stays for the ' +
    'others, and the last one is met with the table its own. Every design that shares tables needs a ' +
    'rule in this place.',
  fix: '017b1660df89',
  versions: '2.6.20 to 4.18',
  bounds: '2 CPUs, 2 processes, 1 huge page, 2 operations',
  scenario: (isBroken) =>
    sharing(
      [migrating, { name: 'store', mm: 1, run: (task) => store(task, FIRST, 7) }],
      { migrateWithoutUnshare: isBroken },
      false,
      { contents: false },
    ),
};

/** The page is mapped again before it is moved. */
const loadingAndMigrating: Program = {
  name: 'load, migrate_pages',
  *run(task) {
    yield* load(task, FIRST);
    yield* migrate(task);
  },
};
const punching: Program = {
  name: 'fallocate(PUNCH_HOLE)',
  run: (task) => fallocate(task, onlyFile(task), KEEP_SIZE_PUNCH_HOLE, 0, HUGE * 4096),
};

export const punchBeforeFolioLock: ZooEntry = {
  id: 'A15',
  aliases: ['CVE-2025-40006', '7b7387650dcf'],
  title: 'A hole punch takes a page for unmapped that is just being moved',
  bug: 'punchBeforeFolioLock',
  properties: ['P-COUNT', 'P-UAF-PAGE'],
  actors: ['fallocate(FALLOC_FL_PUNCH_HOLE) of a huge page', 'a load from it, and its migration'],
  story:
    'A hole punch gets a reference to a page, looks whether it is mapped, and locks it. A migration that ' +
    'is under way has made a migration entry of the only mapping: the page is not mapped, and cannot be ' +
    'moved either, because of that reference. The entry comes back, and the hole punch, which has the ' +
    'lock now, takes a page out of the file that is mapped. The mend: lock first, then look.',
  fix: '7b7387650dcf',
  versions: '4.5 to 6.16',
  bounds: '2 CPUs, 1 process, 1 huge page, 3 operations, flushes by broadcast',
  scenario: (isBroken) =>
    mapping(
      [punching, loadingAndMigrating],
      { punchBeforeFolioLock: isBroken },
      HUGE,
      MAP_SHARED_FIXED_NORESERVE,
      (task, file) => {
        run(fallocate(task, file, 0, 0, HUGE * 4096));
      },
      { contents: false, flush: 'broadcast' },
    ),
};
