/** What calls do when a process has as many VMAs as it may have (vm.max_map_count). */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { programs as commands, judgedTest, root } from '../live/judge.ts';
import { differenceIn } from './judge_engine.ts';
import { runOnKernel } from './kernel_judge.ts';
import { parseProgram } from './program.ts';
import { referenceHost } from './reference_host.ts';

const PAGE_BYTES = 4096;
const limit = Number(readFileSync('/proc/sys/vm/max_map_count', 'latin1'));
const START = 0x10000000000;
const page = (number: number): string => `0x${(START + number * PAGE_BYTES).toString(16)}`;

/** Calls that each want one VMA more, or two, or none, with the limit reached. */
const CALLS = `
  mmap 0 0x1000 read private|anonymous none 0
  mmap ${page(1)} 0x1000 read|write private|anonymous|fixed none 0
  mmap 0x20000000 0x1000 read private|anonymous|fixed none 0
  mmap 0x20002000 0x1000 read private|anonymous|fixed none 0
  munmap 0x20001000 0x1000
  mprotect ${page(limit)} 0x1000 none
  mprotect ${page(limit + 2)} 0x1000 none
  munmap ${page(limit + 4)} 0x1000
  munmap ${page(2)} 0x1000
  munmap ${page(limit + 4)} 0x1000
  madvise ${page(limit + 8)} 0x1000 dontfork
  mlock ${page(limit + 10)} 0x1000
  mremap ${page(0)} 0x1000 0x2000 maymove 0
  mremap ${page(limit + 12)} 0x1000 0x1000 maymove|fixed 0x30000000
  mremap ${page(4)} 0x1000 0x1000 maymove|fixed 0x30000000
  mremap ${page(6)} 0x4000 0x4000 maymove|fixed 0x30000000
  brk 0
  brk 0x555555557000
  mprotect ${page(10)} 0x1000 read|write
  store ${page(20)} 1 0x91
  fork 1
  p1 munmap ${page(40)} 0x1000
  munmap ${page(1)} 0x1000
  mmap ${page(1)} 0x1000 exec private|anonymous|fixed none 0`;

judgedTest(
  'at the limit of VMAs, calls do what they do in the kernel',
  [root, commands('gcc'), referenceHost],
  () => {
    const pages = 2 * limit;
    // The end state is small: reports of so many VMAs take long.
    const program = parseProgram(`
      mmap ${page(0)} ${pages * PAGE_BYTES} read|write private|anonymous|noreserve|fixed none 0
      stripe ${page(0)} ${limit} read
      ${CALLS}
      munmap ${page(0)} ${pages * PAGE_BYTES}
      p1 munmap ${page(0)} ${pages * PAGE_BYTES}`);
    const kernel = runOnKernel(program);
    assert.equal(differenceIn(program, kernel), undefined);
    const failed = kernel.outcomes.filter(({ kind }) => kind === 'failed');
    assert.ok(failed.length > 5, 'the limit is reached');
  },
);
