/**
 * The flush ledger: which translations TLBs may still hold.
 *
 * A TLB may hold any translation that could be walked since it was last flushed, so correctness must
 * not depend on what a certain TLB happened to hold. An entry that loses rights or changes its target
 * opens an *obligation*: these CPUs may still use it. A flush by a CPU discharges that CPU's part.
 * A frame or table that is freed with an open obligation is a violation, whatever the TLBs held.
 *
 * Walk caches are checked at the free only: no access goes through an unlinked table.
 */
import { assert } from '../../base/assert.ts';
import { Target, type Witness } from '../../trace/index.ts';
import { SECOND_LEVEL, type SecondaryEntry, SecondaryViews } from './secondary_views.ts';
import { SharedViews } from './shared_views.ts';

type Column = Int32Array | Float64Array;

/**
 * The target of an obligation over pages that are still mapped and have lost only the right to be
 * written to. Their frames are those that the entries say: who changes such an entry opens an
 * obligation of its own, which takes this one's place for the page. One obligation serves all of a
 * fork, and of an mprotect.
 */
const STILL_MAPPED = -(2 ** 31);
/** What `stale()` says of such a page: the frame that is mapped there now, to be written to. */
export const MAPPED_NOW = -2;

export class Ledger {
  /** CPUs that may still use the translation; 0 in a place that is free. */
  #cpus: Int32Array;
  #mm: Int32Array;
  #start: Float64Array;
  #end: Float64Array;
  /** The first frame that was mapped, -1 - table for a table that was linked, or `STILL_MAPPED`. */
  #target: Int32Array;
  #writable: Int32Array;
  /** How many obligations may be over pages that are still mapped: none of most ledgers. */
  #ranges = 0;
  /** One past the last place in use. */
  readonly #length = new Int32Array(1);
  /** As of the world. */
  trace: Witness | undefined = undefined;

  readonly #mmCpus: Int32Array;
  readonly #views: SharedViews;
  readonly #secondary: SecondaryViews;

  /**
   * @param mmCpus the CPUs that may hold translations of each address space
   * @param views  who else sees what an address space does, where tables are shared
   * @param secondary what secondary MMUs have made of it
   */
  constructor(
    mmCpus: Int32Array = new Int32Array(0),
    views = new SharedViews(),
    secondary = new SecondaryViews(),
  ) {
    this.#mmCpus = mmCpus;
    this.#views = views;
    this.#secondary = secondary;
    const places = 16;
    this.#cpus = new Int32Array(places);
    this.#mm = new Int32Array(places);
    this.#start = new Float64Array(places);
    this.#end = new Float64Array(places);
    this.#target = new Int32Array(places);
    this.#writable = new Int32Array(places);
  }

  /** The state, as far as it is in use. */
  parts(): Column[] {
    const used = this.#length[0]!;
    return [this.#length, ...this.#columns().map((column) => column.subarray(0, used))];
  }

  restore([length, ...columns]: readonly ArrayLike<number>[]): void {
    this.#length.set(length!);
    while (this.#cpus.length < this.#length[0]!) this.#grow();
    this.#columns().forEach((column, index) => {
      column.set(columns[index]!);
    });
    this.#ranges = this.#length[0]!;
  }

  #columns(): Column[] {
    return [this.#cpus, this.#mm, this.#start, this.#end, this.#target, this.#writable];
  }

