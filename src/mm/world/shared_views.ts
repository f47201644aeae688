/**
 * Which address spaces see a page table that several upper entries refer to, and where.
 *
 * The kernel has no such record: this one is what the truth is told by. A change of an entry in a
 * shared table takes a translation away from all who see it, so the flush ledger opens an obligation
 * for each of them; the audit holds the counts of the kernel against it.
 */

/** A range of pages of an address space. */
export interface Range {
  readonly mm: number;
  readonly start: number;
  readonly end: number;
}

/** One entry that refers to a shared table. */
export interface View extends Range {
  readonly table: number;
  /** Where the entry is. If its own table is shared, all who see that see this one, too. */
  readonly slot: number;
  /** Whether the table counts among those of this address space. */
  readonly isCharged: boolean;
}

export class SharedViews {
  #views: View[] = [];

  get isEmpty(): boolean {
    return this.#views.length === 0;
  }

  save(): readonly View[] {
    return [...this.#views];
  }

  restore(views: readonly View[]): void {
    this.#views = [...views];
  }

  add(view: View): void {
    this.#views.push(view);
  }

  remove(table: number, slot: number): void {
    const at = this.#views.findIndex((view) => view.table === table && view.slot === slot);
    if (at >= 0) this.#views.splice(at, 1);
  }

  /** What was seen in `from` is seen in another address space, or place, from now on. */
  moveViews(from: Range, mm: number, start: number): void {
    this.#views = this.#views.map((view) => {
      const isWithin = view.mm === from.mm && from.start <= view.start && view.end <= from.end;
      const shift = start - from.start;
      return isWithin ? { ...view, mm, start: view.start + shift, end: view.end + shift } : view;
    });
  }

  /** Those of a table, the oldest first; none if it is not shared. */
  of(table: number): View[] {
    return this.#views.filter((view) => view.table === table);
  }

  /** Where else the pages `[start, end)` of `mm` are seen, as far as tables are shared. */
  elsewhere(mm: number, start: number, end: number): Range[] {
    const seen: Range[] = [{ mm, start, end }];
    for (let next = 0; next < seen.length; next++) this.#follow(seen[next]!, seen);
    return seen.slice(1);
  }

  /** Adds to `seen` what others see of `range`, through the tables that map it. */
  #follow(range: Range, seen: Range[]): void {
    for (const view of this.#views) {
      const start = Math.max(range.start, view.start);
      const end = Math.min(range.end, view.end);
      if (view.mm !== range.mm || start >= end) continue;
      for (const other of this.of(view.table)) {
        const shift = other.start - view.start;
        const place = { mm: other.mm, start: start + shift, end: end + shift };
        const isKnown = seen.some(
          (known) => known.mm === place.mm && known.start <= place.start && place.end <= known.end,
        );
        if (!isKnown) seen.push(place);
      }
    }
  }
}
