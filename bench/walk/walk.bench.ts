/**
 * Walks per second over 2 million mapped pages, in sequence and at random, for every format in one
 * process: the same code must stay fast when formats take turns.
 */

import { EntryState, type PteFormat } from '../../src/arch/format.ts';
import { FORMATS } from '../../src/arch/formats.ts';
import { ACCESSED, DIRTY, R, USER, W } from '../../src/arch/rights.ts';
import { type EntryIndex, entryIndex, pfn, type Vpn } from '../../src/arch/units.ts';
import { WalkCursor, walk } from '../../src/arch/walk.ts';

const PAGES = 2_000_000;
const ROUNDS = 5;
/** Where the pages start: not 0, so that no level has index 0 by chance. */
const START = 3 * 2 ** 24;

interface Space {
  readonly format: PteFormat;
  readonly memory: Uint32Array;
  readonly root: EntryIndex;
  readonly start: number;
}

/** Two million pages one after another, each with a frame of its own. */
function populate(format: PteFormat): Space {
  const halfPages = 2 ** format.indexBits.reduce((sum, bits) => sum + bits, -1);
  const start = Math.min(START, halfPages / 2);
  const memory = new Uint32Array(2 * tableEntries(format));
  // The root starts at 0; every table is aligned to its own size.
  let free = 2 ** format.indexBits.at(-1)!;
  for (let page = start; page < start + PAGES; page++) {
    let table = 0;
    for (let level = format.levels - 1; level > 0; level--) {
      const lane = (table + format.index(page as Vpn, level)) * 2;
      if (memory[lane] === 0 && memory[lane + 1] === 0) {
        const size = 2 ** format.indexBits[level - 1]!;
        const own = entryIndex(Math.ceil(free / size) * size);
        memory[lane] = format.tableLow(own, level);
        memory[lane + 1] = format.tableHigh(own, level);
        free = own + size;
      }
      table = format.table(memory[lane]!, memory[lane + 1]!, level);
    }
    const lane = (table + format.index(page as Vpn, 0)) * 2;
    const frame = pfn(page - start + 1);
    memory[lane] = format.leafLow(frame, FLAGS, 0);
    memory[lane + 1] = format.leafHigh(frame, FLAGS, 0);
  }
  return { format, memory, root: entryIndex(0), start };
}

const FLAGS = R | W | USER | ACCESSED | DIRTY;

/** Enough for every table, and for the gaps that aligning them leaves. */
function tableEntries(format: PteFormat): number {
  return format.indexBits.reduce((entries, bits, level) => {
    const tables = Math.ceil(PAGES / (format.entryPages[level]! * 2 ** bits)) + 2;
    return entries + tables * 2 ** bits;
  }, 2 ** 16);
}

/** @returns walks per second; fails if one of them does not find its page */
function measure(space: Space, order: Int32Array): number {
  const { format, memory, root, start } = space;
  const at = new WalkCursor();
  let leaves = 0;
  let frames = 0;
  const began = performance.now();
  for (let i = 0; i < order.length; i++) {
    const end = walk(format, memory, root, (start + order[i]!) as Vpn, at);
    if (end === EntryState.leaf) leaves++;
    frames += format.frame(at.low, at.high, at.level);
  }
  const seconds = (performance.now() - began) / 1000;
  if (leaves !== PAGES || frames !== (PAGES * (PAGES + 1)) / 2) {
    throw new Error(`${format.id}: walks found ${leaves} leaves`);
  }
  return order.length / seconds;
}

/** Every page once, by a generator with a fixed seed. */
function shuffled(): Int32Array {
  const order = inSequence();
  let state = 12345;
  for (let i = order.length - 1; i > 0; i--) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const other = Math.floor((state / 2 ** 32) * (i + 1));
    [order[i], order[other]] = [order[other]!, order[i]!];
  }
  return order;
}

const inSequence = (): Int32Array => Int32Array.from({ length: PAGES }, (_, page) => page);

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]!;
}

const orders = [inSequence(), shuffled()];
console.log(`2 million pages, medians of ${ROUNDS}      levels   in sequence     at random`);
const spaces = FORMATS.map(populate);
// Rounds are outermost, so that every format is measured after all others have run.
const rates = spaces.map(() => orders.map((): number[] => []));
for (let round = 0; round < ROUNDS; round++) {
  spaces.forEach((space, i) => {
    orders.forEach((order, j) => {
      rates[i]![j]!.push(measure(space, order));
    });
  });
}
spaces.forEach(({ format }, i) => {
  const [sequence, random] = rates[i]!.map((all) => `${(median(all) / 1e6).toFixed(1)} M/s`);
  console.log(
    `${format.id.padEnd(34)}${String(format.levels).padStart(6)}` +
      `${sequence!.padStart(14)}${random!.padStart(14)}`,
  );
});
