/**
 * The simulated MMU at full speed, in the blanked build: walks over 2 million pages next to the
 * reference walk of `arch` and to the loads of a walk alone, and TLB hits next to a loop that only
 * reads a typed array. Counters on. Medians; rounds take turns, so that what is compared has met the
 * same machine. Each bar is printed with its target.
 */
import { formatById } from '../../src/arch/formats.ts';
import {
  type EntryIndex,
  entryIndex,
  type PteFormat,
  pfn,
  type Vpn,
} from '../../src/arch/index.ts';
import { ALL_GRANTS, R, USER, W } from '../../src/arch/rights.ts';
import { WalkCursor, walk } from '../../src/arch/walk.ts';
import type * as canonical from '../../src/mmu/index.ts';
import { allocationsOf, describeAllocations } from '../heap_profile.ts';
import { median } from '../live_kernel.ts';

const { Access, Mmu, SKYLAKE, WalkCount, Walker } = (await import(
  new URL('../../fast/src/mmu/index.js', import.meta.url).href
)) as typeof canonical;

const PAGES = 2_000_000;
const ROUNDS = 9;
/** Where mmap() puts things on x86-64: no small integer, as real page numbers are not. */
const START = 0x7f00_0000_0000 / 4096;
/** Fits the 64 entries of the fastest TLB array. */
const WORKING_SET = 32;

const format = formatById('x86_64-4level')!;
const FLAGS = R | W | USER;

/** Two million clean pages one after another; nothing is marked accessed. */
function populate({ indexBits, levels }: PteFormat): Uint32Array {
  const tableEntries = 2 ** Math.max(...indexBits);
  const tables = Math.ceil(PAGES / tableEntries) + 64;
  const lanes = new Uint32Array(tables * tableEntries * 2);
  let free = 1;
  for (let page = START; page < START + PAGES; page++) {
    let table = 0;
    for (let level = levels - 1; level > 0; level--) {
      const lane = (table + format.index(page as Vpn, level)) * 2;
      if (lanes[lane] === 0) {
        const own = entryIndex(free++ * tableEntries);
        lanes[lane] = format.tableLow(own, level);
        lanes[lane + 1] = format.tableHigh(own, level);
      }
      table = format.table(lanes[lane]!, lanes[lane + 1]!, level);
    }
    const lane = (table + format.index(page as Vpn, 0)) * 2;
    const frame = pfn(page - START + 1);
    lanes[lane] = format.leafLow(frame, FLAGS, 0);
    lanes[lane + 1] = format.leafHigh(frame, FLAGS, 0);
  }
  return lanes;
}

/** Pages from `START`. */
const inSequence = Int32Array.from({ length: PAGES }, (_, page) => page);

/** Every page once, by a generator with a fixed seed. */
function shuffled(): Int32Array {
  const order = inSequence.slice();
  let state = 12345;
  for (let i = order.length - 1; i > 0; i--) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const other = Math.floor((state / 2 ** 32) * (i + 1));
    [order[i], order[other]] = [order[other]!, order[i]!];
  }
  return order;
}

const lanes = populate(format);
const root = 0 as EntryIndex;
const memory = { lanes, origin: root };
const walker = new Walker(format, memory);
const cursor = new WalkCursor();
/** Sums are 32-bit integers: a larger one would be allocated anew in every turn. */
const SUM = ((PAGES * (PAGES + 1)) / 2) | 0;

/**
 * Millions of turns in a second of processor time, in which other programs do not show; fails if
 * the loop has found something else.
 */
function measure(turns: number, expected: number, loop: () => number): number {
  const began = process.cpuUsage();
  const sum = loop();
  const { user, system } = process.cpuUsage(began);
  if (sum !== expected) throw new Error(`A loop has found ${sum} and not ${expected}`);
  return turns / (user + system);
}

function walkReference(order: Int32Array): number {
  let frames = 0;
  for (let i = 0; i < order.length; i++) {
    walk(format, lanes, root, (START + order[i]!) as Vpn, cursor);
    frames = (frames + format.frame(cursor.low, cursor.high, cursor.level)) | 0;
  }
  return frames;
}

function walkHardware(order: Int32Array): number {
  const top = format.levels - 1;
  const place = walker.placeOf(root);
  const grants = ALL_GRANTS;
  const kind = Access.load;
  const { page } = walker;
  let frames = 0;
  for (let i = 0; i < order.length; i++) {
    page[0] = START + order[i]!;
    frames = (frames + walker.walkFrom(top, place, grants, kind)) | 0;
  }
  return frames;
}

