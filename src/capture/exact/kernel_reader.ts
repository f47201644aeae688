/**
 * Reads kernel memory, by the address the kernel itself uses or by physical frame.
 *
 * A BPF program copies pages into a map that this process has mapped: `BATCH` reads take one system
 * call, about 0.2 us a page. `bpf_probe_read_kernel()` reports memory that is not there as an error
 * instead of faulting, so no read can harm the kernel, and the program can write to its map only.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, openSync, readFileSync, readSync } from 'node:fs';
import { assert } from '../../base/assert.ts';
import { PAGE_BYTES } from '../../uapi/mman.ts';
import { type BpfProgram, loadProgram } from './bpf.ts';
import { Btf } from './btf.ts';
import {
  assembleReader,
  BATCH,
  BYTES_AT,
  COUNT_AT,
  DATA_AT,
  FOLLOW_AT,
  REQUESTS_AT,
  TASK_AT,
  UNUSED_AT,
  VALUE_BYTES,
} from './program.ts';
import { ExactModeUnavailable } from './unavailable.ts';

const BTF_PATH = '/sys/kernel/btf/vmlinux';
const LOCKDOWN_PATH = '/sys/kernel/security/lockdown';
/** The direct map starts at a multiple of this, wherever it was moved at boot. */
const GIB = 1n << 30n;
/** How far below a task_struct the direct map may start: 64 TiB, all that four levels can map. */
const DIRECT_MAP_GIB_MAX = 1 << 16;
const NONCE_BYTES = 32;
/** The longest chain that can be followed at once. */
export const CHAIN_MAX = BATCH;

/**
 * What was read, as 32-bit words, low half of a pointer first. Valid during the call only: the next
 * read overwrites it. `undefined` where no memory is mapped.
 */
export type Visit = (words: Uint32Array | undefined, index: number) => void;

export interface KernelReader {
  readonly btf: Btf;
  /** The task_struct of the thread that reads. */
  readonly currentTask: bigint;
  /** Reads `bytes` (at most 4096, a multiple of 4) at each kernel address. */
  read(addresses: readonly bigint[], bytes: number, visit: Visit): void;
  /** Reads whole pages by frame number, through the kernel's direct map of all memory. */
  readFrames(frames: readonly number[], visit: Visit): void;
  /**
   * Reads `bytes` at `first`, then at the address that was read there first, and so on: `count`
   * times, at most `CHAIN_MAX`. Nothing that the reader waits for comes between the reads.
   */
  follow(first: bigint, bytes: number, count: number, visit: Visit): void;
  /** The frame behind an address in the direct map. */
  frameOf(address: bigint): number;
  close(): void;
}

/** The pointer at a byte offset of what was read. */
export function pointerAt(words: Uint32Array, offset: number): bigint {
  return (BigInt(words[offset / 4 + 1]!) << 32n) | BigInt(words[offset / 4]!);
}

/**
 * @throws ExactModeUnavailable where this host or the rights of this process do not allow it, with
 *         what to do about it
 */
export function openKernelReader(): KernelReader {
  refuseWhereImpossible();
  const btf = readBtf();
  const program = loadProgram(VALUE_BYTES, assembleReader);
  try {
    const channel = new Channel(program);
    const currentTask = channel.currentTask();
    const base = findDirectMap(channel, currentTask);
    const frameAddress = (frame: number) => base + BigInt(frame) * BigInt(PAGE_BYTES);
    return {
      btf,
      currentTask,
      read: (addresses, bytes, visit) => channel.read(addresses, bytes, visit),
      readFrames: (frames, visit) => channel.read(frames.map(frameAddress), PAGE_BYTES, visit),
      follow: (first, bytes, count, visit) => channel.follow(first, bytes, count, visit),
      frameOf: (address) => Number((address - base) / BigInt(PAGE_BYTES)),
      close: () => program.close(),
    };
  } catch (error) {
    program.close();
    throw error;
  }
}

/** The program and its map value, as a way to read any number of addresses. */
class Channel {
  readonly #program: BpfProgram;
  readonly #header: DataView;
  readonly #requests: BigInt64Array;
  readonly #pages: readonly Uint32Array[];

