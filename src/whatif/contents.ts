/**
 * Which tables of private memory are the same, after some of their pages have changed.
 *
 * What is left of tables that were the same is the same if the same is left of them.
 */
import { slotPages } from '../arch/geometry.ts';
import { IntervalList } from '../base/interval.ts';
import type { HostSnapshot, Mm, Vma } from '../snapshot/records.ts';
import { geometryOf } from '../twin/count_tables.ts';
import { isCopiedByFork, overlaps, type Range, type RangeChange, subrow } from './change.ts';
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
      const rows = part.rows.flatMap((row) => (row.content > 0 ? [row] : this.#named(names, row)));
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
    const isKept = change.what === 'protect' && !isCopied && !hasOwnOfFile(after, change);
    if (isKept) return after;
    const hasGone = !isCopied && (change.what === 'unmap' || change.what === 'move');
    const [old, parts] = [partsOf(before), partsOf(after)];
    const distance = change.what === 'move' ? change.to - change.start : 0;
    const range = { start: change.start + distance, end: change.end + distance };
    const rowsOf = (row: RunRow): RunRow[] => {
      if (row.content === 0) return [row];
      const [here, there] = [this.#touched(change), this.#touched(range)];
      return cutAt(row, [here.start, here.end, there.start, there.end]).flatMap((piece) => {
        const isMoved = distance !== 0 && isIn(piece, there);
        if (!isMoved && !isIn(piece, here)) return [piece];
        if (!hasGone) return [{ ...piece, content: 0 }];
        // Of tables that have moved as a whole all is left.
        const inner = isMoved ? this.#whole(range) : { start: 0, end: 0 };
        return cutAt(piece, [inner.start, inner.end]).flatMap((part) =>
          isIn(part, inner) ? [part] : slotsOf(part).map((one) => leftOf(one, isMoved)),
        );
      });
    };
    const leftOf = (one: RunRow, isMoved: boolean): RunRow => {
      const from = isMoved ? one.slot - distance / this.#slotPages : one.slot;
      const pages = this.#pagesOf(old, from, one.content);
      return {
        ...one,
        content: this.#left(one.content, pages, this.#pagesOf(parts, one.slot, one.content)),
      };
    };
    return withParts(
      after,
      parts.map((part) => ({ ...part, rows: part.rows.flatMap(rowsOf) })),
    );
  }

  /** Slots that have a part in a range of pages. */
  #touched({ start, end }: Range): Range {
    return { start: Math.floor(start / this.#slotPages), end: Math.ceil(end / this.#slotPages) };
  }

  /** Slots of which all is in a range of pages. */
  #whole({ start, end }: Range): Range {
    return { start: Math.ceil(start / this.#slotPages), end: Math.floor(end / this.#slotPages) };
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

  /** The first and the last table may be another mapping's, too. */
  #named(names: Map<number, number>, row: RunRow): RunRow[] {
    const last = row.slot + row.count - 1;
    return cutAt(row, [row.slot + 1, last]).map((piece) => {
      const { slot, count } = piece;
      if (count > 1) return { ...piece, content: this.#fresh(count) };
      const content = names.get(slot) ?? this.#fresh();
      names.set(slot, content);
      return { ...piece, content };
    });
  }

  /** Not next to another: runs count up from slot to slot. */
  #fresh(count = 1): number {
    const first = this.#next + 2;
    this.#next = first + count - 1;
    return first;
  }
}

/** Who makes a file's private pages writable writes them: they are pages of its own then. */
function hasOwnOfFile({ vmas }: Mm, range: Range): boolean {
  return vmas.some((vma) => vma.object >= 0 && isCopiedByFork(vma) && overlaps(vma, range));
}

const covers = ({ slot, count }: RunRow, wanted: number): boolean =>
  slot <= wanted && wanted < slot + count;

const isIn = ({ slot }: RunRow, { start, end }: Range): boolean => start <= slot && slot < end;

/** A row in pieces that none of the slots `bounds` is within. */
function cutAt(row: RunRow, bounds: readonly number[]): RunRow[] {
  const [first, end] = [row.slot, row.slot + row.count];
  const cuts = [...new Set([first, ...bounds.filter((at) => first < at && at < end), end])];
  cuts.sort((a, b) => a - b);
  return cuts.slice(1).flatMap((next, index) => subrow(row, cuts[index]!, next));
}

function slotsOf(row: RunRow): RunRow[] {
  return Array.from({ length: row.count }, (_, at) =>
    subrow(row, row.slot + at, row.slot + at + 1),
  ).flat();
}
