/** Walks that change entries or hold pages, in either form, against others: in every interleaving. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explore, type MachineScenario, type Program } from '../../src/check/index.ts';
import * as mm from '../../src/mm/index.ts';
import {
  asProcess,
  FIRST,
  GIB,
  HUGE,
  mapping,
  sharing,
  zap,
} from '../../src/zoo/hugetlb_machine.ts';

const PAGE = 4096;
const SHARED_FIXED_NORESERVE = 0x4011;
const READ = 1;

const protecting = (form: mm.WalkForm): Program => ({
  name: 'mprotect(PROT_READ)',
  run: (task) => mm.mprotect(task, FIRST * PAGE, GIB * PAGE, READ, form),
});
const getting = (form: mm.WalkForm): Program => ({
  name: 'GUP',
  *run(task) {
    const frame = yield* mm.getUserPageSlow(task, FIRST, mm.FOLL.GET, form);
    yield* mm.unpin(task, frame);
  },
});
const scanning = (form: mm.WalkForm): Program => ({
  name: 'PAGEMAP_SCAN(PM_SCAN_WP_MATCHING)',
  run: (task) => mm.pagemapScan(task, SCAN, form),
});
const SCAN: mm.PmScanArg = {
  ...{ flags: mm.PmScan.WP_MATCHING, start: FIRST * PAGE, end: (FIRST + HUGE) * PAGE },
  ...{ vecLength: 1, maxPages: 0, categoryInverted: 0, categoryAnyofMask: 0 },
  ...{ categoryMask: mm.PageIs.WRITTEN, returnMask: mm.PageIs.WRITTEN },
};
const storing: Program = { name: 'store', run: (task) => mm.store(task, FIRST, 7) };
const reading: Program = {
  name: 'load in process 1',
  run: (task) => mm.load(asProcess(task, 1), FIRST),
};
const zapping: Program = { name: 'madvise', run: (task) => zap(task, FIRST) };

/** Another process maps the GiB for reading, and has not touched it. */
function beside(program: Program, other: Program): MachineScenario {
  return mapping([program, other], {}, GIB, SHARED_FIXED_NORESERVE, (task, file) => {
    mm.run(mm.store(task, FIRST, 1));
    const reader = mm.run(mm.newProcess(task.machine, 0))!;
    const call = { address: FIRST * PAGE, length: GIB * PAGE, prot: READ, file, offset: 0 };
    mm.run(mm.mmap(reader, { ...call, flags: SHARED_FIXED_NORESERVE }));
  });
}

/** Writes to a huge page are tracked by userfaultfd. */
function tracked(program: Program, other: Program): MachineScenario {
  return mapping([program, other], {}, HUGE, SHARED_FIXED_NORESERVE, (task) => {
    const uffd = mm.userfaultfd(task, 1) as mm.Userfaultfd;
    const { PAGEFAULT_FLAG_WP, WP_HUGETLBFS_SHMEM, WP_ASYNC } = mm.UffdFeature;
    mm.uffdioApi(task, uffd, 0xaa, PAGEFAULT_FLAG_WP | WP_HUGETLBFS_SHMEM | WP_ASYNC);
    mm.run(mm.uffdioRegister(task, uffd, FIRST * PAGE, HUGE * PAGE, mm.UffdMode.WP));
    mm.run(mm.store(task, FIRST, 1));
  });
}

const RACES: readonly (readonly [string, (form: mm.WalkForm) => MachineScenario])[] = [
  ['rights change by a walk while a table is shared', (form) => beside(protecting(form), reading)],
  ['rights change by a walk under a store', (form) => sharing([protecting(form), storing], {})],
  ['a page is got while its table is given up', (form) => sharing([getting(form), zapping], {})],
  ['a page is protected under a store', (form) => tracked(scanning(form), storing)],
  ['a page is protected while it is dropped', (form) => tracked(scanning(form), zapping)],
];

for (const form of Object.values(mm.WalkForm)) {
  for (const [name, scenario] of RACES) {
    test(`${form}: ${name}`, () => {
      const { finding, isComplete, executions } = explore(scenario(form));
      assert.equal(finding?.property, undefined);
      assert.ok(isComplete);
      assert.ok(executions > 1, 'they meet');
    });
  }
}
