/** A machine of QEMU that performs accesses over given page tables. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
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
import { imageOf, type PteFormat } from '../../src/arch/index.ts';
import type { Updates } from '../../src/mmu/index.ts';
import type { Architecture } from './architectures.ts';
import { PLACE, RAM_BYTES, RECORD_BYTES, STUB, STUB_START } from './board.ts';
import type { TableSet } from './random_memory.ts';
import { StubTables } from './stub_tables.ts';

const SOURCES = fileURLToPath(new URL('../../../test/qemu/stubs', import.meta.url));
const QEMU_MS_MAX = 120_000;
const POLL_MS = 5;
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

  constructor(architecture: Architecture, format: PteFormat) {
    this.architecture = architecture;
    this.format = format;
    const linkedTo = architecture.isMapped
      ? new StubTables(format).slotAddress
      : BigInt(STUB_START);
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
      this.#run(path, file);
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
    if (architecture.isMapped) own.map(tables);
    const parameters = architecture.parameters(tables, own, updates);
    put(own.origin * ENTRY_BYTES, imageOf(format, own.lanes));
    put(tables.origin * ENTRY_BYTES, imageOf(format, tables.lanes));
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

  #run(path: string, file: number): void {
    const { program, status: expected } = this.architecture;
    const backend = `memory-backend-file,id=ram,size=${RAM_BYTES},mem-path=${path},share=on`;
    const flags = [
      ...['-object', backend, '-m', `${RAM_BYTES / 2 ** 20}M`, '-accel', 'tcg'],
      ...['-display', 'none', '-nodefaults', '-no-reboot'],
      ...this.architecture.arguments(this.#stubs),
    ];
    if (expected === undefined) {
      runUntilDone(program, flags, file);
      return;
    }
    const { status, signal, stderr } = spawnSync(program, flags, {
      stdio: ['ignore', 'ignore', 'pipe'],
      encoding: 'utf8',
      timeout: QEMU_MS_MAX,
    });
    assert.equal(status, expected, `${program} ended by ${signal ?? status}: ${stderr}`);
  }

  #read(file: number, tables: TableSet, { count, frames }: Requests): Answers {
    const architecture = this.architecture;
    const get = (address: number, bytes: Uint8Array): void => {
      readSync(file, bytes, 0, bytes.length, architecture.fileOffset(address));
    };
    const results = new Uint32Array((count * RECORD_BYTES) / 4);
    get(STUB_START + STUB.results, bytesOfLanes(results));
    const image = new Uint32Array(tables.lanes.length);
    get(tables.origin * ENTRY_BYTES, bytesOfLanes(image));
    const lanes = lanesOf(this.format, image);
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

/** For a stub that cannot end QEMU: it writes a word behind its parameters. */
function runUntilDone(program: string, flags: readonly string[], file: number): void {
  const child = spawn(program, flags, { stdio: 'ignore' });
  try {
    const [done, pause] = [new Uint8Array(1), new Int32Array(new SharedArrayBuffer(4))];
    const end = Date.now() + QEMU_MS_MAX;
    while (done[0] === 0) {
      assert.ok(Date.now() < end, `${program} has not come to an end`);
      Atomics.wait(pause, 0, 0, POLL_MS);
      readSync(file, done, 0, 1, STUB_START + STUB.done);
    }
  } finally {
    child.kill('SIGKILL');
  }
}

/** The reverse of `imageOf()`, which is its own: bytes change places, or none does. */
export function lanesOf(format: PteFormat, image: Uint32Array): Uint32Array {
  return new Uint32Array(imageOf(format, image).buffer);
}

const bytesOfLanes = ({ buffer, byteOffset, byteLength }: Uint32Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);
