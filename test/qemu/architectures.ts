/** What runs the stub of an architecture, and how its hardware says what we call a `Fault`. */
import { Access, BY_HARDWARE, BY_SOFTWARE, Fault, type Updates } from '../../src/mmu/index.ts';
import { STUB_START } from './board.ts';
import type { TableSet } from './random_memory.ts';
import type { StubTables } from './stub_tables.ts';

/** How an access ended, and the last entry that was read. */
export interface Ending {
  readonly kind: Access;
  /** A frame or a `Fault`. */
  readonly result: number;
  readonly level: number;
  /** Of the memory for tables. */
  readonly lane: number;
  readonly low: number;
  readonly high: number;
}

export interface Architecture {
  /** The first part of the ids of its formats. */
  readonly prefix: string;
  readonly tools: string;
  readonly stubs: readonly string[];
  readonly program: string;
  /** Of QEMU, where the files of the stubs are `stubs`. */
  arguments(stubs: readonly string[]): readonly string[];
  /** The exit status of QEMU when the stub is through; without, it says so in its memory. */
  readonly status?: number;
  /** Whether the stub runs where the tables map it; if not, it is linked to where it lies. */
  readonly isMapped: boolean;
  /** Of memory in its file: a PC has a hole below 4 GiB. */
  fileOffset(address: number): number;
  /** 64-bit words that the stub finds, besides the number of requests. */
  parameters(tables: TableSet, own: StubTables, updates: Updates): bigint[];
  /** What a fetch runs: it leaves `word` in a register, and ends in an exception. */
  code(word: number): Uint8Array;
  /** The code that the stub should have written down. */
  codeOf(ending: Ending): number;
  /** What is compared of a code that the stub wrote down. */
  settled(code: number): number;
  /** Who may set accessed and dirty bits, as its hardware can be told. */
  readonly updates: readonly Updates[];
  /** Whether this QEMU keeps to the manual here. */
  isJudged(ending: Ending): boolean;
  /** Whether the hardware marks the entry accessed although it refuses the access. */
  marksRefused(ending: Ending): boolean;
  /** Whether the hardware notes the address of this fault. */
  hasAddress(fault: number): boolean;
}

const STORES = Access.store | Access.privilegedStore;
const FETCHES = Access.fetch | Access.privilegedFetch;
const USER = Access.load | Access.store | Access.fetch;
const GIB = 2 ** 30;

const address = (index: number): bigint => BigInt(index) * 8n;

/** @source Intel SDM vol. 3A, 4.7 "Page-Fault Exceptions": the error code */
const x86_64: Architecture = {
  prefix: 'x86_64',
  tools: 'x86_64-linux-gnu-',
  stubs: ['x86_64', 'x86_64_reset'],
  program: 'qemu-system-x86_64',
  arguments: ([, reset]) => [
    ...['-M', 'pc,memory-backend=ram', '-cpu', 'max', '-bios', reset!],
    ...['-device', 'isa-debug-exit,iobase=0xf4,iosize=4'],
  ],
  status: 1,
  isMapped: true,
  fileOffset: (at) => (at < 4 * GIB ? at : at - GIB),
  parameters({ roots }, own) {
    const modes = own.format.levels > 4 ? 0x1020n : 0x20n;
    return [address(roots[0]), address(own.bootRoot()), modes];
  },
  // mov $word, %eax; ud2
  code: (word) => bytesOf([0xb8, ...littleEndian(word), 0x0f, 0x0b]),
  codeOf({ kind, result }) {
    if (result >= 0) return 6;
    if (result === Fault.notCanonical) return 13;
    const present = result === Fault.notPresent ? 0 : 1;
    const write = (kind & STORES) !== 0 ? 2 : 0;
    const user = (kind & USER) !== 0 ? 4 : 0;
    const reserved = result === Fault.reserved ? 8 : 0;
    const fetch = (kind & FETCHES) !== 0 ? 16 : 0;
    return 14 | ((present | write | user | reserved | fetch) << 8);
  },
  // QEMU 7.2 clears "present" in the error code of a reserved bit; the manual says it is set.
  settled: (code) => ((code & 0x800) !== 0 ? code | 0x100 : code),
  updates: [BY_HARDWARE],
  isJudged: () => true,
  // QEMU 7.2 marks an entry of level 2 before it sees that it maps a page, and may refuse.
  marksRefused: ({ result, level, low }) =>
    result !== Fault.notCanonical && level === 2 && (low & 0x81) === 0x81,
  hasAddress: (fault) => fault !== Fault.notCanonical,
};

