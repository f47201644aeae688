/**
 * The shape of a page-table tree: how many pages one table of each level spans.
 *
 * Bits of entries are not needed to count tables, so this file is all that the twin knows of an
 * architecture.
 */
import { assert } from '../base/assert.ts';

/** Levels below the root that Linux accounts in `mm->pgtables_bytes`, lowest first. */
export const TABLE_LEVELS = ['pte', 'pmd', 'pud', 'p4d'] as const;
export type TableLevel = (typeof TABLE_LEVELS)[number];

export interface Geometry {
  readonly id: string;
  /** Bytes of a base page and of a table page. */
  readonly pageBytes: number;
  /** Virtual address bits that index one table below the root. */
  readonly indexBits: number;
  /** Table levels including the root: 4 on ordinary x86-64. */
  readonly levels: number;
}

/**
 * Kernel configurations that `/proc` can come from.
 *
 * @source Documentation/arch/x86/x86_64/mm.rst, Documentation/arch/arm64/memory.rst,
 *         Documentation/arch/riscv/vm-layout.rst
 */
export const GEOMETRIES: readonly Geometry[] = [
  { id: 'x86_64-4level', pageBytes: 4096, indexBits: 9, levels: 4 },
  { id: 'x86_64-5level', pageBytes: 4096, indexBits: 9, levels: 5 },
  { id: 'arm64-4k-39bit', pageBytes: 4096, indexBits: 9, levels: 3 },
  { id: 'arm64-4k-48bit', pageBytes: 4096, indexBits: 9, levels: 4 },
  { id: 'arm64-16k-47bit', pageBytes: 16384, indexBits: 11, levels: 3 },
  { id: 'arm64-16k-48bit', pageBytes: 16384, indexBits: 11, levels: 4 },
  { id: 'arm64-64k-42bit', pageBytes: 65536, indexBits: 13, levels: 2 },
  { id: 'arm64-64k-48bit', pageBytes: 65536, indexBits: 13, levels: 3 },
  { id: 'riscv64-sv39', pageBytes: 4096, indexBits: 9, levels: 3 },
  { id: 'riscv64-sv48', pageBytes: 4096, indexBits: 9, levels: 4 },
  { id: 'riscv64-sv57', pageBytes: 4096, indexBits: 9, levels: 5 },
];

export function geometryById(id: string): Geometry | undefined {
  return GEOMETRIES.find((geometry) => geometry.id === id);
}

/** Table levels below the root, lowest first: `['pte', 'pmd', 'pud']` with four levels. */
export function tableLevels(geometry: Geometry): readonly TableLevel[] {
  return TABLE_LEVELS.slice(0, geometry.levels - 1);
}

/** Pages that one PTE table maps: 512 on x86-64. One such span is called a *slot*. */
export function slotPages(geometry: Geometry): number {
  return POWERS_OF_TWO[geometry.indexBits]!;
}

/** Slots that one table of `level` spans (level 0 is the PTE table, so 1). */
export function slotsPerTable(geometry: Geometry, level: number): number {
  assert(level >= 0, 'a table level is not negative');
  assert(level < geometry.levels, 'a table level is below or at the root');
  return POWERS_OF_TWO[geometry.indexBits * level]!;
}

/** Exact up to 2^52; `2 ** variable` is ten times slower in hot loops. */
const POWERS_OF_TWO = Float64Array.from({ length: 53 }, (_, exponent) => 2 ** exponent);
