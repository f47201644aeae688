/** Finds out which shape the page tables of this host have. */
import { readFileSync } from 'node:fs';
import { GEOMETRIES, type Geometry } from '../arch/geometry.ts';
import type { Cpuinfo } from '../proc/cpuinfo.ts';
import { parseMaps } from '../proc/maps.ts';
import { CaptureError } from './capture_error.ts';

/** What this process can see of its own address space. */
export interface OwnLimits {
  readonly pageBytes: number;
  /** Bits of the highest address in use: the stack is put within 1/64 of the end. */
  readonly addressBits: number;
}

/** Entry types of the auxiliary vector, 64-bit pairs of type and value. */
const AT_PAGESZ = 6;
const PAIR_BYTES = 16;

export function readOwnLimits(): OwnLimits {
  const vector = readFileSync('/proc/self/auxv');
  let pageBytes = 4096;
  for (let at = 0; at + PAIR_BYTES <= vector.length; at += PAIR_BYTES) {
    if (vector.readUInt32LE(at) === AT_PAGESZ) pageBytes = vector.readUInt32LE(at + 8);
  }
  const lines = parseMaps(readFileSync('/proc/self/maps', 'utf8'), pageBytes);
  const stack = lines.findLast((line) => line.name === '[stack]');
  const lastPage = stack === undefined ? 1 : stack.end - 1;
  return { pageBytes, addressBits: Math.floor(Math.log2(lastPage)) + 1 + Math.log2(pageBytes) };
}

/**
 * The depth follows from a feature flag on x86, is told on riscv, and is read off the end of the
 * address space on arm64.
 *
 * @param machine `uname -m`
 * @throws CaptureError for a machine or page size that is not among `GEOMETRIES`
 */
export function geometryOf(machine: string, cpuinfo: Cpuinfo, limits: OwnLimits): Geometry {
  const geometry = GEOMETRIES.find(({ id }) => id === geometryId(machine, cpuinfo, limits));
  if (geometry !== undefined && geometry.pageBytes === limits.pageBytes) return geometry;
  throw new CaptureError(
    `Cannot capture this host: page tables of ${machine} with ${limits.pageBytes}-byte pages and ` +
      `${limits.addressBits}-bit addresses are not known: analyse a snapshot of another host`,
  );
}

function geometryId(machine: string, cpuinfo: Cpuinfo, limits: OwnLimits): string {
  switch (machine) {
    case 'x86_64':
      return cpuinfo.flags.has('la57') ? 'x86_64-5level' : 'x86_64-4level';
    case 'aarch64':
      return `arm64-${limits.pageBytes / 1024}k-${armAddressBits(limits)}bit`;
    case 'riscv64':
      return `riscv64-${cpuinfo.mmu}`;
    default:
      return machine;
  }
}

/** The configurations of arm64 kernels, by page size. */
function armAddressBits({ pageBytes, addressBits }: OwnLimits): number {
  const configured: Readonly<Record<number, readonly number[]>> = {
    4096: [39, 48],
    16384: [47, 48],
    65536: [42, 48],
  };
  return configured[pageBytes]?.find((bits) => bits >= addressBits) ?? addressBits;
}
