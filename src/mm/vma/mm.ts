/** The state that the calls of this folder change. Callers hold mmap_lock for writing. */
import type { AnonVma, Vma } from './vma.ts';
import { VmaTree } from './vma_tree.ts';

/** Where things are to be, in pages unless a name says bytes. */
export interface Layout {
  readonly mmapBase: number;
  readonly taskSize: number;
  readonly brkStartBytes: number;
  /** The larger of vm.mmap_min_addr and the limit of the security modules. */
  readonly minAddress: number;
  /** What one call may be promised at most: memory and swap (vm.overcommit_memory is 0). */
  readonly commitLimit: number;
  /** vm.max_map_count */
  readonly mapCountMax: number;
  /** RLIMIT_STACK */
  readonly stackLimit: number;
}

export class AddressSpace {
  readonly layout: Layout;
  readonly vmas = new VmaTree();
  /** Added to every new VMA: VM_LOCKED after mlockall(MCL_FUTURE). */
  defaultFlags = 0;
  brkBytes: number;
  #anonVmas = 0;

  constructor(layout: Layout) {
    this.layout = layout;
    this.brkBytes = layout.brkStartBytes;
  }

  newAnonVma(): AnonVma {
    return { id: this.#anonVmas++ };
  }

  /** Whether no more VMAs may come to be by splitting. */
  get isFull(): boolean {
    return this.vmas.size >= this.layout.mapCountMax;
  }

  /** Whether `pages` more can be promised. */
  canCommit(pages: number): boolean {
    return pages <= this.layout.commitLimit;
  }
}

/** Divides a VMA: it keeps what is below `page`, the new one has the rest and is returned. */
export function splitVma(space: AddressSpace, vma: Vma, page: number): Vma {
  const upper = { ...vma, start: page, pgoff: vma.pgoff + page - vma.start };
  space.vmas.resize(vma, vma.start, page);
  space.vmas.insert(upper);
  return upper;
}
