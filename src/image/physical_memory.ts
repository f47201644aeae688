/**
 * The physical memory of a machine as bytes: what its hardware would find on the bus.
 *
 *    0           frames x page size                frames x table size
 *    +-----------+ - - - - - - - - - - - - - - - - +-------------------+
 *    | frames    | nothing, if tables are larger   | page tables       |
 *    +-----------+ - - - - - - - - - - - - - - - - +-------------------+
 *
 * Entries are in the format of the architecture and in its byte order, and the addresses in them are
 * those of this memory: a hardware walker finds its way. An entry that is not present to hardware is
 * as the engine keeps it (`mm/table/soft_entry.ts`), not as a kernel would. A frame has one word of
 * content, which fills its page.
 */
import { assert } from '../base/assert.ts';
import type { Machine, Mm } from '../mm/index.ts';

/** A part of it without holes: of physical addresses, in bytes. */
export interface Segment {
  readonly start: number;
  readonly bytes: number;
}

/** Bytes at a place; `bytes` is only good until the next one is asked for. */
export interface Chunk {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

const ENTRY_BYTES = 8;
const WORD_BYTES = 4;
const CHUNK_PAGES = 16;

export class PhysicalMemory {
  readonly frames: Segment;
  readonly tables: Segment;
  readonly #machine: Machine;
  readonly #pageBytes: number;
  readonly #tableBytes: number;

  constructor(machine: Machine) {
    const { format, size, tableEntries } = machine;
    this.#machine = machine;
    this.#pageBytes = 2 ** format.pageShift;
    this.#tableBytes = tableEntries * ENTRY_BYTES;
    this.frames = { start: 0, bytes: size.frames * this.#pageBytes };
    this.tables = {
      start: size.frames * this.#tableBytes,
      bytes: size.tables * this.#tableBytes,
    };
    assert(this.tables.start >= this.frames.bytes, 'page tables lie behind all frames');
  }

  /** The first address behind it. */
  get end(): number {
    return this.tables.start + this.tables.bytes;
  }

  /** The physical address of the root table of `mm`: what CR3, TTBR0 or satp would name. */
  rootOf(mm: Mm): number {
    return this.tables.start + mm.root * this.#tableBytes;
  }

  /** All of a segment that is not zero, upwards, at offsets from its start. */
  *chunksOf(segment: Segment): Generator<Chunk, void> {
    const isFrames = segment === this.frames;
    const unit = isFrames ? this.#pageBytes : this.#tableBytes;
    const units = isFrames ? CHUNK_PAGES : 1;
    const buffer = new Uint8Array(units * unit);
    const view = new DataView(buffer.buffer);
    const count = segment.bytes / unit;
    for (let first = 0; first < count; first += units) {
      const last = Math.min(count, first + units);
      const isEmpty = isFrames ? this.#fillFrames(view, first, last) : this.#fillTable(view, first);
      if (isEmpty) continue;
      yield { offset: first * unit, bytes: buffer.subarray(0, (last - first) * unit) };
    }
  }

  /** @returns whether there are only zeroes */
  #fillFrames(view: DataView, first: number, last: number): boolean {
    const { frameData, format } = this.#machine;
    const isLittle = format.byteOrder === 'little';
    let any = 0;
    for (let frame = first; frame < last; frame++) any |= frameData[frame] ?? 0;
    if (any === 0) return true;
    for (let frame = first; frame < last; frame++) {
      const start = (frame - first) * this.#pageBytes;
      for (let at = start; at < start + this.#pageBytes; at += WORD_BYTES) {
        view.setInt32(at, frameData[frame]!, isLittle);
      }
    }
    return false;
  }

  #fillTable(view: DataView, table: number): boolean {
    const { lanes, tableEntries, tableUsed, format } = this.#machine;
    if (tableUsed[table] !== 1) return true;
    const isLittle = format.byteOrder === 'little';
    const first = table * tableEntries * 2;
    let any = 0;
    for (let lane = 0; lane < tableEntries * 2; lane += 2) {
      const [low, high] = [lanes[first + lane]!, lanes[first + lane + 1]!];
      any |= low | high;
      view.setUint32(lane * 4 + (isLittle ? 0 : 4), low, isLittle);
      view.setUint32(lane * 4 + (isLittle ? 4 : 0), high, isLittle);
    }
    return any === 0;
  }
}
