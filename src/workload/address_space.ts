/** An address space put together mapping by mapping, as a capture would have seen it. */
import { RunKind, type Runs, type Vma } from '../snapshot/records.ts';
import { PROT } from '../uapi/mman.ts';

/** x86-64 with four levels and 4 KiB pages. */
const SLOT_PAGES = 512;
/** Slots below an entry of a PMD table's parent, and of that one's. */
const SPANS = [1, 512, 512 * 512] as const;

export interface Mapping extends Partial<Vma> {
  /** First page. */
  readonly start: number;
  readonly pages: number;
  /** How many are there, from the first on; all unless told. */
  readonly populated?: number;
  /**
   * Content id of the first table: tables with the same id hold the same frames in the same places.
   * 0 if the pages are its own.
   */
  readonly content?: number;
}

interface Row {
  readonly vma: number;
  readonly slot: number;
  readonly count: number;
  readonly pages: number;
  readonly content: number;
}

/** Mappings of one process, in ascending order. */
export class AddressSpace {
  readonly vmas: Vma[] = [];
  readonly #rows: Row[] = [];

  map({ start, pages, populated = pages, content = 0, ...given }: Mapping): void {
    const vma = this.vmas.length;
    this.vmas.push({
      start,
      end: start + pages,
      protection: PROT.READ | PROT.WRITE,
      shared: false,
      offset: 0,
      object: -1,
      label: '',
      ...given,
    });
    if (populated === 0) return;
    const slot = Math.floor(start / SLOT_PAGES);
    const count = Math.ceil((start + populated) / SLOT_PAGES) - slot;
    this.#rows.push({ vma, slot, count, pages: populated, content });
  }

  /** What ld.so makes of one file: text, constants, and private data; then a little of its own. */
  mapLibrary(object: number, start: number): void {
    this.map({ start, pages: 8, object, protection: PROT.READ });
    const text = { object, offset: 8, protection: PROT.READ | PROT.EXEC };
    this.map({ start: start + 8, pages: 400, populated: 90, ...text });
    this.map({ start: start + 408, pages: 60, object, offset: 408, protection: PROT.READ });
    this.map({ start: start + 468, pages: 4, object, offset: 467 });
    // Never touched: no run, whatever its neighbours have in the same tables.
    this.map({ start: start + 472, pages: 16, populated: 0 });
  }

  runs(): Runs {
    const rows = this.#rows;
    return {
      length: rows.length,
      vma: Int32Array.from(rows, (row) => row.vma),
      slot: Float64Array.from(rows, (row) => row.slot),
      count: Int32Array.from(rows, (row) => row.count),
      kind: Uint8Array.from(rows, () => RunKind.PTE),
      pages: Float64Array.from(rows, (row) => row.pages),
      content: Int32Array.from(rows, (row) => row.content),
    };
  }

  /** VmPTE in pages: runs are in ascending order, so only the last table of a level can repeat. */
  tables(): number {
    let tables = 0;
    for (const span of SPANS) {
      let last = -1;
      for (const { slot, count } of this.#rows) {
        const first = Math.max(last + 1, Math.floor(slot / span));
        last = Math.floor((slot + count - 1) / span);
        tables += last - first + 1;
      }
    }
    return tables;
  }
}
