/**
 * What an operation costs that can be explored, at full speed, and on the kernel that this runs on: a
 * first-touch fault of an anonymous page, VMA lock, page-table lock, counters and ledger on, in turns.
 */
import * as canonical from '../../src/mm/index.ts';
import { PAGE_BYTES } from '../../src/uapi/mman.ts';
import { newWorld } from '../../test/mm/small_world.ts';
import { allocationsOf, describeAllocations } from '../heap_profile.ts';
import { LiveKernel, median } from '../live_kernel.ts';

const fast = (await import(
  new URL('../../fast/src/mm/index.js', import.meta.url).href
)) as typeof canonical;

const PAGES = 2 ** 18;
const ROUNDS = 9;
const VMAS = 64;
const FIRST = 512;
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

function touch(mm: typeof canonical, machine: canonical.Machine, pages: number): void {
  const task = mm.taskOn(machine, 0, 0);
  for (let page = FIRST; page < FIRST + pages; page++) {
    mm.run(mm.handleUserFault(task, page, mm.Access.WRITE));
  }
  if (task.mm.rss[mm.Rss.ANON] !== pages) throw new Error('A fault has brought no page');
  if (mm.violationOf(machine) !== undefined) throw new Error('A fault has violated a property');
}

/** Processor time of one fault over the first `pages`, in ns: other programs do not show in it. */
function timeFaults(mm: typeof canonical, machine: canonical.Machine, pages: number): number {
  const start = process.cpuUsage();
  touch(mm, machine, pages);
  const { user, system } = process.cpuUsage(start);
  return ((user + system) * 1000) / pages;
}

const machines = [newMachine(canonical), newMachine(fast)] as const;
const initial = [machines[0].save(), machines[1].save()] as const;
const kernel = new LiveKernel('fault/fault.c');
const times: [number[], number[], number[]] = [[], [], []];
try {
  for (let round = 0; round <= ROUNDS; round++) {
    machines[0].restore(initial[0]);
    machines[1].restore(initial[1]);
    const explorable = timeFaults(canonical, machines[0], CANONICAL_PAGES);
    const blanked = timeFaults(fast, machines[1], PAGES);
    const live = await kernel.measure();
    // The first round warms up.
    if (round === 0) continue;
    times[0].push(explorable);
    times[1].push(blanked);
    times[2].push(live);
  }
} finally {
  kernel.close();
}
machines[1].restore(initial[1]);
const allocations = allocationsOf(PAGES, () => touch(fast, machines[1], PAGES));
const [explorable, blanked, live] = [median(times[0]), median(times[1]), median(times[2])];
const rate = (ns: number): string => `${ns.toFixed(1)} ns, ${(1000 / ns).toFixed(1)} million/s`;
const RATE_MIN = 3;
process.stdout.write(
  `${[
    `first-touch fault, medians of ${ROUNDS} rounds:`,
    `  canonical ${explorable.toFixed(0)} ns, ${(explorable / blanked).toFixed(1)} times the blanked one`,
    `  blanked   ${rate(blanked)} (bar ${RATE_MIN}), ${describeAllocations(allocations)}`,
    `  kernel    ${rate(live)}`,
    `  ratio     ${(live / blanked).toFixed(1)} (goal 3)`,
  ].join('\n')}\n`,
);
