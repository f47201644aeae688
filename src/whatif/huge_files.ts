/**
 * Huge pages of files that processes map in parts: who has no table there finds them whole again.
 *
 * A process that changes a part of a huge page maps the rest of it by 4 KiB pages, in a table that
 * stays when the change is undone. The file keeps its huge page, and a fault where no table is maps
 * it whole if the mapping has all of it: that of a child, or of who has had the table freed.
 *
 * @source mm/memory.c filemap_map_pmd(), finish_fault() and mm/pt_reclaim.c; Linux 6.18, measured
 */
import { slotPages } from '../arch/geometry.ts';
import { IntervalList } from '../base/interval.ts';
import { type HostSnapshot, type Mm, RunKind, type Vma } from '../snapshot/records.ts';
import { geometryOf } from '../twin/count_tables.ts';
import { type Range, subrow } from './change.ts';
import { type Part, partsOf, type RunRow, withParts } from './rewrite.ts';

export class HugeFiles {
  readonly #slotPages: number;
  /** By object: where it has huge pages, in pages of the object, as `IntervalList.union()`. */
  readonly #huge = new Map<number, Float64Array>();

  constructor(snapshot: HostSnapshot) {
    this.#slotPages = slotPages(geometryOf(snapshot));
    const lists = new Map<number, IntervalList>();
    for (const { vmas, runs } of snapshot.mms) {
      for (let i = 0; i < runs.length; i++) {
        const vma = vmas[runs.vma[i]!]!;
        if (runs.kind[i] !== RunKind.THP_FILE || !vma.shared) continue;
        const first = this.#placeOf(vma, runs.slot[i]!);
        const list = lists.get(vma.object) ?? new IntervalList();
        list.add(first, first + runs.count[i]! * this.#slotPages);
        lists.set(vma.object, list);
      }
    }
    for (const [object, list] of lists) this.#huge.set(object, list.union());
  }

  /** `mm`, whose tables within `range` have gone: itself if it finds no huge page there. */
  foundWhole(mm: Mm, range: Range): Mm {
    let isFound = false;
    const found = (part: Part, row: RunRow): RunRow[] => {
      if (row.kind !== RunKind.PTE) return [row];
      const slots = Array.from({ length: row.count }, (_, at) => row.slot + at);
      if (!slots.some((slot) => this.#isWhole(part.vma, slot, range))) return [row];
      isFound = true;
      const huge = { kind: RunKind.THP_FILE, pages: this.#slotPages };
      return slots
        .flatMap((slot) => subrow(row, slot, slot + 1))
        .map((one) => (this.#isWhole(part.vma, one.slot, range) ? { ...one, ...huge } : one));
    };
    const parts = partsOf(mm).map((part) =>
      this.#huge.has(part.vma.object) && part.vma.shared
        ? { ...part, rows: part.rows.flatMap((row) => found(part, row)) }
        : part,
    );
    return isFound ? withParts(mm, parts) : mm;
  }

  /** Whether the file has a huge page for all of `slot`, and both `vma` and `range` span it. */
  #isWhole(vma: Vma, slot: number, { start, end }: Range): boolean {
    const page = slot * this.#slotPages;
    const [first, last] = [Math.max(start, vma.start), Math.min(end, vma.end)];
    if (page < first || page + this.#slotPages > last) return false;
    const huge = this.#huge.get(vma.object)!;
    const place = this.#placeOf(vma, slot);
    if (place % this.#slotPages !== 0) return false;
    for (let i = 0; i < huge.length; i += 2) {
      if (huge[i]! <= place && place < huge[i + 1]!) return true;
    }
    return false;
  }

  /** The page of the object where `slot` begins. */
  #placeOf(vma: Vma, slot: number): number {
    return vma.offset + slot * this.#slotPages - vma.start;
  }
}