/** The limit: the loads of a walk of x86-64, each from where the last has led, and nothing else. */
function onlyLoad(order: Int32Array): number {
  let frames = 0;
  for (let i = 0; i < order.length; i++) {
    const page = START + order[i]!;
    const low = page | 0;
    const first = lanes[((page / 2 ** 27) & 511) * 2]!;
    const second = lanes[((first >>> 12) * 512 + ((low >>> 18) & 511)) * 2]!;
    const third = lanes[((second >>> 12) * 512 + ((low >>> 9) & 511)) * 2]!;
    const lane = ((third >>> 12) * 512 + (low & 511)) * 2;
    frames = (frames + (lanes[lane]! >>> 12) + (lanes[lane + 1]! & 0xfffff) * 2 ** 20) | 0;
  }
  return frames;
}

const mmu = new Mmu(format, memory, SKYLAKE);
mmu.switchTo(1, root);
/** The pages of the working set, over and over; and their frames, for the loop that only reads. */
const TURN = 2 ** 12;
const hits = Float64Array.from({ length: TURN }, (_, i) => START + ((i * 7) % WORKING_SET));
const frames = Int32Array.from(hits, (page) => page - START + 1);
const HITS = 5000 * TURN;
const HIT_SUM = (frames.reduce((sum, frame) => sum + frame, 0) * (HITS / TURN)) | 0;

function hitTlb(turns: number): number {
  let sum = 0;
  for (let i = 0; i < turns; i++) {
    sum = (sum + mmu.access(hits[i & (TURN - 1)]! as Vpn, Access.load)) | 0;
  }
  return sum;
}

function onlyRead(): number {
  let sum = 0;
  for (let i = 0; i < HITS; i++) sum = (sum + frames[i & (TURN - 1)]!) | 0;
  return sum;
}

interface Contest {
  readonly name: string;
  /** The bar, in millions a second. */
  readonly bar: number;
  readonly turns: number;
  readonly expected: number;
  run(): number;
  /** A run of so many turns. */
  runSome(turns: number): number;
  readonly others: readonly (readonly [name: string, run: () => number])[];
}

const FEW = 10_000;
const MANY = 1_000_000;
const WARM_UPS = 50;
const random = shuffled();
const walks = (name: string, bar: number, order: Int32Array): Contest => ({
  name,
  bar,
  turns: PAGES,
  expected: SUM,
  run: () => walkHardware(order),
  runSome: (turns) => walkHardware(order.subarray(0, turns)),
  others: [
    ['the reference walk', () => walkReference(order)],
    ['its loads alone', () => onlyLoad(order)],
  ],
});
const contests: readonly Contest[] = [
  walks('walk, in sequence', 25, inSequence),
  walks('walk, at random', 8, random),
  {
    name: 'TLB hit',
    bar: 100,
    turns: HITS,
    expected: HIT_SUM,
    run: () => hitTlb(HITS),
    runSome: hitTlb,
    others: [['reading an array', onlyRead]],
  },
];

// Short runs first: a loop that is compiled during its first long one knows only that one's start.
for (let count = 0; count < WARM_UPS; count++) for (const { runSome } of contests) runSome(FEW);

const rates = contests.map(({ others }) => [[], ...others.map(() => [])] as number[][]);
for (let round = 0; round <= ROUNDS; round++) {
  contests.forEach((contest, index) => {
    const { turns, expected, run, others } = contest;
    const runs = [run, ...others.map(([, other]) => other)];
    const measured = runs.map((one) => measure(turns, expected, one));
    // The first round warms up, and sets the accessed bits.
    if (round === 0) return;
    for (const [n, rate] of measured.entries()) rates[index]![n]!.push(rate);
  });
}
const allocations = contests.map(({ runSome }) => allocationsOf(MANY, () => runSome(MANY)));
process.stdout.write(`x86-64, 4 levels, ${PAGES} pages; medians of ${ROUNDS} rounds\n`);
contests.forEach(({ name, bar, others }, index) => {
  const [own, ...rest] = rates[index]!.map(median);
  const verdict = own! >= bar ? 'met' : 'MISSED';
  const ratios = others.map(
    ([other], n) => `${(own! / rest[n]!).toFixed(2)} of ${other} (${rest[n]!.toFixed(0)} M/s)`,
  );
  const used = describeAllocations(allocations[index]!);
  process.stdout.write(
    `  ${name.padEnd(18)}${own!.toFixed(1).padStart(7)} M/s (bar ${bar}: ${verdict}), ${[...ratios, used].join(', ')}\n`,
  );
});
const set = walker.counters[WalkCount.accessedSet]!;
if (set < PAGES) throw new Error(`Walks have set ${set} accessed bits`);