/** @source RISC-V privileged specification, mcause: 8 and 9 are ECALL from user and supervisor mode */
const riscv64: Architecture = {
  prefix: 'riscv64',
  tools: 'riscv64-linux-gnu-',
  stubs: ['riscv64'],
  program: 'qemu-system-riscv64',
  // Without PMP entries the other modes may access nothing: so, without PMP.
  arguments: () => [
    ...['-M', 'none,memory-backend=ram', '-cpu', 'rv64,pmp=false'],
    ...['-semihosting-config', 'enable=on,target=native', ...START],
  ],
  status: 0,
  isMapped: false,
  fileOffset: (at) => at,
  parameters({ roots }, { format }) {
    const mode = BigInt(format.levels + 5);
    return [(mode << 60n) | (address(roots[0]) >> 12n)];
  },
  // lui a0, word; addi a0, a0, word; ecall
  code(word) {
    const upper = (word + 0x800) & ~0xfff;
    return bytesOf(littleEndian(upper | 0x537, ((word & 0xfff) << 20) | 0x50513, 0x73));
  },
  codeOf({ kind, result }) {
    if (result >= 0) return kind === Access.privilegedFetch ? 9 : 8;
    if ((kind & FETCHES) !== 0) return 12;
    return (kind & STORES) !== 0 ? 15 : 13;
  },
  settled: (code) => code,
  updates: [BY_HARDWARE],
  isJudged: () => true,
  marksRefused: () => false,
  hasAddress: () => true,
};

/** TCR_EL1.TG0 and TG1, by page shift. */
const GRANULES: ReadonlyMap<number, readonly [lower: bigint, upper: bigint]> = new Map([
  [12, [0n, 2n]],
  [14, [2n, 1n]],
  [16, [1n, 3n]],
]);
/** The root of the manual is its level 0 where there are four, and the last is always its level 3. */
const LAST_LEVEL = 3;
const SVC = 0x56000000;

/** @source Arm ARM DDI 0487, ESR_EL1: the classes of exceptions, and the fault status codes */
const arm64: Architecture = {
  prefix: 'arm64',
  tools: 'aarch64-linux-gnu-',
  stubs: ['arm64'],
  program: 'qemu-system-aarch64',
  arguments: () => [
    ...['-M', 'none,memory-backend=ram', '-cpu', 'max'],
    ...['-semihosting-config', 'enable=on,target=native', ...START],
  ],
  status: 0,
  isMapped: true,
  fileOffset: (at) => at,
  parameters({ roots }, { format }, { accessed, dirty }) {
    const top = format.levels - 1;
    const pages = format.entryPages[top]! * 2 ** format.indexBits[top]!;
    const size = BigInt(64 - format.pageShift - Math.log2(pages));
    const [lower, upper] = GRANULES.get(format.pageShift)!;
    // 48-bit output addresses.
    let control = size | (size << 16n) | (lower << 14n) | (upper << 30n) | (5n << 32n);
    if (accessed) control |= 1n << 39n;
    if (dirty) control |= 1n << 40n;
    // Translation on; no privileged-access-never after an exception.
    return [0x30d00801n, control, address(roots[0]), address(roots[1])];
  },
  // movz w1, word; movk w1, word, lsl 16; svc 0
  code(word) {
    const low = 0x52800001 | ((word & 0xffff) << 5);
    const high = 0x72a00001 | ((word >>> 16) << 5);
    return bytesOf(littleEndian(low, high, 0xd4000001));
  },
  codeOf({ kind, result, level }) {
    if (result >= 0) return SVC;
    const sameLevel = (kind & USER) === 0 ? 1 : 0;
    const classOf = ((kind & FETCHES) !== 0 ? 0x20 : 0x24) + sameLevel;
    const write = (kind & STORES) !== 0 ? 1 << 6 : 0;
    return ((classOf << 26) | (1 << 25) | write | statusOf(result, LAST_LEVEL - level)) >>> 0;
  },
  settled: (code) => code,
  updates: [BY_HARDWARE, { accessed: true, dirty: false }, BY_SOFTWARE],
  // A clean page with DBM is writable (AArch64.S1ApplyOutputPerms), so that what user mode may write
  // so is not executed in EL1. QEMU 7.2 clears AP[2] of it for stores only.
  isJudged({ kind, result, low, high }) {
    const isClean = (low & (3 << 6)) === 3 << 6 && (high & (1 << 19)) !== 0;
    return !(kind === Access.privilegedFetch && result === Fault.execute && isClean);
  },
  marksRefused: () => false,
  hasAddress: () => true,
};

