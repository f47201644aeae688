/**
 * Which tables of private memory are the same, after some of their pages have changed.
 *
 * What is left of tables that were the same is the same if the same is left of them.
 */
import { slotPages } from '../arch/geometry.ts';
import { IntervalList } from '../base/interval.ts';
import type { HostSnapshot, Mm, Vma } from '../snapshot/records.ts';
import { geometryOf } from '../twin/count_tables.ts';
import { type RangeChange, subrow } from './change.ts';
import { type Part, partsOf, type RunRow, withParts } from './rewrite.ts';

/** Gives out content ids (`Runs.content`) that no run has yet. */
export class Contents {
  readonly #slotPages: number;
  /** Of what is left of a table: the content that it had as a whole. */
  readonly #wholes = new Map<number, number>();
  /** By that, and by which of its pages are left. */
  readonly #known = new Map<string, number>();
  #next = 1;

  constructor(snapshot: HostSnapshot) {
    this.#slotPages = slotPages(geometryOf(snapshot));
    for (const { runs } of snapshot.mms) {
      for (let i = 0; i < runs.length; i++) {
        this.#next = Math.max(this.#next, runs.content[i]! + runs.count[i]!);
      }
    }
  }

  /** `mm` with contents for all tables of the VMAs that are `wanted`. */
  named(mm: Mm, wanted: (vma: Vma) => boolean): Mm {
    const names = new Map<number, number>();
    const parts = partsOf(mm).map((part): Part => {
      if (!wanted(part.vma)) return part;
      const rows = part.rows.flatMap((row) =>
        row.content > 0
          ? [row]
          : slotsOf(row).map((one) => ({ ...one, content: this.#name(names, one.slot) })),
      );
      return { ...part, rows };
    });
    return withParts(mm, parts);
  }

  /**
   * `after`, which `before` has changed to.
   *
   * @param isCopied whether its tables were copied: none is the same as another's any more
   */
  changed(before: Mm, after: Mm, change: RangeChange, isCopied: boolean): Mm {
    const isKept = change.what === 'protect' && !isCopied;
    if (isKept) return after;
    const hasGone = !isCopied && (change.what === 'unmap' || change.what === 'move');
    const [old, parts] = [partsOf(before), partsOf(after)];
    const distance = change.what === 'move' ? change.to - change.start : 0;
    const isIn = (slot: number, from: number): boolean => {
      const start = slot * this.#slotPages;
      return start < change.end + from && change.start + from < start + this.#slotPages;
    };
    const contentOf = ({ slot, content }: RunRow): number => {
      const isMoved = distance !== 0 && isIn(slot, distance);
      if (!isMoved && !isIn(slot, 0)) return content;
      if (!hasGone) return 0;
      const from = isMoved ? slot - distance / this.#slotPages : slot;
      return this.#left(
        content,
        this.#pagesOf(old, from, content),
        this.#pagesOf(parts, slot, content),
      );
    };
    const rowsOf = (row: RunRow): RunRow[] =>
      row.content === 0 ? [row] : slotsOf(row).map((one) => ({ ...one, content: contentOf(one) }));
    return withParts(
      after,
      parts.map((part) => ({ ...part, rows: part.rows.flatMap(rowsOf) })),
    );
  }

  /** Which pages of a table are mapped that had a content, as text. */
  #pagesOf(parts: readonly Part[], slot: number, content: number): string {
    const pages = new IntervalList();
    const start = slot * this.#slotPages;
    for (const { vma, rows } of parts) {
      const isPart = rows.some(
        (row) => row.content > 0 && row.content - row.slot === content - slot && covers(row, slot),
      );
      if (!isPart) continue;
      const from = Math.max(vma.start - start, 0);
      pages.add(from, Math.min(vma.end - start, this.#slotPages));
    }
    return pages.union().join();
  }

  /** The content of what is left of a table of which `before` was there. */
  #left(content: number, before: string, after: string): number {
    const whole = this.#wholes.get(content) ?? content;
    if (whole === content) this.#known.set(`${whole}:${before}`, whole);
    const key = `${whole}:${after}`;
    const known = this.#known.get(key) ?? this.#fresh();
    this.#known.set(key, known);
    this.#wholes.set(known, whole);
    return known;
  }

  #name(names: Map<number, number>, slot: number): number {
    const known = names.get(slot) ?? this.#fresh();
    names.set(slot, known);
    return known;
  }

  /** Not next to another: runs count up from slot to slot. */
  #fresh(): number {
    this.#next += 2;
    return this.#next;
  }
}

const covers = ({ slot, count }: RunRow, wanted: number): boolean =>
  slot <= wanted && wanted < slot + count;

function slotsOf(row: RunRow): RunRow[] {
  return Array.from({ length: row.count }, (_, at) =>
    subrow(row, row.slot + at, row.slot + at + 1),
  ).flat();
}
