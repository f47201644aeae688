/** A machine of QEMU that performs accesses over given page tables. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ACCESSED, DIRTY, type Pfn, type PteFormat, R, USER, W, X } from '../../src/arch/index.ts';
import type { Updates } from '../../src/mmu/index.ts';
import type { Architecture } from './architectures.ts';
import { PLACE, RAM_BYTES, RECORD_BYTES, STUB, STUB_BYTES, STUB_START } from './board.ts';
import { stubSlot, type TableSet } from './random_memory.ts';

const SOURCES = fileURLToPath(new URL('../../../test/qemu/stubs', import.meta.url));
const QEMU_MS_MAX = 120_000;
const ENTRY_BYTES = 8;

/** What is done with the memory, in order; kinds as in `KINDS`. */
export interface Requests {
  readonly count: number;
  /** The upper and lower 32 bits of an address and the place of its kind, of each. */
  readonly words: Uint32Array;
  /** Frames that may be met. */
  readonly frames: ReadonlySet<number>;
}

/** What the hardware left. */
export interface Answers {
  /** Code, word and two halves of an address, of each request. */
  readonly results: Uint32Array;
  readonly lanes: Uint32Array;
  /** The number, from 1, of the last store to each frame, or 0. */
  readonly stored: ReadonlyMap<number, number>;
}

export class Guest {
  readonly architecture: Architecture;
  readonly format: PteFormat;
  readonly #folder = mkdtempSync(join(tmpdir(), 'ptshare-qemu-'));
  readonly #stubs: readonly string[];
  readonly #slotAddress: bigint;

  constructor(architecture: Architecture, format: PteFormat) {
    this.architecture = architecture;
    this.format = format;
    this.#slotAddress = slotAddress(format);
    const linkedTo = architecture.isMapped ? this.#slotAddress : BigInt(STUB_START);
    this.#stubs = architecture.stubs.map((name) => this.#assemble(name, linkedTo));
  }

  #assemble(name: string, linkedTo: bigint): string {
    const { tools } = this.architecture;
    const path = join(this.#folder, name);
    const link = ['-Ttext', `0x${linkedTo.toString(16)}`, '--entry=0'];
    execFileSync(`${tools}as`, ['-o', `${path}.o`, join(SOURCES, `${name}.s`)]);
    execFileSync(`${tools}ld`, [...link, '-o', `${path}.elf`, `${path}.o`]);
    const binary = `${path}.bin`;
    execFileSync(`${tools}objcopy`, ['-O', 'binary', `${path}.elf`, binary]);
    return binary;
  }