function statusOf(fault: number, level: number): number {
  if (fault === Fault.notCanonical) return 4;
  if (fault === Fault.accessFlag) return 8 + level;
  return (fault === Fault.notPresent || fault === Fault.reserved ? 4 : 12) + level;
}

/** Starts the processor at the stub. */
const START = ['-device', `loader,addr=${STUB_START},cpu-num=0`];

const NO_TRANSLATION = 0x4000_0000;
const NO_EXECUTE = 0x1000_0000;
const PROTECTION = 0x0800_0000;
const IS_STORE = 0x0200_0000;

/** @source Power ISA 3.0B, Book III, 6.5: interrupts 0x300 to 0x480, DSISR and SRR1 */
const ppc64: Architecture = {
  prefix: 'ppc64',
  tools: 'powerpc64-linux-gnu-',
  stubs: ['ppc64'],
  program: 'qemu-system-ppc64',
  arguments: ([stub]) => ['-M', 'powernv9,memory-backend=ram', '-bios', stub!],
  isMapped: true,
  fileOffset: (at) => at,
  parameters(tables, own) {
    return [address(own.partitionTable(tables.roots)), own.slotAddress];
  },
  // lis r3, word; ori r3, r3, word; sc
  code: (word) =>
    bigEndian(0x3c60_0000 | (word >>> 16), 0x6063_0000 | (word & 0xffff), 0x4400_0002),
  codeOf({ kind, result }) {
    if (result >= 0) return 0xc00;
    const isFetch = (kind & FETCHES) !== 0;
    if (result === Fault.notCanonical) return isFetch ? 0x480 : 0x380;
    const isHole = result === Fault.notPresent;
    if (isFetch) return 0x400 | (isHole ? NO_TRANSLATION : NO_EXECUTE);
    return 0x300 | (isHole ? NO_TRANSLATION : PROTECTION) | ((kind & STORES) !== 0 ? IS_STORE : 0);
  },
  settled: (code) => code,
  updates: [BY_HARDWARE],
  // Nothing is fetched from guarded memory; we leave memory types out.
  isJudged: ({ kind, low }) => !((kind & FETCHES) !== 0 && (low & 0x30) === 0x20),
  marksRefused: () => false,
  hasAddress: () => true,
};

function bigEndian(...words: readonly number[]): Uint8Array {
  return bytesOf(words.flatMap((word) => littleEndian(word).reverse()));
}

const bytesOf = (bytes: readonly number[]): Uint8Array => Uint8Array.from(bytes);

function littleEndian(...words: readonly number[]): number[] {
  return words.flatMap((word) => [0, 8, 16, 24].map((shift) => (word >>> shift) & 255));
}

export const ARCHITECTURES: readonly Architecture[] = [x86_64, riscv64, arm64, ppc64];
