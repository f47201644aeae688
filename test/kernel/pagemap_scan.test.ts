/**
 * PAGEMAP_SCAN of the engine against the running kernel's, with write protection of what it finds:
 * random programs that scan more often than anything else, and huge pages of hugetlb.
 */
import assert from 'node:assert/strict';
import { before } from 'node:test';
import { alone } from '../live/alone.ts';
import { raiseHugePages } from '../live/huge_pages.ts';
import { programs as commands, judgedTest, root } from '../live/judge.ts';
import { newSeed } from '../seed.ts';
import { UFFD_FEATURE } from './calls.ts';
import { UFFD_WEIGHTS } from './covered.ts';
import { hugePool, poolIsUsed } from './huge_pool.ts';
import {
  compareRandomPrograms,
  describeMismatch,
  differenceIn,
  shrinkMismatch,
} from './judge_engine.ts';
import { type Program, parseProgram, type Step } from './program.ts';
import { referenceHost } from './reference_host.ts';
import { uffdProgram } from './uffd_program.ts';

before(alone);

/** How long random programs are compared; continuous integration may set more. */
const SECONDS = Number(process.env.PTSHARE_SCAN_SECONDS ?? 8);
const BATCH = 25;
const WEIGHTS = { ...UFFD_WEIGHTS, scan: 40, store: 25 };
const POOL_PAGES = 4;

const needs = [root, commands('gcc'), referenceHost];

/** Writes are tracked without anybody who is asked, by most of the program's userfaultfds. */
function scanProgram(seed: number): Program {
  return { steps: uffdProgram(seed, WEIGHTS).steps.map((step) => tracking(step, seed)) };
}

function tracking(step: Step, seed: number): Step {
  const { call } = step;
  if (call.name !== 'uffd_api' || seed % 5 === 0) return step;
  const { sigbus, pagefault_flag_wp, wp_hugetlbfs_shmem, wp_async } = UFFD_FEATURE;
  const features = sigbus + pagefault_flag_wp + wp_hugetlbfs_shmem + wp_async;
  return { ...step, call: { ...call, features } };
}

judgedTest('a scan tells and protects what the kernel does', needs, (context) => {
  const first = newSeed();
  const end = Date.now() + SECONDS * 1000;
  let seed = first;
  let scans = 0;
  for (; Date.now() < end; seed += BATCH) {
    const seeds = Array.from({ length: BATCH }, (_, index) => seed + index);
    const result = compareRandomPrograms(seeds, scanProgram);
    scans += result.calls.get('scan') ?? 0;
    const mismatch = result.mismatches[0];
    if (mismatch !== undefined) assert.fail(describeMismatch(shrinkMismatch(mismatch)));
  }
  context.diagnostic(`seeds ${first} to ${seed - 1}, ${scans} scans`);
});

/**
 * Four huge pages, of which two are there: the others are empty entries. Nobody asks for protection
 * where there is no table, as kernels before July 2026 would never return.
 */
const HUGE_PAGES = (kind: string): string => `
#0 p0 mmap 0x40000000 0x800000 read|write ${kind}|fixed|anonymous|noreserve|hugetlb none 0x0
#1 p0 userfaultfd u0 0x0
#2 p0 uffd_api u0 0xaa sigbus|pagefault_flag_wp|wp_hugetlbfs_shmem|wp_async
#3 p0 uffd_register u0 #0 0x800000 wp
#4 p0 store #0 1 0x91
#5 p0 load #0+0x400000 1
#6 p0 scan #0 0x800000 none none/none/none/0x1ff 100 0
#7 p0 scan #0+0x1000 0x3ff000 wp_matching none/written/none/0x1ff 100 0
#8 p0 scan #0 0x800000 wp_matching none/none/none/0x1ff 100 700
#9 p0 scan #0 0x800000 none none/none/none/0x1ff 100 0
#10 p0 scan #0 0x800000 wp_matching|check_wpasync none/written/none/written 100 0
#11 p0 store #0+0x3000 1 0x96
#12 p0 scan #0 0x800000 none none/none/none/0x1ff 100 0
#13 p0 madvise #0+0x400000 0x200000 dontneed
#14 p0 scan #0 0x800000 wp_matching present/none/none/0x1ff 0 0
#15 p0 store #0+0x600000 1 0x96
#16 p0 mprotect #0 0x400000 none
#17 p0 scan #0 0x800000 none none/huge/none/0x1ff 100 0`;

judgedTest('a scan of huge pages does, too', [...needs, hugePool(POOL_PAGES)], (context) => {
  const used = poolIsUsed();
  if (used !== undefined) return context.skip(used);
  const restore = raiseHugePages(POOL_PAGES);
  try {
    for (const kind of ['private', 'shared']) {
      const difference = differenceIn(parseProgram(HUGE_PAGES(kind).trim()));
      assert.equal(difference, undefined, JSON.stringify(difference));
    }
  } finally {
    restore();
  }
});
