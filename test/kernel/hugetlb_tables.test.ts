/** What a process loses of a shared table of hugetlb, by one call: the kernel and the engine. */
import assert from 'node:assert/strict';
import { before } from 'node:test';
import { alone } from '../live/alone.ts';
import { raiseHugePages } from '../live/huge_pages.ts';
import { programs as commands, judgedTest, root } from '../live/judge.ts';
import { runOnEngine } from './engine/engine.ts';
import { hugePool, poolIsUsed } from './huge_pool.ts';
import { runAllOnKernel } from './kernel_judge.ts';
import { parseProgram } from './program.ts';
import { referenceHost } from './reference_host.ts';
import type { KernelReport } from './report.ts';

before(alone);

const START = '0x40000000';
const GIB = '0x40000000';
const HALF = '0x20000000';
const HUGE = '0x200000';
const MOVED = '0x200000000';
/** Of the 512 pages of the table. */
const POPULATED = 24;
const POOL_PAGES = 40;
const needs = [root, commands('gcc'), referenceHost, hugePool(POOL_PAGES)];

/** Page tables of process 0 and of process 1, compared with before; after the call, after a touch. */
interface Row {
  readonly call: string;
  readonly after: readonly [number, number];
  readonly again: readonly [number, number];
}

const kept = (call: string): Row => ({ call, after: [0, 0], again: [0, 0] });
const lost = (call: string): Row => ({ call, after: [-1, 0], again: [0, 0] });

/** @source Linux 6.18, measured: four processes with one table, a call of the first of them */
const TABLE: readonly Row[] = [
  kept('observe'),
  kept(`mlock ${START} ${GIB}`),
  kept(`mlock ${START} ${HALF}`),
  kept(`madvise ${START} ${GIB} random`),
  kept(`mprotect ${START} ${GIB} read|write`),
  kept('fork 4'),
  lost(`mprotect ${START} ${HUGE} read`),
  lost(`mprotect ${START} ${HALF} read`),
  lost(`mprotect ${START} ${HALF} read; mprotect ${START} ${HALF} read|write`),
  lost(`munmap ${START} ${HUGE}`),
  lost(`mremap ${START} ${HUGE} ${HUGE} maymove|fixed ${MOVED}`),
  lost(`madvise ${START} ${HALF} dontfork`),
  lost(`madvise ${START} ${HALF} random`),
  lost(`mmap ${START} ${HUGE} none private|anonymous|fixed|noreserve none 0`),
  lost(`mprotect ${START} ${GIB} read`),
  lost(`mprotect ${START} ${GIB} read; mprotect ${START} ${GIB} read|write`),
  lost(`madvise ${START} ${HUGE} dontneed`),
  lost(`madvise ${START} ${GIB} dontneed`),
  // All lose it but the one that is last in the list of the file: the first child.
  lost(`fallocate f0 keep_size|punch_hole 0 ${HUGE}`),
];

function textOf({ call }: Row): string {
  const touched = POPULATED * 512 - 512;
  return `
    memfd_create f0 hugetlb 1; ftruncate f0 ${GIB}
    mmap ${START} ${GIB} read|write shared|fixed|noreserve f0 0
    store ${START} ${POPULATED * 512} 0x90
    fork 1; fork 2; fork 3
    p1 load ${START} 1; p2 load ${START} 1; p3 load ${START} 1
    observe; p1 observe
    ${call}
    observe; p1 observe
    load 0x40200000 ${touched}
    observe; p1 observe`;
}

/** VmPTE at the three places, of processes 0 and 1. */
function rowOf(call: string, { states }: KernelReport): Row {
  const of = (process: number): number[] =>
    states.filter((state) => state.process === process).map(({ counters }) => counters.VmPTE);
  const places = [of(0), of(1)].map((tables) => {
    const seen = call === 'observe' && tables.length > 4 ? tables.slice(1) : tables;
    return [seen[1]! - seen[0]!, seen[2]! - seen[0]!];
  });
  const [[after0, again0], [after1, again1]] = places as [[number, number], [number, number]];
  return { call, after: [after0, after1], again: [again0, again1] };
}

judgedTest('a call takes a shared table from a process, or it does not', needs, (context) => {
  const used = poolIsUsed();
  if (used !== undefined) return context.skip(used);
  const restore = raiseHugePages(POOL_PAGES);
  try {
    const programs = TABLE.map((row) => parseProgram(textOf(row)));
    const kernel = runAllOnKernel(programs);
    const engine = programs.map((program, index) => runOnEngine(program, kernel[index]!));
    assert.deepEqual(
      kernel.map((report, index) => rowOf(TABLE[index]!.call, report)),
      TABLE,
    );
    assert.deepEqual(
      engine.map((report, index) => rowOf(TABLE[index]!.call, report)),
      TABLE,
    );
  } finally {
    restore();
  }
});
