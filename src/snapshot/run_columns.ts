/** The runs of one address space while they are read: columns that grow, and are used again. */
import { newRuns, type RunKind, type Runs } from './records.ts';

/** One for all address spaces without runs. */
const NO_RUNS: Runs = newRuns(0);

export class RunColumns {
  #length = 0;
  #columns = newRuns(1024);

  add(
    vma: number,
    slot: number,
    count: number,
    kind: RunKind,
    pages: number,
    content: number,
  ): void {
    if (this.#length === this.#columns.vma.length) this.#grow();
    const columns = this.#columns;
    const i = this.#length++;
    columns.vma[i] = vma;
    columns.slot[i] = slot;
    columns.count[i] = count;
    columns.kind[i] = kind;
    columns.pages[i] = pages;
    columns.content[i] = content;
  }

  /** Returns what was added as records of their own, and is empty after it. */
  take(): Runs {
    const length = this.#length;
    if (length === 0) return NO_RUNS;
    const { vma, slot, count, kind, pages, content } = this.#columns;
    this.#length = 0;
    return {
      length,
      vma: vma.slice(0, length),
      slot: slot.slice(0, length),
      count: count.slice(0, length),
      kind: kind.slice(0, length),
      pages: pages.slice(0, length),
      content: content.slice(0, length),
    };
  }

  #grow(): void {
    const grown = newRuns(this.#length * 2);
    grown.vma.set(this.#columns.vma);
    grown.slot.set(this.#columns.slot);
    grown.count.set(this.#columns.count);
    grown.kind.set(this.#columns.kind);
    grown.pages.set(this.#columns.pages);
    grown.content.set(this.#columns.content);
    this.#columns = grown;
  }
}
