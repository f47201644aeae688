/** Reduces ranges of pages to `Runs`: from a million regions to what a table can tell apart. */
import { assert } from '../base/assert.ts';
import { RunKind, type Runs } from '../snapshot/records.ts';

/** By `RunKind`: whether the pages of a range are populated, so that `Runs.pages` counts them. */
const IS_POPULATED = Object.values(RunKind).reduce(
  (populated, kind) => {
    const isHole =
      kind === RunKind.EMPTY || kind === RunKind.HUGETLB_HOLE || kind === RunKind.PFNMAP;
    populated[kind] = isHole ? 0 : 1;
    return populated;
  },
  new Uint8Array(Object.keys(RunKind).length + 1),
);

/** Collects ranges in ascending order. Grows with the number of runs, never with that of ranges. */
export class RunBuilder {
  readonly #slotPages: number;
  #capacity = 256;
  #length = 0;
  #vma = new Int32Array(this.#capacity);
  #slot = new Float64Array(this.#capacity);
  #count = new Int32Array(this.#capacity);
  #kind = new Uint8Array(this.#capacity);
  #pages = new Float64Array(this.#capacity);
  #content = new Int32Array(this.#capacity);

  /** @param slotPages pages that one PTE table maps */
  constructor(slotPages: number) {
    this.#slotPages = slotPages;
  }

  clear(): void {
    this.#length = 0;
  }

  /**
   * Adds the pages `[start, end)` of one VMA.
   *
   * A slot has one kind for each VMA, that of its first range: a table that is replaced by a huge
   * page between two calls of the kernel must not be counted as both.
   */
  add(vma: number, start: number, end: number, kind: RunKind): void {
    assert(start < end, 'a range is not empty');
    const slotPages = this.#slotPages;
    const last = this.#length - 1;
    let first = Math.floor(start / slotPages);
    let from = start;
    if (last >= 0 && this.#vma[last] === vma) {
      const next = this.#slot[last]! + this.#count[last]!;
      assert(first >= next - 1, 'ranges come in ascending order');
      if (first === next - 1) {
        from = Math.min(end, next * slotPages);
        this.#pages[last]! += (from - start) * IS_POPULATED[this.#kind[last]!]!;
        if (from === end) return;
        first = next;
      }
    }
    const slots = Math.floor((end - 1) / slotPages) - first + 1;
    this.addSlots(vma, first, slots, kind, (end - from) * IS_POPULATED[kind]!, 0);
  }

  /** The page behind the slot that was added to last. */
  get lastSlotEnd(): number {
    const last = this.#length - 1;
    return (this.#slot[last]! + this.#count[last]!) * this.#slotPages;
  }

  /** Adds pages to the slot that was added to last, as `add()` would. */
  addToLastSlot(pages: number): void {
    const last = this.#length - 1;
    this.#pages[last]! += pages * IS_POPULATED[this.#kind[last]!]!;
  }

  /** Adds whole slots, behind all that were added for this VMA. `pages` and `content` as in `Runs`. */
  addSlots(
    vma: number,
    slot: number,
    count: number,
    kind: RunKind,
    pages: number,
    content: number,
  ): void {
    const last = this.#length - 1;
    if (last >= 0 && this.#continues(last, vma, slot, kind, content)) {
      this.#count[last]! += count;
      this.#pages[last]! += pages;
      return;
    }
    if (this.#length === this.#capacity) this.#grow();
    const index = this.#length++;
    this.#vma[index] = vma;
    this.#slot[index] = slot;
    this.#count[index] = count;
    this.#kind[index] = kind;
    this.#pages[index] = pages;
    this.#content[index] = content;
  }

  /** What was added so far, as columns of their own. */
  build(): Runs {
    const length = this.#length;
    return {
      length,
      vma: this.#vma.slice(0, length),
      slot: this.#slot.slice(0, length),
      count: this.#count.slice(0, length),
      kind: this.#kind.slice(0, length),
      pages: this.#pages.slice(0, length),
      content: this.#content.slice(0, length),
    };
  }

  #continues(run: number, vma: number, slot: number, kind: RunKind, content: number): boolean {
    const count = this.#count[run]!;
    const contentOfRun = this.#content[run]!;
    return (
      this.#vma[run] === vma &&
      this.#kind[run] === kind &&
      this.#slot[run]! + count === slot &&
      (contentOfRun === 0 ? content === 0 : contentOfRun + count === content)
    );
  }

  #grow(): void {
    this.#capacity *= 2;
    const grown = <T extends { set(from: T): void }>(to: T, from: T): T => {
      to.set(from);
      return to;
    };
    this.#vma = grown(new Int32Array(this.#capacity), this.#vma);
    this.#slot = grown(new Float64Array(this.#capacity), this.#slot);
    this.#count = grown(new Int32Array(this.#capacity), this.#count);
    this.#kind = grown(new Uint8Array(this.#capacity), this.#kind);
    this.#pages = grown(new Float64Array(this.#capacity), this.#pages);
    this.#content = grown(new Int32Array(this.#capacity), this.#content);
  }
}