  #grow(): void {
    this.#cpus = twice(this.#cpus, Int32Array);
    this.#mm = twice(this.#mm, Int32Array);
    this.#start = twice(this.#start, Float64Array);
    this.#end = twice(this.#end, Float64Array);
    this.#target = twice(this.#target, Int32Array);
    this.#writable = twice(this.#writable, Int32Array);
  }

  /** A page that mapped `frame` has lost it, or the right to write to it. */
  openPage(cpus: number, mm: number, page: number, frame: number, writable: boolean): void {
    if (this.#ranges > 0) this.#takeOver(mm, page, frame);
    this.#openTranslation(cpus, mm, page, page + 1, frame, writable);
    if (this.#views.isEmpty) return;
    for (const seen of this.#views.elsewhere(mm, page, page + 1)) {
      const others = this.#mmCpus[seen.mm]!;
      if (this.#ranges > 0) this.#takeOver(seen.mm, seen.start, frame);
      this.#openTranslation(others, seen.mm, seen.start, seen.end, frame, writable);
    }
  }

  /** The pages `[start, end)`, still mapped as they were, have lost the right to be written to. */
  openProtected(cpus: number, mm: number, start: number, end: number): void {
    this.#openStillMapped(cpus, mm, start, end);
    if (this.#views.isEmpty) return;
    for (const seen of this.#views.elsewhere(mm, start, end)) {
      this.#openStillMapped(this.#mmCpus[seen.mm]!, seen.mm, seen.start, seen.end);
    }
  }

  #openStillMapped(cpus: number, mm: number, start: number, end: number): void {
    if (!this.#secondary.isEmpty) this.#openSecondary(mm, start, end, true);
    const last = this.#length[0]! - 1;
    const isNext =
      last >= 0 &&
      this.#end[last] === start &&
      this.#target[last] === STILL_MAPPED &&
      this.#mm[last] === mm &&
      this.#cpus[last] === cpus;
    if (isNext) {
      this.#end[last] = end;
      this.trace?.obligationOpened(mm, start, end, cpus, Target.mapped, -1, this.size);
    } else if (cpus !== 0) this.#openRange(cpus, mm, start, end);
  }

  /** A page that had lost the right to be written to is mapped no longer, or not to `frame`. */
  #takeOver(mm: number, page: number, frame: number): void {
    for (let at = this.#length[0]! - 1; at >= 0; at--) {
      if (this.#target[at] !== STILL_MAPPED || !this.#covers(at, this.#cpus[at]!, mm, page))
        continue;
      const cpus = this.#cpus[at]!;
      this.#cutTo(at, page, page + 1);
      this.#cpus[at] = 0;
      this.#openTranslation(cpus, mm, page, page + 1, frame, true);
    }
  }

  /** Divides an obligation over pages that are still mapped: the part `[start, end)` stays at `at`. */
  #cutTo(at: number, start: number, end: number): void {
    const [from, to] = [this.#start[at]!, this.#end[at]!];
    if (from >= end || to <= start) return;
    const [cpus, mm] = [this.#cpus[at]!, this.#mm[at]!];
    if (from < start) this.#openRange(cpus, mm, from, start);
    if (to > end) this.#openRange(cpus, mm, end, to);
    this.#start[at] = Math.max(from, start);
    this.#end[at] = Math.min(to, end);
  }

  #openRange(cpus: number, mm: number, start: number, end: number): void {
    this.#open(cpus, mm, start, end, STILL_MAPPED, true);
    this.#ranges++;
  }

  /** The same of the pages `[start, end)`, which mapped a folio from its first frame on. */
  openFolio(
    cpus: number,
    mm: number,
    start: number,
    end: number,
    head: number,
    writable: boolean,
  ): void {
    this.#openTranslation(cpus, mm, start, end, head, writable);
    if (this.#views.isEmpty) return;
    for (const seen of this.#views.elsewhere(mm, start, end)) {
      this.#openTranslation(this.#mmCpus[seen.mm]!, seen.mm, seen.start, seen.end, head, writable);
    }
  }

  /** The same of one address space. A folio lies within one table, so it is seen as a whole or not. */
  #openTranslation(
    cpus: number,
    mm: number,
    start: number,
    end: number,
    head: number,
    writable: boolean,
  ): void {
    if (!this.#secondary.isEmpty) this.#openSecondary(mm, start, end, false);
    if (cpus !== 0) this.#open(cpus, mm, start, end, head, writable);
  }

  /** Entries that secondary MMUs have made of the pages `[start, end)` are stale, or if they allow writes. */
  #openSecondary(mm: number, start: number, end: number, isAboutWrites: boolean): void {
    for (const entry of this.#secondary.of(mm, start, end)) {
      if (!isAboutWrites || entry.isWritable) this.openSecondLevel(entry);
    }
  }

  /** An entry of a second-level table says what it may not say, until it is taken away. */
  openSecondLevel({ space, page, pages, frame, isWritable }: SecondaryEntry): void {
    if (this.holdsSecondLevel(space, page)) return;
    this.#open(1 << SECOND_LEVEL, space, page, page + pages, frame, isWritable);
  }

  /** Whether a second-level table has a stale entry for `page` of `space`. */
  holdsSecondLevel(space: number, page: number): boolean {
    for (let at = 0; at < this.#length[0]!; at++) {
      if (this.#covers(at, 1 << SECOND_LEVEL, space, page)) return true;
    }
    return false;
  }

  /** `table`, which was linked for the pages `[start, end)`, is no longer. */
  openTable(cpus: number, mm: number, start: number, end: number, table: number): void {
    if (cpus !== 0) this.#open(cpus, mm, start, end, -1 - table, true);
    if (this.#views.isEmpty) return;
    for (const seen of this.#views.elsewhere(mm, start, end)) {
      const others = this.#mmCpus[seen.mm]!;
      if (others !== 0) this.#open(others, seen.mm, seen.start, seen.end, -1 - table, true);
    }
  }

  #open(
    cpus: number,
    mm: number,
    start: number,
    end: number,
    target: number,
    writable: boolean,
  ): void {
    const at = this.#length[0]!;
    if (at === this.#cpus.length) this.#grow();
    this.#cpus[at] = cpus;
    this.#mm[at] = mm;
    this.#start[at] = start;
    this.#end[at] = end;
    this.#target[at] = target;
    this.#writable[at] = writable ? 1 : 0;
    this.#length[0] = at + 1;
    if (this.trace !== undefined) this.#tell(this.trace, at);
  }

  #tell(trace: Witness, at: number): void {
    const to = this.#target[at]!;
    const isTable = to < 0 && to !== STILL_MAPPED;
    const kind = isTable ? Target.table : to < 0 ? Target.mapped : Target.frame;
    const id = isTable ? -1 - to : to < 0 ? -1 : to;
    const [start, end] = [this.#start[at]!, this.#end[at]!];
    trace.obligationOpened(this.#mm[at]!, start, end, this.#cpus[at]!, kind, id, this.size);
  }

  /**
   * `cpu` has flushed the pages `[start, end)` of `mm`, and the walk caches for them, too, unless
   * `isLeafOnly`.
   */
  discharge(cpu: number, mm: number, start: number, end: number, isLeafOnly = false): void {
    let kept = 0;
    let ranges = 0;
    let isAny = false;
    for (let at = 0; at < this.#length[0]!; at++) {
      const isHere = this.#mm[at] === mm && (this.#cpus[at]! & (1 << cpu)) !== 0;
      if (isHere && this.#target[at] === STILL_MAPPED) this.#cutTo(at, start, end);
      const isMeant = isHere && !(isLeafOnly && this.#isOfTable(at));
      if (isMeant && this.#start[at]! >= start && this.#end[at]! <= end) {
        this.#cpus[at]! &= ~(1 << cpu);
        isAny = true;
      }
      if (this.#cpus[at] === 0) continue;
      if (this.#target[at] === STILL_MAPPED) ranges++;
      this.#keep(at, kept++);
    }
    this.#length[0] = kept;
    this.#ranges = ranges;
    if (isAny) this.trace?.obligationDischarged(cpu, mm, start, end, kept);
  }

  #isOfTable(at: number): boolean {
    return this.#target[at]! < 0 && this.#target[at] !== STILL_MAPPED;
  }

  /** `cpu` has flushed everything. */
  dischargeAll(cpu: number): void {
    for (let at = 0; at < this.#length[0]!; at++) {
      if ((this.#cpus[at]! & (1 << cpu)) === 0) continue;
      this.discharge(cpu, this.#mm[at]!, 0, Number.POSITIVE_INFINITY);
      at = -1;
    }
  }

  /** Moves what stands at `at` down to `to`, so that those that are left have no holes. */
  #keep(at: number, to: number): void {
    if (at === to) return;
    this.#cpus[to] = this.#cpus[at]!;
    this.#mm[to] = this.#mm[at]!;
    this.#start[to] = this.#start[at]!;
    this.#end[to] = this.#end[at]!;
    this.#target[to] = this.#target[at]!;
    this.#writable[to] = this.#writable[at]!;
  }

  /** How many obligations are open. */
  get size(): number {
    return this.#length[0]!;
  }

  /** Whether a TLB may still lead to `frame`. Hardly ever is anything open when a frame is freed. */
  holdsFrame(frame: number): boolean {
    for (let at = 0; at < this.#length[0]!; at++) {
      const first = this.#target[at]!;
      if (first < 0 || frame < first) continue;
      if (frame - first < this.#end[at]! - this.#start[at]!) return true;
    }
    return false;
  }

  /** Whether a walk cache may still lead to `table`. */
  holdsTable(table: number): boolean {
    for (let at = 0; at < this.#length[0]!; at++) if (this.#target[at] === -1 - table) return true;
    return false;
  }

  /** How many stale translations of `page` `cpu` may use, of those that differ for a read or write. */
  countStale(cpu: number, mm: number, page: number, write: boolean): number {
    let count = write && this.#isWritableStill(cpu, mm, page) ? 1 : 0;
    for (let last = -1; ; count++) {
      last = this.#nextStale(cpu, mm, page, last);
      if (last < 0) return count;
    }
  }

  /** Whether `page` may still be written to, and is still mapped. */
  #isWritableStill(cpu: number, mm: number, page: number): boolean {
    if (this.#ranges === 0) return false;
    for (let at = 0; at < this.#length[0]!; at++) {
      if (this.#target[at] === STILL_MAPPED && this.#covers(at, 1 << cpu, mm, page)) return true;
    }
    return false;
  }

  /**
   * The frame behind the stale translation number `which`, or -1 if it does not allow `write`.
   * They are numbered by frame, so that the order in which they became stale does not show; the last
   * is `MAPPED_NOW`, where a page may still be written to.
   */
  stale(cpu: number, mm: number, page: number, which: number, write: boolean): number {
    let frame = -1;
    for (let count = 0; count <= which; count++) {
      frame = this.#nextStale(cpu, mm, page, frame);
      if (frame < 0) break;
    }
    if (frame < 0) {
      assert(this.#isWritableStill(cpu, mm, page), 'a stale translation that was chosen exists');
      return MAPPED_NOW;
    }
    for (let at = 0; at < this.#length[0]!; at++) {
      if (!this.#covers(at, 1 << cpu, mm, page) || this.#frameOf(at, page) !== frame) continue;
      if (!write || this.#writable[at] === 1) return frame;
    }
    return -1;
  }

  #nextStale(cpu: number, mm: number, page: number, above: number): number {
    let next = -1;
    for (let at = 0; at < this.#length[0]!; at++) {
      if (this.#target[at]! < 0 || !this.#covers(at, 1 << cpu, mm, page)) continue;
      const frame = this.#frameOf(at, page);
      if (frame > above && (next < 0 || frame < next)) next = frame;
    }
    return next;
  }

  /** The frame behind `page`, where the target is a folio. */
  #frameOf(at: number, page: number): number {
    return this.#target[at]! + page - this.#start[at]!;
  }

  /** Whether one of `cpus` may use what stands at `at` for `page`. */
  #covers(at: number, cpus: number, mm: number, page: number): boolean {
    if ((this.#cpus[at]! & cpus) === 0 || this.#mm[at] !== mm) return false;
    return this.#start[at]! <= page && page < this.#end[at]!;
  }
}

function twice<T extends Column>(column: T, type: new (length: number) => T): T {
  const grown = new type(2 * column.length);
  grown.set(column);
  return grown;
}
