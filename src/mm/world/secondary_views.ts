/**
 * Which entries of secondary MMUs were made of which pages of which address space.
 *
 * No kernel has such a record: this one is what the truth is told by, as `shared_views.ts` is of
 * tables. An entry of a second-level table is a translation, too. When the entry of the CPUs' table
 * that it was made of loses its page, or a right, it is stale: it owes being taken away, and the
 * flush ledger opens an obligation for it, which `SECOND_LEVEL` stands for in place of a CPU.
 */

/** In masks of CPUs: the second-level table itself, from which a TLB may be refilled at any time. */
export const SECOND_LEVEL = 30;

/** One entry of a second-level table. */
export interface SecondaryEntry {
  /** The address space that the TLBs of its guest know, and the first page there. */
  readonly space: number;
  readonly page: number;
  readonly pages: number;
  /** What it was made of. */
  readonly mm: number;
  readonly start: number;
  readonly frame: number;
  readonly isWritable: boolean;
}

export class SecondaryViews {
  #entries: SecondaryEntry[] = [];

  get isEmpty(): boolean {
    return this.#entries.length === 0;
  }

  save(): readonly SecondaryEntry[] {
    return [...this.#entries];
  }

  restore(entries: readonly SecondaryEntry[]): void {
    this.#entries = [...entries];
  }

  add(entry: SecondaryEntry): void {
    this.#entries.push(entry);
  }

  /** Takes the entry for `page` of `space` out, which was there. */
  remove(space: number, page: number): void {
    const at = this.#entries.findIndex((entry) => entry.space === space && entry.page === page);
    this.#entries.splice(at, 1);
  }

  /** Those made of the pages `[start, end)` of `mm`. */
  of(mm: number, start: number, end: number): SecondaryEntry[] {
    return this.#entries.filter(
      (entry) => entry.mm === mm && entry.start < end && start < entry.start + entry.pages,
    );
  }
}