  /** Starts a machine with these tables, and waits until it has done all. */
  perform(tables: TableSet, requests: Requests, updates: Updates): Answers {
    const path = join(this.#folder, 'ram');
    const file = openSync(path, 'w+');
    try {
      ftruncateSync(file, RAM_BYTES);
      this.#fill(file, tables, requests, updates);
      this.#run(path);
      return this.#read(file, tables, requests);
    } finally {
      closeSync(file);
      rmSync(path);
    }
  }

  #fill(file: number, tables: TableSet, requests: Requests, updates: Updates): void {
    const architecture = this.architecture;
    const { format } = this;
    const put = (address: number, bytes: Uint8Array): void => {
      writeSync(file, bytes, 0, bytes.length, architecture.fileOffset(address));
    };
    put(STUB_START, readFileSync(this.#stubs[0]!));
    const own = new StubTables(format);
    if (architecture.isMapped) own.map(tables, this.#slotAddress);
    const boot = own.bootRoot(this.#slotAddress);
    put(own.start, bytesOfLanes(own.lanes));
    put(tables.origin * ENTRY_BYTES, bytesOfLanes(tables.lanes));
    const parameters = architecture.parameters(format, tables, boot, updates);
    const words = BigUint64Array.from([...parameters, BigInt(requests.count)]);
    put(STUB_START + STUB.parameters, new Uint8Array(words.buffer));
    put(STUB_START + STUB.requests, bytesOfLanes(requests.words));
    const page = new Uint8Array(PLACE.stored);
    for (const frame of requests.frames) {
      page.set(architecture.code(frame), PLACE.code);
      new DataView(page.buffer).setUint32(PLACE.word, frame, true);
      put(frame * 2 ** format.pageShift, page);
    }
  }

  #run(path: string): void {
    const { program, status: expected } = this.architecture;
    const backend = `memory-backend-file,id=ram,size=${RAM_BYTES},mem-path=${path},share=on`;
    const { status, signal, stderr } = spawnSync(
      program,
      [
        ...['-object', backend, '-m', `${RAM_BYTES / 2 ** 20}M`, '-accel', 'tcg'],
        ...['-display', 'none', '-nodefaults', '-no-reboot'],
        ...this.architecture.arguments(this.#stubs),
      ],
      { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8', timeout: QEMU_MS_MAX },
    );
    assert.equal(status, expected, `${program} ended by ${signal ?? status}: ${stderr}`);
  }

  #read(file: number, tables: TableSet, { count, frames }: Requests): Answers {
    const architecture = this.architecture;
    const get = (address: number, bytes: Uint8Array): void => {
      readSync(file, bytes, 0, bytes.length, architecture.fileOffset(address));
    };
    const results = new Uint32Array((count * RECORD_BYTES) / 4);
    get(STUB_START + STUB.results, bytesOfLanes(results));
    const lanes = new Uint32Array(tables.lanes.length);
    get(tables.origin * ENTRY_BYTES, bytesOfLanes(lanes));
    const word = new Uint32Array(1);
    const stored = new Map<number, number>();
    for (const frame of frames) {
      get(frame * 2 ** this.format.pageShift + PLACE.stored, bytesOfLanes(word));
      stored.set(frame, word[0]!);
    }
    return { results, lanes, stored };
  }

  close(): void {
    rmSync(this.#folder, { recursive: true });
  }
}

const bytesOfLanes = ({ buffer, byteOffset, byteLength }: Uint32Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

function slotAddress(format: PteFormat): bigint {
  const top = format.levels - 1;
  const all = format.entryPages[top]! * 2 ** format.indexBits[top]!;
  const page = BigInt(2 ** (64 - format.pageShift)) - BigInt(all);
  const inside = BigInt(stubSlot(format) * format.entryPages[top]!);
  return (page + inside) << BigInt(format.pageShift);
}

/** Tables that map the stub: they lie in its own memory, so that they are in no other's way. */
class StubTables {
  readonly start = STUB_START + STUB.tables;
  readonly lanes = new Uint32Array((STUB.requests - STUB.tables) / 4);
  readonly #format: PteFormat;
  #used = 0;

  constructor(format: PteFormat) {
    this.#format = format;
  }

  /** Maps the stub at `address` in the upper half of `tables`. */
  map(tables: TableSet, address: bigint): void {
    const { levels } = this.#format;
    this.#mapFrom(tables.lanes, tables.roots[1] - tables.origin, levels - 1, address);
  }

  /** @returns the address of a root that maps the stub at `address`, and where it lies */
  bootRoot(address: bigint): number {
    const table = this.#newTable();
    for (const at of [address, BigInt(STUB_START)]) {
      this.#mapFrom(this.lanes, table, this.#format.levels - 1, at);
    }
    return this.start + table * ENTRY_BYTES;
  }

  #newTable(): number {
    const table = this.#used;
    this.#used += Math.max(2 ** this.#format.pageShift / ENTRY_BYTES, 512);
    assert.ok(this.#used * 2 <= this.lanes.length);
    return table;
  }

  /** Goes on with a new table wherever it comes by: the paths of two addresses are apart. */
  #mapFrom(lanes: Uint32Array, table: number, level: number, address: bigint): void {
    const format = this.#format;
    const page = Number(BigInt.asUintN(64, address) >> BigInt(format.pageShift));
    const entry = table + format.index(page as Parameters<PteFormat['index']>[0], level);
    if (level === 1) {
      this.#mapPages(lanes, entry);
      return;
    }
    const below = this.#newTable();
    const place = (this.start / ENTRY_BYTES + below) as Parameters<PteFormat['tableLow']>[0];
    const accessed = format.fields(level, 'table').accessed?.[0];
    const mark = accessed === undefined ? 0 : 1 << accessed;
    lanes[entry * 2] = format.tableLow(place, level) | mark;
    lanes[entry * 2 + 1] = format.tableHigh(place, level);
    this.#mapFrom(this.lanes, below, level - 1, address);
  }

  #mapPages(lanes: Uint32Array, first: number): void {
    const format = this.#format;
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

const STUB_FLAGS = R | W | X | USER | ACCESSED | DIRTY;
/** In the low and in the high lane. */
const ARM64_USER = 1 << 6;
const ARM64_PXN = 1 << 21;
