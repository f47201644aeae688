/**
 * What an operation costs that can be explored, and what it costs at full speed: a first-touch fault
 * of an anonymous page, VMA lock, page-table lock, counters and ledger on, in both builds, in turns.
 */
import * as canonical from '../../src/mm/index.ts';
import { newWorld } from '../../test/mm/small_world.ts';

const fast = (await import(
  new URL('../../fast/src/mm/index.js', import.meta.url).href
)) as typeof canonical;

const PAGES = 2 ** 18;
const ROUNDS = 9;
const VMAS = 64;
const FIRST = 512;
const PAGE_BYTES = 4096;
/** Of the canonical build, which is slower: a part of the pages is enough. */
const CANONICAL_PAGES = PAGES / 8;

/** 64 VMAs with nothing present. */
function newMachine(mm: typeof canonical): canonical.Machine {
  const machine = newWorld(mm, {
    cpus: 2,
    frames: PAGES + 256,
    tables: PAGES / 512 + 16,
    vmas: VMAS,
    anonVmas: VMAS,
    gather: 512,
    contents: false,
  });
  const each = PAGES / VMAS;
  for (let vma = 0; vma < VMAS; vma++) {
    // Rights that take turns keep neighbours from merging.
    const call = { prot: vma % 2 === 0 ? 3 : 7, flags: 0x22 | 0x10, file: undefined, offset: 0 };
    const start = FIRST + vma * each;
    const address = start * PAGE_BYTES;
    mm.run(mm.mmap(mm.taskOn(machine, 0, 0), { address, length: each * PAGE_BYTES, ...call }));
  }
  return machine;
}

/** Processor time of one fault over the first `pages`, in ns: other programs do not show in it. */
function timeFaults(mm: typeof canonical, machine: canonical.Machine, pages: number): number {
  const task = mm.taskOn(machine, 0, 0);
  const start = process.cpuUsage();
  for (let page = FIRST; page < FIRST + pages; page++) {
    mm.run(mm.handleUserFault(task, page, mm.Access.WRITE));
  }
  const { user, system } = process.cpuUsage(start);
  if (task.mm.rss[mm.Rss.ANON] !== pages) throw new Error('A fault has brought no page');
  if (mm.violationOf(machine) !== undefined) throw new Error('A fault has violated a property');
  return ((user + system) * 1000) / pages;
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1]!;

const machines = [newMachine(canonical), newMachine(fast)] as const;
const initial = [machines[0].save(), machines[1].save()] as const;
const times: [number[], number[]] = [[], []];
for (let round = 0; round <= ROUNDS; round++) {
  machines[0].restore(initial[0]);
  machines[1].restore(initial[1]);
  const explorable = timeFaults(canonical, machines[0], CANONICAL_PAGES);
  const blanked = timeFaults(fast, machines[1], PAGES);
  // The first round warms up.
  if (round === 0) continue;
  times[0].push(explorable);
  times[1].push(blanked);
}
const [explorable, blanked] = [median(times[0]), median(times[1])];
process.stdout.write(
  `${[
    `first-touch fault, medians of ${ROUNDS} rounds:`,
    `  canonical ${explorable.toFixed(0)} ns`,
    `  blanked   ${blanked.toFixed(1)} ns, ${(1000 / blanked).toFixed(1)} million/s`,
    `  ratio     ${(explorable / blanked).toFixed(1)}`,
  ].join('\n')}\n`,
);
