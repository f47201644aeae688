/**
 * Reads `/proc/PID/pagemap` itself: what is left where PAGEMAP_SCAN is missing, and the only way to
 * page frame numbers.
 *
 * An entry is 64 bits, read as two 32-bit lanes: `bigint` would be 15 times slower. It says of each
 * page whether it is populated, but not at which level: a huge page looks like 512 small ones, and
 * an empty table like a hole.
 *
 * @source Documentation/admin-guide/mm/pagemap.rst
 */
import { readSync } from 'node:fs';
import { RunKind } from '../snapshot/records.ts';
import { PageIs } from '../uapi/pagemap.ts';
import type { Layout } from './layout.ts';
import type { Pacer } from './pacer.ts';
import type { RegionSink, TableSource } from './table_source.ts';

const ENTRY_BYTES = 8;
/** 64 KiB: larger reads are slower (measured), and one table fits, with 64 KiB pages too. */
export const ENTRIES_MAX = 8192;

/** Bits of the high lane. A marker, such as a guard region, counts as swapped. */
const PRESENT = 2 ** 31;
const SWAPPED = 2 ** 30;
/** Bits 32 to 54 of the frame number, or of type and offset in swap. */
const FRAME_HIGH = 2 ** 23 - 1;

/** Consecutive entries of one pagemap. */
export class PagemapWindow {
  readonly #lanes = new Uint32Array(ENTRIES_MAX * 2);

  /**
   * @param count at most `ENTRIES_MAX`
   * @returns how many entries were read: fewer at the end of the address space
   */
  read(pagemap: number, page: number, count: number): number {
    const bytes = readSync(pagemap, this.#lanes, 0, count * ENTRY_BYTES, page * ENTRY_BYTES);
    return bytes / ENTRY_BYTES;
  }

  isPopulated(entry: number): boolean {
    return (this.#lanes[entry * 2 + 1]! & (PRESENT | SWAPPED)) !== 0;
  }

  /** Whether a page is there and its frame is not told: the reader lacks CAP_SYS_ADMIN. */
  isFrameHidden(entry: number): boolean {
    const isPresent = (this.#lanes[entry * 2 + 1]! & PRESENT) !== 0;
    return isPresent && this.low(entry) === 0 && (this.high(entry) & FRAME_HIGH) === 0;
  }

  /** The low bits of the frame number, or of the place in swap. */
  low(entry: number): number {
    return this.#lanes[entry * 2]!;
  }

  /** Their high bits, and what kind of entry it is. */
  high(entry: number): number {
    return this.#lanes[entry * 2 + 1]! & (PRESENT | SWAPPED | FRAME_HIGH);
  }
}

export class PagemapRead implements TableSource {
  readonly #window = new PagemapWindow();

  async populated(pagemap: number, layout: Layout, sink: RegionSink, pacer: Pacer): Promise<void> {
    for (let vma = 0; vma < layout.length; vma++) {
      const categories = isHugetlb(layout, vma) ? PageIs.PRESENT | PageIs.HUGE : PageIs.PRESENT;
      let at = layout.start[vma]!;
      // A process may have thousands of small VMAs side by side: one read serves them all.
      while (isContinued(layout, vma)) vma++;
      const end = layout.end[vma]!;
      while (at < end) {
        const count = this.#window.read(pagemap, at, Math.min(ENTRIES_MAX, end - at));
        if (count === 0) return;
        this.#deliver(at, count, categories, sink);
        at += count;
        if (pacer.isDue) await pacer.pauseWithinBudget();
      }
    }
  }

  #deliver(page: number, count: number, categories: number, sink: RegionSink): void {
    const window = this.#window;
    for (let entry = 0; entry < count; entry++) {
      if (!window.isPopulated(entry)) continue;
      const first = entry;
      while (entry < count && window.isPopulated(entry)) entry++;
      sink.add(page + first, page + entry, categories);
    }
  }
}

/** Whether the next VMA starts where this one ends, and its entries mean the same. */
function isContinued(layout: Layout, vma: number): boolean {
  return (
    vma + 1 < layout.length &&
    layout.start[vma + 1] === layout.end[vma] &&
    isHugetlb(layout, vma + 1) === isHugetlb(layout, vma)
  );
}

function isHugetlb(layout: Layout, vma: number): boolean {
  const kind = layout.hugeKind[vma];
  return kind === RunKind.HUGETLB_PMD || kind === RunKind.HUGETLB_PUD;
}
