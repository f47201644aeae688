/**
 * Files of /proc rendered from the engine, against those of the kernel that did the same.
 * `PTSHARE_SEED` repeats a run.
 */
import assert from 'node:assert/strict';
import { randomProgram } from '../kernel/judge_engine.ts';
import { runAllOnKernel, runOnKernel } from '../kernel/kernel_judge.ts';
import { formatProgram, type Program, parseProgram } from '../kernel/program.ts';
import { referenceHost } from '../kernel/reference_host.ts';
import type { KernelReport } from '../kernel/report.ts';
import { programs as commands, judgedTest, root } from '../live/judge.ts';
import { newSeed } from '../seed.ts';
import { compareFiles, type FileDifference } from './compare_files.ts';

const PROGRAMS = 40;
const BATCH = 10;
/** How often a difference must be seen to count: LRU lists are worked off at any time. */
const TIMES = 4;

const needs = [root, commands('gcc'), referenceHost];

judgedTest('every file is the one of the kernel, after random programs', needs, (context) => {
  const first = newSeed();
  context.diagnostic(`PTSHARE_SEED=${first}`);
  for (let at = 0; at < PROGRAMS; at += BATCH) {
    // One in four has files on a disk, whose page cache is not compared: not the one behind it.
    const programs = Array.from({ length: BATCH }, (_, index) =>
      randomProgram(4 * (first + at + index) + 1),
    );
    const reports = runAllOnKernel(programs, true);
    programs.forEach((program, index) => {
      const difference = lastingDifference(program, reports[index]!);
      if (difference === undefined) return;
      assert.fail(`PTSHARE_SEED=${first}\n${describe(program, difference)}`);
    });
  }
  context.diagnostic(`${PROGRAMS} programs`);
});

function lastingDifference(program: Program, report: KernelReport): FileDifference | undefined {
  let [difference] = compareFiles(program, report);
  for (let time = 1; time < TIMES && difference !== undefined; time++) {
    [difference] = compareFiles(program, runAllOnKernel([program], true)[0]!);
  }
  return difference;
}

function describe(program: Program, { file, kernel, engine }: FileDifference): string {
  return `${file}\n${formatProgram(program)}\nkernel: ${kernel}\nengine: ${engine}`;
}

/** What random programs taught. */
const LEARNED: readonly (readonly [rule: string, program: string])[] = [
  [
    'mlock dirties a page that is clean and writable',
    `#1 p0 mmap 0x7000 0x2000 read|write private|fixed|anonymous none 0x0
#2 p0 store #1 2 0x91
#3 p0 madvise #1 0x2000 free
#4 p0 mlock #1 0x2000`,
  ],
  [
    'fallocate dirties pages of tmpfs',
    `#0 p0 open f0 tmpfs
#1 p0 fallocate f0 none 0x64 0x3773f
#2 p0 mmap 0x0 0x10000 read|exec shared f0 0x0
#3 p0 load #2+0x9000 1`,
  ],
  [
    'a page of tmpfs that is cut in part is dirty',
    `#0 p0 open f0 tmpfs
#1 p0 ftruncate f0 0x1f4c18
#2 p0 mmap 0x0 0x2000 read shared|populate f0 0x0
#3 p0 ftruncate f0 0x1
#4 p0 load #2 1`,
  ],
  [
    'the first page of a huge one says whether all are mapped once; what is split is dirty',
    `#0 p0 mmap 0x20600000 0x200000 read|write private|fixed|anonymous none 0x0
#1 p0 madvise #0 0x200000 hugepage
#2 p0 store #0+0x18f000 10 0xf9
#3 p0 fork 1
#4 p0 mmap #0 0x2000 write shared|fixed|anonymous|populate none 0x0
#5 p1 observe`,
  ],
  [
    'pages of a folio are written to in place though a move has spread them over two tables',
    `#0 p0 mmap 0x20200000 0x400000 read|write private|fixed|anonymous none 0x0
#1 p0 madvise #0 0x400000 hugepage
#2 p0 store #0 1 0xfc
#3 p0 fork 1
#4 p1 exit
#5 p0 mremap #0+0x180000 0x1000 0x1000 maymove|fixed 0x40000000
#6 p0 store #5 1 0x96
#7 p0 store #0 1 0x96`,
  ],
  [
    'who is the third to map a folio copies from it, though it has it alone',
    `#0 p0 mmap 0x20200000 0x200000 read|write private|fixed|anonymous none 0x0
#1 p0 madvise #0 0x200000 hugepage
#2 p0 store #0 1 0xfc
#3 p0 fork 1
#4 p0 fork 2
#5 p2 mprotect #0 0x1000 read
#6 p0 munmap #0 0x200000
#7 p1 exit
#8 p2 store #0+0x3000 1 0x96
#9 p2 observe`,
  ],
  [
    'a mapping that ends where the heap starts is not the heap',
    '#0 p0 mmap 0x506284fb8000 0x4f2d059d000 none private|fixed|anonymous|noreserve none 0x0',
  ],
  [
    'msync writes what others have written to those pages of the file, and no others',
    `#0 p0 open f0 ext4
#1 p0 ftruncate f0 0x14000
#2 p0 mmap 0x0 0xd000 read|exec shared f0 0x0
#3 p0 mmap 0x20003000 0xb000 read|write|exec shared f0 0x0
#4 p0 store #3+0x3000 1 0x98
#5 p0 store #3+0x6000 1 0x98
#6 p0 msync #2+0x1000 0x4000 sync
#7 p0 observe
#8 p0 store #3+0x3000 1 0x99`,
  ],
  [
    'msync writes nothing of what is private, nor at once what may be written later',
    `#0 p0 open f0 ext4
#1 p0 ftruncate f0 0x14000
#2 p0 mmap 0x20000000 0x4000 read|write private|fixed f0 0x0
#3 p0 mmap 0x20010000 0x4000 read|write shared|fixed f0 0x0
#4 p0 store #2 1 0x98
#5 p0 store #3 4 0x98
#6 p0 msync #2 0x4000 sync
#7 p0 msync #3 0x4000 async
#8 p0 observe
#9 p0 load #3 1`,
  ],
];

for (const [rule, text] of LEARNED) {
  judgedTest(rule, needs, () => {
    const program = parseProgram(text);
    assert.equal(runOnKernel(program).outcomes.length, program.steps.length);
    const difference = lastingDifference(program, runAllOnKernel([program], true)[0]!);
    assert.equal(difference, undefined, difference && describe(program, difference));
  });
}
