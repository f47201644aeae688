/**
 * fork of a process with 1 GiB of private pages of 4 KiB: the blanked engine, with locks, counters,
 * reverse maps and ledger on, and the kernel that this runs on, in turns.
 */
import type * as canonical from '../../src/mm/index.ts';
import { mapPages, newWorld } from '../../test/mm/small_world.ts';
import { allocationsOf, describeAllocations } from '../heap_profile.ts';
import { LiveKernel, median } from '../live_kernel.ts';

const mm = (await import(
  new URL('../../fast/src/mm/index.js', import.meta.url).href
)) as typeof canonical;

const PAGES = 2 ** 18;
const FIRST = 0x10000;
const ROUNDS = 9;
/** Of the engine: until its code is compiled. */
const WARM_UP = 8;
const RATIO_MIN = 5;

const machine = newWorld(mm, {
  mms: 2,
  frames: PAGES + 1024,
  tables: 2 * (PAGES / 512) + 64,
  gather: 512,
  contents: false,
});
const parent = mm.taskOn(machine, 0, 0);
mm.run(mapPages(mm, parent, FIRST, FIRST + PAGES));

/** Writes in place, to pages that are all the parent's own. */
function touchAll(): void {
  for (let page = FIRST; page < FIRST + PAGES; page++) {
    mm.run(mm.handleUserFault(parent, page, mm.Access.WRITE));
  }
}

/** Processor time in ms: other programs do not show in it. */
function timeFork(): number {
  touchAll();
  const before = process.cpuUsage();
  const child = mm.run(mm.fork(parent, 0));
  const { user, system } = process.cpuUsage(before);
  check(child);
  return (user + system) / 1000;
}

function check(child: canonical.Task | number): void {
  if (typeof child === 'number' || child.mm.rss[mm.Rss.ANON] !== PAGES) {
    throw new Error('A fork has not copied all pages');
  }
  mm.run(mm.exit(child));
  if (mm.violationOf(machine) !== undefined) throw new Error('A fork has violated a property');
}

const kernel = new LiveKernel('fork/fork.c');
try {
  for (let round = 0; round < WARM_UP; round++) timeFork();
  await kernel.measure();
  const times: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    times[0].push(timeFork());
    times[1].push(await kernel.measure());
  }
  const [engine, live] = [median(times[0]), median(times[1])];
  const ratio = live / engine;
  touchAll();
  let child: canonical.Task | number = 0;
  const allocations = allocationsOf(PAGES, () => {
    child = mm.run(mm.fork(parent, 0));
  });
  check(child);
  process.stdout.write(
    `${[
      `fork of 1 GiB of private 4 KiB pages, medians of ${ROUNDS} rounds:`,
      `  kernel  ${live.toFixed(2)} ms, ${((live * 1e6) / PAGES).toFixed(1)} ns a page`,
      `  blanked ${engine.toFixed(2)} ms, ${((engine * 1e6) / PAGES).toFixed(1)} ns a page, ${describeAllocations(allocations)}`,
      `  ratio   ${ratio.toFixed(1)}`,
    ].join('\n')}\n`,
  );
  if (ratio < RATIO_MIN) {
    process.stderr.write(`fork: less than ${RATIO_MIN} times as fast as the kernel\n`);
    process.exitCode = 1;
  }
} finally {
  kernel.close();
}
