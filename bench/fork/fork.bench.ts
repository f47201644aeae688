/**
 * fork of a process with 1 GiB of private pages of 4 KiB: the blanked engine, with locks, counters,
 * reverse maps and ledger on, and the kernel that this runs on, in turns.
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type * as canonical from '../../src/mm/index.ts';
import { mapPages, newWorld } from '../../test/mm/small_world.ts';

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

/** Processor time in ms: other programs do not show in it. */
function timeFork(): number {
  // Writes in place, to pages that are all the parent's own.
  for (let page = FIRST; page < FIRST + PAGES; page++) {
    mm.run(mm.handleUserFault(parent, page, mm.Access.WRITE));
  }
  const before = process.cpuUsage();
  const child = mm.run(mm.fork(parent, 0));
  const { user, system } = process.cpuUsage(before);
  if (typeof child === 'number' || child.mm.rss[mm.Rss.ANON] !== PAGES) {
    throw new Error('A fork has not copied all pages');
  }
  mm.run(mm.exit(child));
  if (mm.violationOf(machine) !== undefined) throw new Error('A fork has violated a property');
  return (user + system) / 1000;
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1]!;

const folder = mkdtempSync(join(tmpdir(), 'ptshare-fork-'));
try {
  const program = join(folder, 'fork');
  const source = fileURLToPath(new URL('../../../bench/fork/fork.c', import.meta.url));
  execFileSync('gcc', ['-O2', '-Wall', '-Werror', '-o', program, source]);
  const kernel = spawn(program, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: kernel.stdout })[Symbol.asyncIterator]();
  const timeKernelFork = async (): Promise<number> => {
    kernel.stdin.write('\n');
    return Number((await lines.next()).value);
  };
  for (let round = 0; round < WARM_UP; round++) timeFork();
  await timeKernelFork();
  const times: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    times[0].push(timeFork());
    times[1].push(await timeKernelFork());
  }
  kernel.stdin.end();
  const [engine, live] = [median(times[0]), median(times[1])];
  const ratio = live / engine;
  process.stdout.write(
    `${[
      `fork of 1 GiB of private 4 KiB pages, medians of ${ROUNDS} rounds:`,
      `  kernel  ${live.toFixed(2)} ms, ${((live * 1e6) / PAGES).toFixed(1)} ns a page`,
      `  blanked ${engine.toFixed(2)} ms, ${((engine * 1e6) / PAGES).toFixed(1)} ns a page`,
      `  ratio   ${ratio.toFixed(1)}`,
    ].join('\n')}\n`,
  );
  if (ratio < RATIO_MIN) {
    process.stderr.write(`fork: less than ${RATIO_MIN} times as fast as the kernel\n`);
    process.exitCode = 1;
  }
} finally {
  rmSync(folder, { recursive: true });
}
