/** Assigns the regions that a scan reports to VMAs, and reduces them to runs. */
import { assert } from '../base/assert.ts';
import { RunKind, type Runs } from '../snapshot/records.ts';
import { PageIs } from '../uapi/pagemap.ts';
import type { Layout } from './layout.ts';
import { RunBuilder } from './run_builder.ts';
import type { RegionSink } from './table_source.ts';

/** What a region means in one VMA; 0 if nothing. */
export type KindOf = (vma: number, categories: number) => RunKind | 0;

/** For regions of entries that are not none: what is mapped, swapped, or marked. */
export function populatedKinds(layout: Layout): KindOf {
  return (vma, categories) => {
    if ((categories & PageIs.HUGE) === 0) return RunKind.PTE;
    const kinds = categories === PageIs.HUGE ? layout.holeKind : layout.hugeKind;
    return kinds[vma] as RunKind | 0;
  };
}

/**
 * For regions of existing tables.
 *
 * @param isMisread whether the scan takes holes for tables in a VMA
 */
export function existingKinds(isMisread: (vma: number) => boolean): KindOf {
  return (vma) => (isMisread(vma) ? 0 : RunKind.EMPTY);
}

/** Takes the regions of one scan, in ascending order. */
export class Reducer implements RegionSink {
  readonly #layout: Layout;
  readonly #kindOf: KindOf;
  readonly #builder: RunBuilder;
  #vma = 0;
  #strayPages = 0;
  /** Of the region that was last. */
  #end = 0;
  /** Up to this page, and with these categories, a region belongs to the slot that was last. */
  #openEnd = 0;
  #openCategories = 0;

  /** @param slotPages pages that one PTE table maps */
  constructor(layout: Layout, slotPages: number, kindOf: KindOf) {
    this.#layout = layout;
    this.#kindOf = kindOf;
    this.#builder = new RunBuilder(slotPages);
  }

  /** Pages outside every VMA: the process mapped them after its maps were read. */
  get strayPages(): number {
    return this.#strayPages;
  }

  add(start: number, end: number, categories: number): void {
    assert(start >= this.#end, 'regions come in ascending order');
    this.#end = end;
    // 131,072 times a GiB where every other page is populated.
    if (end <= this.#openEnd && categories === this.#openCategories) {
      this.#builder.addToLastSlot(end - start);
      return;
    }
    const layout = this.#layout;
    let from = start;
    while (from < end) {
      while (this.#vma < layout.length && layout.end[this.#vma]! <= from) this.#vma++;
      const vma = this.#vma;
      const vmaStart = vma === layout.length ? end : Math.min(end, layout.start[vma]!);
      if (vmaStart > from) {
        this.#strayPages += vmaStart - from;
        from = vmaStart;
        continue;
      }
      const to = Math.min(end, layout.end[vma]!);
      this.#addPiece(vma, from, to, categories);
      from = to;
    }
  }

  #addPiece(vma: number, start: number, end: number, categories: number): void {
    const kind = this.#kindOf(vma, categories);
    if (kind === 0) return;
    this.#builder.add(vma, start, end, kind);
    this.#openEnd = Math.min(this.#layout.end[vma]!, this.#builder.lastSlotEnd);
    this.#openCategories = categories;
  }

  build(): Runs {
    return this.#builder.build();
  }
}
