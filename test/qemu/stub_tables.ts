/** Tables that map the stub. */
import assert from 'node:assert/strict';
import {
  ACCESSED,
  DIRTY,
  type EntryIndex,
  entryIndex,
  type Lanes,
  type Pfn,
  type PteFormat,
  R,
  radixRoot,
  USER,
  type Vpn,
  W,
  X,
} from '../../src/arch/index.ts';
import { RAM_BYTES, STUB, STUB_BYTES, STUB_START } from './board.ts';
import { stubSlot, type TableSet, upperOffset } from './random_memory.ts';

const ENTRY_BYTES = 8;
/** What the stub of Power writes to PIDR. */
const PROCESS = 5;
/** In the high lane of a partition's entry. */
const HOST_RADIX = 1 << 31;

const STUB_FLAGS = R | W | X | USER | ACCESSED | DIRTY;
/** In the low and in the high lane. */
const ARM64_USER = 1 << 6;
const ARM64_PXN = 1 << 21;

/** Tables that map the stub: they lie in its own memory, so that they are in no other's way. */
export class StubTables {
  readonly origin = entryIndex((STUB_START + STUB.tables) / ENTRY_BYTES);
  readonly lanes = new Uint32Array((STUB.requests - STUB.tables) / 4);
  readonly format: PteFormat;
  /** Where the tables map the stub. */
  readonly slotAddress: bigint;
  #used = 0;

  constructor(format: PteFormat) {
    this.format = format;
    const top = format.entryPages[format.levels - 1]!;
    const page = BigInt(upperOffset(format)) + BigInt(stubSlot(format) * top);
    this.slotAddress = page << BigInt(format.pageShift);
  }

  /** Maps the stub in the upper half of `tables`. */
  map({ lanes, roots, origin }: TableSet): void {
    this.#mapFrom(lanes, roots[1] - origin, this.format.levels - 1, this.slotAddress);
  }

  /** A root that maps the stub to its slot, and to where it lies. */
  bootRoot(): EntryIndex {
    const table = this.#newTable();
    for (const at of [this.slotAddress, BigInt(STUB_START)]) {
      this.#mapFrom(this.lanes, table, this.format.levels - 1, at);
    }
    return this.#placeOf(table);
  }

  /**
   * Of Power: one partition, with a tree for all memory, in which QEMU looks up the process table;
   * and one process besides that of the upper half.
   */
  partitionTable([lower, upper]: TableSet['roots']): EntryIndex {
    const { format, lanes } = this;
    const [partitions, processes] = [this.#newTable(), this.#newTable()];
    const [root, middle] = [this.#newTable(), this.#newTable()];
    this.#set(processes, radixRoot(upper));
    this.#set(processes + 2 * PROCESS, radixRoot(lower));
    const tree = radixRoot(this.#placeOf(root));
    this.#set(partitions, { low: tree.low, high: tree.high | HOST_RADIX });
    const address = this.#placeOf(processes) * ENTRY_BYTES;
    this.#set(partitions + 1, { low: address, high: 0 });
    const place = this.#placeOf(middle);
    this.#set(root, { low: format.tableLow(place, 3), high: format.tableHigh(place, 3) });
    const pages = format.entryPages[2]!;
    for (let n = 0; n < RAM_BYTES / 2 ** format.pageShift / pages; n++) {
      format.writeLeaf(lanes, middle + n, (n * pages) as Pfn, STUB_FLAGS, 2);
    }
    return this.#placeOf(partitions);
  }

  #set(entry: number, { low, high }: Lanes): void {
    this.lanes[entry * 2] = low;
    this.lanes[entry * 2 + 1] = high;
  }

  #placeOf(table: number): EntryIndex {
    return entryIndex(this.origin + table);
  }

  #newTable(): number {
    const table = this.#used;
    this.#used += 2 ** Math.max(...this.format.indexBits, this.format.pageShift - 3);
    assert.ok(this.#used * 2 <= this.lanes.length);
    return table;
  }

  /** Goes on with a new table wherever it comes by: the paths of two addresses are apart. */
  #mapFrom(lanes: Uint32Array, table: number, level: number, address: bigint): void {
    const format = this.format;
    const page = Number(BigInt.asUintN(64, address) >> BigInt(format.pageShift));
    const entry = table + format.index(page as Vpn, level);
    if (level === 1) {
      this.#mapPages(lanes, entry);
      return;
    }
    const below = this.#newTable();
    const place = this.#placeOf(below);
    const accessed = format.fields(level, 'table').accessed?.[0];
    const mark = accessed === undefined ? 0 : 1 << accessed;
    lanes[entry * 2] = format.tableLow(place, level) | mark;
    lanes[entry * 2 + 1] = format.tableHigh(place, level);
    this.#mapFrom(this.lanes, below, level - 1, address);
  }

  #mapPages(lanes: Uint32Array, first: number): void {
    const format = this.format;
    const span = format.entryPages[1]!;
    const start = STUB_START / 2 ** format.pageShift;
    const count = Math.ceil(STUB_BYTES / 2 ** format.pageShift / span);
    for (let n = 0; n < count; n++) {
      const frame = (start + n * span) as Pfn;
      format.writeLeaf(lanes, first + n, frame, STUB_FLAGS, 1);
      if (!format.id.startsWith('arm64')) continue;
      // What user mode may write, privileged mode may not run: both modes may run it.
      lanes[(first + n) * 2]! &= ~ARM64_USER;
      lanes[(first + n) * 2 + 1]! &= ~ARM64_PXN;
    }
  }
}
