/**
 * What the kernel takes from a program: its segments, its interpreter. Files are hostile: whatever is
 * not as it should be makes a program of which nothing is known.
 *
 * @source elf(5); System V ABI, AMD64 supplement
 */
import { LIMITS } from './limits.ts';

export interface ElfSegment {
  readonly address: number;
  readonly offset: number;
  readonly fileBytes: number;
  readonly memoryBytes: number;
  /** PROT_READ and so on. */
  readonly prot: number;
}

export interface ElfProgram {
  readonly isPositionIndependent: boolean;
  /** By address. */
  readonly segments: readonly ElfSegment[];
  readonly interpreter: string | undefined;
  /** What the dynamic linker makes read-only: address and bytes. */
  readonly relro: { readonly address: number; readonly bytes: number } | undefined;
}

const TYPE = { EXEC: 2, DYN: 3 } as const;
const HEADER = { LOAD: 1, INTERP: 3, GNU_RELRO: 0x6474e552 } as const;
const HEADER_BYTES = 56;
const HEADERS_MAX = 128;
const PATH_MAX = 4096;
const ADDRESS_MAX = 2 ** 47;
/** Of a program header: PF_X, PF_W, PF_R. */
const RIGHTS = [
  [4, 1],
  [2, 2],
  [1, 4],
] as const;

/** @returns undefined if it is no program of x86-64 that is as it should be */
export function readElf(bytes: Uint8Array): ElfProgram | undefined {
  if (bytes.length < 64 || bytes.length > LIMITS.elfBytes) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isElf = view.getUint32(0) === 0x7f454c46 && bytes[4] === 2 && bytes[5] === 1;
  const type = view.getUint16(16, true);
  const isProgram = type === TYPE.EXEC || type === TYPE.DYN;
  if (!isElf || !isProgram || view.getUint16(18, true) !== 62) return undefined;
  const start = wordAt(view, 32);
  const count = view.getUint16(56, true);
  const isWhole = start + count * HEADER_BYTES <= bytes.length;
  if (view.getUint16(54, true) !== HEADER_BYTES || count > HEADERS_MAX || !isWhole)
    return undefined;
  const headers = Array.from({ length: count }, (_, index) =>
    headerAt(view, start + index * HEADER_BYTES),
  );
  const segments = headers
    .filter(({ kind, memoryBytes }) => kind === HEADER.LOAD && memoryBytes > 0)
    .sort((a, b) => a.address - b.address);
  if (segments.length === 0 || !segments.every(isSound)) return undefined;
  const relro = headers.find(({ kind }) => kind === HEADER.GNU_RELRO);
  const interpreter = headers.find(({ kind }) => kind === HEADER.INTERP);
  return {
    isPositionIndependent: type === TYPE.DYN,
    segments,
    interpreter: interpreter && textAt(bytes, interpreter.offset, interpreter.fileBytes),
    relro: relro && { address: relro.address, bytes: relro.memoryBytes },
  };
}

interface Header extends ElfSegment {
  readonly kind: number;
}

function headerAt(view: DataView, at: number): Header {
  const flags = view.getUint32(at + 4, true);
  return {
    kind: view.getUint32(at, true),
    offset: wordAt(view, at + 8),
    address: wordAt(view, at + 16),
    fileBytes: wordAt(view, at + 32),
    memoryBytes: wordAt(view, at + 40),
    prot: RIGHTS.reduce((prot, [flag, right]) => prot | (flags & flag ? right : 0), 0),
  };
}

function isSound({ address, offset, fileBytes, memoryBytes }: ElfSegment): boolean {
  const isPlaced = address + memoryBytes <= ADDRESS_MAX && offset + fileBytes <= ADDRESS_MAX;
  return isPlaced && fileBytes <= memoryBytes && address % 4096 === offset % 4096;
}

function wordAt(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
}

function textAt(bytes: Uint8Array, from: number, length: number): string | undefined {
  if (length < 1 || length > PATH_MAX || from + length > bytes.length) return undefined;
  return String.fromCharCode(...bytes.subarray(from, from + length - 1));
}
