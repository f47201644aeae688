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

/** What content a table had at first, and which of its pages have gone since. */
interface Remainder {
  readonly whole: number;
  readonly gone: readonly [number, number][];
}

/** Gives out content ids (`Runs.content`) that no run has yet. */
export class Contents {
  readonly #slotPages: number;
  readonly #remainders = new Map<number, Remainder>();
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
   * `mm`, which has changed.
   *
   * @param isCopied whether its tables were copied before: none is the same as another's any more
   */
  after(mm: Mm, change: RangeChange, isCopied: boolean): Mm {
    const isKept = change.what === 'protect' && !isCopied;
    if (isKept) return mm;
    const parts = partsOf(mm).map((part) => ({
      ...part,
      rows: part.rows.flatMap((row) => this.#rowAfter(row, change, isCopied)),
    }));
    return withParts(mm, parts);
  }

  #rowAfter(row: RunRow, change: RangeChange, isCopied: boolean): RunRow[] {
    if (row.content === 0) return [row];
    return slotsOf(row).map((one) => ({
      ...one,
      content: this.#contentAfter(one, change, isCopied),
    }));
  }

  #contentAfter({ slot, content }: RunRow, change: RangeChange, isCopied: boolean): number {
    const pages = this.#slotPages;
    const { start, end, what } = change;
    const from = Math.max(start - slot * pages, 0);
    const to = Math.min(end - slot * pages, pages);
    if (what !== 'move') {
      if (from >= to) return content;
      return what === 'unmap' && !isCopied ? this.#without(content, from, to) : 0;
    }
    const first = Math.max(change.to - slot * pages, 0);
    const last = Math.min(change.to + end - start - slot * pages, pages);
    if (first < last) {
      if (isCopied) return 0;
      return this.#without(this.#without(content, 0, first), last, pages);
    }
    if (from >= to) return content;
    return isCopied ? 0 : this.#without(content, from, to);
  }

  /** The content of what is left of a table without some pages. */
  #without(content: number, from: number, to: number): number {
    if (content === 0 || from >= to) return content;
    const { whole, gone } = this.#remainders.get(content) ?? { whole: content, gone: [] };
    const list = new IntervalList();
    for (const [start, end] of [...gone, [from, to] as const]) list.add(start, end);
    const union = list.union();
    const pairs: [number, number][] = [];
    for (let i = 0; i < union.length; i += 2) pairs.push([union[i]!, union[i + 1]!]);
    const key = `${whole}:${pairs.join(';')}`;
    const known = this.#known.get(key) ?? this.#fresh();
    this.#known.set(key, known);
    this.#remainders.set(known, { whole, gone: pairs });
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

function slotsOf(row: RunRow): RunRow[] {
  return Array.from({ length: row.count }, (_, at) =>
    subrow(row, row.slot + at, row.slot + at + 1),
  ).flat();
}