  constructor(program: BpfProgram) {
    const { value } = program;
    this.#program = program;
    this.#header = new DataView(value, 0, REQUESTS_AT);
    this.#requests = new BigInt64Array(value, REQUESTS_AT, BATCH);
    this.#pages = Array.from(
      { length: BATCH },
      (_, index) => new Uint32Array(value, DATA_AT + index * PAGE_BYTES, PAGE_BYTES / 4),
    );
  }

  currentTask(): bigint {
    this.read([], 0, () => {});
    return this.#header.getBigUint64(TASK_AT, true);
  }

  read(addresses: readonly bigint[], bytes: number, visit: Visit): void {
    let from = 0;
    do {
      const count = Math.min(BATCH, addresses.length - from);
      for (let index = 0; index < count; index++) {
        this.#requests[index] = BigInt.asIntN(64, addresses[from + index]!);
      }
      this.#run(count, bytes, /* follow = */ 0);
      for (let index = 0; index < count; index++) visit(this.#result(index), from + index);
      from += BATCH;
    } while (from < addresses.length);
  }

  follow(first: bigint, bytes: number, count: number, visit: Visit): void {
    assert(count <= CHAIN_MAX, 'a chain is followed in one run');
    this.#requests[0] = BigInt.asIntN(64, first);
    this.#run(count, bytes, /* follow = */ 1);
    for (let index = 0; index < count; index++) visit(this.#result(index), index);
  }

  #run(count: number, bytes: number, follow: number): void {
    assert(bytes <= PAGE_BYTES, 'a read is at most one page long');
    assert(bytes % 4 === 0, 'a read is a whole number of words long');
    this.#header.setUint32(COUNT_AT, count, true);
    this.#header.setUint32(BYTES_AT, bytes, true);
    this.#header.setUint32(FOLLOW_AT, follow, true);
    this.#program.run();
  }

  #result(index: number): Uint32Array | undefined {
    return this.#requests[index] === 0n ? this.#pages[index] : undefined;
  }

  /** Marks the map's own first page, kernel memory that cannot move, and says where it lies. */
  plantNonce(): { readonly nonce: Buffer; readonly frame: number } {
    const nonce = randomBytes(NONCE_BYTES);
    nonce.copy(new Uint8Array(this.#program.value, UNUSED_AT, NONCE_BYTES));
    return { nonce, frame: frameOfOwnPage(this.#program.address) };
  }
}

function refuseWhereImpossible(): void {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new ExactModeUnavailable(`this is ${process.platform} on ${process.arch}`, '');
  }
  // The kernel drops this flag from the list where it runs with four levels.
  if (/^flags\s*:.*\bla57\b/m.test(readFileSync('/proc/cpuinfo', 'latin1'))) {
    throw new ExactModeUnavailable(
      'this kernel uses tables of 5 levels, and only 4 are understood',
      'boot with no5lvl',
    );
  }
  // Where securityfs is not mounted the verifier still refuses, with a less exact message.
  if (existsSync(LOCKDOWN_PATH) && readFileSync(LOCKDOWN_PATH, 'latin1').includes('[conf')) {
    throw new ExactModeUnavailable(
      'the kernel is locked down for confidentiality, which forbids reading its memory',
      'boot with lockdown=integrity or without lockdown',
    );
  }
}

function readBtf(): Btf {
  try {
    return new Btf(readFileSync(BTF_PATH));
  } catch (error) {
    throw new ExactModeUnavailable(
      `${BTF_PATH} cannot be used: ${(error as Error).message}`,
      'use a kernel with CONFIG_DEBUG_INFO_BTF',
    );
  }
}

/**
 * Where the direct map starts: it is moved at boot by whole GiB, so the planted page is looked for
 * at every place its frame could be seen.
 */
function findDirectMap(channel: Channel, task: bigint): bigint {
  const { nonce, frame } = channel.plantNonce();
  const nonceOffset = BigInt(frame * PAGE_BYTES + UNUSED_AT);
  const highest = (task / GIB) * GIB;
  for (let gib = 0; gib < DIRECT_MAP_GIB_MAX; gib += BATCH) {
    const bases = Array.from({ length: BATCH }, (_, index) => highest - BigInt(gib + index) * GIB);
    let found: bigint | undefined;
    channel.read(
      bases.map((base) => base + nonceOffset),
      NONCE_BYTES,
      (words, index) => {
        if (words === undefined) return;
        if (nonce.equals(new Uint8Array(words.buffer, words.byteOffset, NONCE_BYTES))) {
          found = bases[index];
        }
      },
    );
    if (found !== undefined) return found;
  }
  throw new ExactModeUnavailable('the direct map of physical memory was not found', '');
}

/** @source Documentation/admin-guide/mm/pagemap.rst */
function frameOfOwnPage(address: bigint): number {
  const entry = Buffer.alloc(8);
  const fd = openSync('/proc/self/pagemap', 'r');
  try {
    readSync(fd, entry, 0, 8, Number(address / BigInt(PAGE_BYTES)) * 8);
  } finally {
    closeSync(fd);
  }
  const frame = Number(entry.readBigUInt64LE() & ((1n << 55n) - 1n));
  if (frame === 0) {
    throw new ExactModeUnavailable(
      '/proc/self/pagemap hides frame numbers from this process',
      'run as root, or with CAP_SYS_ADMIN',
    );
  }
  return frame;
}
