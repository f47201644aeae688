/** What the MMUs of an architecture do that is not in the bits of an entry. */
import type { PteFormat } from '../arch/index.ts';
import { assert } from '../base/assert.ts';

/** Who sets the accessed and dirty bits of leaves: the walk, or software after a fault. */
export interface Updates {
  /** arm64 FEAT_HAFDBS with TCR.HA, riscv64 Svadu; always on x86-64, and here on ppc64. */
  readonly accessed: boolean;
  /** arm64 with TCR.HD too: needs `accessed`. */
  readonly dirty: boolean;
}

export const BY_HARDWARE: Updates = { accessed: true, dirty: true };
export const BY_SOFTWARE: Updates = { accessed: false, dirty: false };

export interface Hardware {
  /** Most address spaces that tags can tell apart. */
  readonly asids: number;
  /** Software may be left to set the bits. */
  readonly mayLeaveUpdates: boolean;
  /** An access flag fault takes precedence over a protection fault. */
  readonly accessFlagFirst: boolean;
  /** A fault drops what the CPU has cached of its address, so that it cannot be spurious twice. */
  readonly faultInvalidates: boolean;
  /** The upper half belongs to no address space: all translations of it are global. */
  readonly upperIsGlobal: boolean;
}

/**
 * @source x86-64: Intel SDM vol. 3A, 4.10.1 (PCIDs), 4.8 (accessed and dirty flags), 4.10.4.1
 *         ("Page faults invalidate entries in the TLBs and paging-structure caches")
 * @source arm64: Arm ARM DDI 0487, D8.5 "Hardware updates to the translation tables", D8.15 (order
 *         of faults), TTBR0_EL1.ASID
 * @source riscv64: privileged specification, satp.ASID, Svade and Svadu
 * @source ppc64: Power ISA 3.0B, Book III, 5.7.5 (quadrant 3 is translated for process 0), 5.7.13
 *         and 5.10.1.2 (an access that a cached entry refuses reloads the entry)
 */
const HARDWARE: Readonly<Record<string, Hardware>> = {
  x86_64: {
    asids: 2 ** 12,
    mayLeaveUpdates: false,
    accessFlagFirst: false,
    faultInvalidates: true,
    upperIsGlobal: false,
  },
  arm64: {
    asids: 2 ** 16,
    mayLeaveUpdates: true,
    accessFlagFirst: true,
    faultInvalidates: false,
    upperIsGlobal: false,
  },
  riscv64: {
    asids: 2 ** 16,
    mayLeaveUpdates: true,
    accessFlagFirst: false,
    faultInvalidates: false,
    upperIsGlobal: false,
  },
  ppc64: {
    asids: 2 ** 20,
    mayLeaveUpdates: false,
    accessFlagFirst: false,
    faultInvalidates: true,
    upperIsGlobal: true,
  },
};

export function hardwareOf(format: PteFormat): Hardware {
  const hardware = HARDWARE[format.id.split('-')[0]!];
  assert(hardware !== undefined, 'every format belongs to an architecture whose MMU is described');
  return hardware;
}

/** Sizes of page that a leaf of the format can map, in base pages, smallest first. */
export function pageSizes(format: PteFormat): number[] {
  const sizes = new Set<number>();
  for (let level = 0; level < format.levels; level++) {
    if (!format.mayHoldLeaf(level)) continue;
    const pages = format.entryPages[level]!;
    sizes.add(pages).add(pages * format.contiguousEntries(level));
  }
  return [...sizes].sort((a, b) => a - b);
}
