/** The page tables of processes of the engine, after random calls of every kind. */
import {
  type EntryIndex,
  EntryState,
  entryIndex,
  type PteFormat,
  R,
  type Vpn,
  vpn,
} from '../../src/arch/index.ts';
import { PhysicalMemory } from '../../src/image/index.ts';
import type { Machine, Mm } from '../../src/mm/index.ts';
import { type Area, Population } from '../both_builds/random_calls.ts';
import { Random } from '../kernel/random.ts';
import { type Engine, newWorld } from '../mm/small_world.ts';
import { isData } from './board.ts';
import type { Source } from './comparison.ts';
import { lanesOf } from './guest.ts';
import type { TableSet } from './random_memory.ts';

const fast = (await import(new URL('../../fast/src/mm/index.js', import.meta.url).href)) as Engine;

const CALLS = 3_000;
/** From one look at the processes to the next: what is mapped comes and goes. */
const CALLS_BETWEEN = 300;
/** Of a process that is worth a run. */
const PAGES_MIN = 50;
/** So that nearly all data lies above the first MiB, where a PC has none. */
const FRAMES_MIN = 2048;
const TABLES = 128;

/** Where it maps what: the first page and how many. */
type Leaf = readonly [first: number, pages: number];

/** The memory of processes that make random calls, whenever there is something in it to be accessed. */
export function* busyMemories(format: PteFormat, seed: number): Generator<EngineMemory> {
  const machine = newMachine(format);
  const tablePages = format.entryPages[1]!;
  const area: Area = { first: 16 * tablePages, tables: 4, tablePages };
  const population = new Population(fast, machine, seed, area, (_, operation) =>
    fast.run(operation),
  );
  for (let call = 1; call <= CALLS; call++) {
    population.step();
    if (call % CALLS_BETWEEN !== 0) continue;
    yield* memoriesOf(machine, seed + call, PAGES_MIN);
  }
}

function newMachine(format: PteFormat): Machine {
  return newWorld(fast, {
    format,
    cpus: 3,
    mms: 4,
    frames: Math.max(FRAMES_MIN, 2 * format.entryPages[1]! + 160),
    tables: TABLES,
    vmas: 512,
    anonVmas: 512,
    inodes: 12,
    swapSlots: 48,
    thp: 'always',
  });
}

/** Of each process of which at least `min` entries map something that may be read. */
export function* memoriesOf(machine: Machine, seed: number, min: number): Generator<EngineMemory> {
  for (const mm of machine.mms.all()) {
    const memory = new EngineMemory(machine, mm, seed);
    if (memory.readable >= min) yield memory;
  }
}

/** A process, as the image of the memory of its machine has it. */
export class EngineMemory implements TableSet, Source {
  readonly lanes: Uint32Array;
  readonly origin: EntryIndex;
  readonly roots: readonly [EntryIndex, EntryIndex];
  readonly #format: PteFormat;
  readonly #random: Random;
  readonly #leaves: Leaf[] = [];
  readonly #readable: Leaf[] = [];

  constructor(machine: Machine, mm: Mm, seed: number) {
    const { format } = machine;
    const memory = new PhysicalMemory(machine);
    const image = new Uint8Array(memory.tables.bytes);
    for (const { offset, bytes } of memory.chunksOf(memory.tables)) image.set(bytes, offset);
    this.#format = format;
    this.#random = new Random(seed);
    this.lanes = lanesOf(format, new Uint32Array(image.buffer));
    this.origin = entryIndex(memory.tables.start / 8);
    const lower = entryIndex(memory.rootOf(mm) / 8);
    // The engine has no kernel's half: where that has a root of its own, an unused table will do.
    const unused = machine.tableUsed.lastIndexOf(0);
    const upper = entryIndex(this.origin + unused * machine.tableEntries);
    this.roots = [lower, format.upperHasOwnRoot ? upper : lower];
    this.#findLeaves(lower - this.origin, format.levels - 1, 0);
  }

  get readable(): number {
    return this.#readable.length;
  }

  #findLeaves(table: number, level: number, first: number): void {
    const format = this.#format;
    for (let index = 0; index < 2 ** format.indexBits[level]!; index++) {
      const lane = (table + index) * 2;
      const [low, high] = [this.lanes[lane]!, this.lanes[lane + 1]!];
      const page = first + index * format.entryPages[level]!;
      const state = format.state(low, high, level);
      if (state === EntryState.leaf) {
        const leaf = [page, format.entryPages[level]!] as const;
        this.#leaves.push(leaf);
        const start = format.frame(low, high, level) * 2 ** format.pageShift;
        if ((format.leafGrants(low, high) & R) !== 0 && isData(start)) this.#readable.push(leaf);
      }
      if (state !== EntryState.table) continue;
      this.#findLeaves(format.table(low, high, level) - this.origin, level - 1, page);
    }
  }

  /** A page that is mapped, mostly one that may be read, or one nearby. */
  page(): Vpn {
    const leaves = this.#random.chance(70) ? this.#readable : this.#leaves;
    const [first, pages] = this.#random.pick(leaves);
    const page = first + this.#random.below(pages);
    return vpn(this.#random.chance(80) ? page : Math.max(0, page + this.#random.between(-64, 64)));
  }

  below(end: number): number {
    return this.#random.below(end);
  }
}
