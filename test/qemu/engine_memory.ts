/** The page tables of processes of the engine, after random calls of every kind. */
import {
  type EntryIndex,
  EntryState,
  entryIndex,
  type PteFormat,
  type Vpn,
  vpn,
} from '../../src/arch/index.ts';
import { PhysicalMemory, rawImage } from '../../src/image/index.ts';
import type { Machine, Mm } from '../../src/mm/index.ts';
import { type Area, Population } from '../both_builds/random_calls.ts';
import { Random } from '../kernel/random.ts';
import { type Engine, newWorld } from '../mm/small_world.ts';
import type { Source } from './comparison.ts';
import { lanesOf } from './guest.ts';
import type { TableSet } from './random_memory.ts';

const fast = (await import(new URL('../../fast/src/mm/index.js', import.meta.url).href)) as Engine;

const CALLS = 3_000;
/** So that nearly all data lies above the first MiB, where a PC has none. */
const FRAMES_MIN = 2048;
const TABLES = 128;

/** A machine whose processes have made random calls. */
export function busyMachine(format: PteFormat, seed: number): Machine {
  const tablePages = format.entryPages[1]!;
  const area: Area = { first: 16 * tablePages, tables: 4, tablePages };
  const machine = newWorld(fast, {
    format,
    cpus: 3,
    mms: 4,
    frames: Math.max(FRAMES_MIN, 2 * tablePages + 160),
    tables: TABLES,
    vmas: 512,
    anonVmas: 512,
    inodes: 12,
    swapSlots: 48,
    thp: 'always',
  });
  const population = new Population(fast, machine, seed, area, (_, operation) =>
    fast.run(operation),
  );
  for (let call = 0; call < CALLS; call++) population.step();
  return machine;
}

/** One of its processes, as the image of its memory has it. */
export class EngineMemory implements TableSet, Source {
  readonly lanes: Uint32Array;
  readonly origin: EntryIndex;
  readonly roots: readonly [EntryIndex, EntryIndex];
  readonly #format: PteFormat;
  readonly #random: Random;
  /** Of each leaf, the first page that it maps and how many. */
  readonly #leaves: (readonly [first: number, pages: number])[] = [];

  constructor(machine: Machine, mm: Mm, seed: number) {
    const { format } = machine;
    const memory = new PhysicalMemory(machine);
    const image = new Uint8Array(memory.tables.bytes);
    for (const { offset, bytes } of rawImage(machine).chunks()) {
      if (offset >= memory.tables.start) image.set(bytes, offset - memory.tables.start);
    }
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

  get mapped(): number {
    return this.#leaves.length;
  }

  #findLeaves(table: number, level: number, first: number): void {
    const format = this.#format;
    for (let index = 0; index < 2 ** format.indexBits[level]!; index++) {
      const lane = (table + index) * 2;
      const [low, high] = [this.lanes[lane]!, this.lanes[lane + 1]!];
      const page = first + index * format.entryPages[level]!;
      const state = format.state(low, high, level);
      if (state === EntryState.leaf) this.#leaves.push([page, format.entryPages[level]!]);
      if (state !== EntryState.table) continue;
      this.#findLeaves(format.table(low, high, level) - this.origin, level - 1, page);
    }
  }

  /** A page that is mapped, or one nearby. */
  page(): Vpn {
    const [first, pages] = this.#random.pick(this.#leaves);
    const page = first + this.#random.below(pages);
    return vpn(this.#random.chance(80) ? page : Math.max(0, page + this.#random.between(-64, 64)));
  }

  below(end: number): number {
    return this.#random.below(end);
  }
}
