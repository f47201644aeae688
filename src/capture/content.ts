/**
 * Tells which PTE tables are the same in several address spaces: after fork(2), parent and child
 * have tables of their own with the same frames in the same places.
 *
 * Only tables in contested slots are read. What a table holds that one shared VMA covers follows
 * from the object, so those are not.
 */
import { type Geometry, slotPages } from '../arch/geometry.ts';
import { type Mm, RunKind, type Runs, type Vma } from '../snapshot/records.ts';
import { overlaps, privateParts, type RunPart, type SlotIntervals } from './contested.ts';
import type { Pacer } from './pacer.ts';
import { ENTRIES_MAX, PagemapWindow } from './pagemap_read.ts';
import { ProcessGone } from './proc_files.ts';
import { RunBuilder } from './run_builder.ts';
import { copyRun } from './runs.ts';

/** Thrown where frame numbers are hidden: that takes CAP_SYS_ADMIN in the first user namespace. */
export class FramesHidden extends Error {
  override readonly name = 'FramesHidden';
}

/** Numbers the contents of tables. Equal tables in one slot get one number, the first one is 1. */
export class ContentIds {
  readonly #geometry: Geometry;
  readonly #pacer: Pacer;
  readonly #window = new PagemapWindow();
  /** Ids by 53 bits of hash: ten million tables collide with a probability of 0.5 %. */
  readonly #ids = new Map<number, number>();
  /** What the window holds. */
  #windowSlot = 0;
  #windowSlots = 0;

  constructor(geometry: Geometry, pacer: Pacer) {
    this.#geometry = geometry;
    this.#pacer = pacer;
  }

  /**
   * Gives content ids to the tables of `mm` in contested slots. Runs are cut where ids do not
   * follow each other, and their pages counted anew.
   *
   * @param contested of `contestedSlots()`
   * @throws FramesHidden, BudgetSpent, the abort's reason, or the error of node:fs
   */
  async identify(mm: Mm, pagemap: number, contested: SlotIntervals): Promise<Runs> {
    const { runs, vmas } = mm;
    const tablePages = slotPages(this.#geometry);
    const builder = new RunBuilder(tablePages);
    this.#windowSlots = 0;
    for (let run = 0; run < runs.length; run++) {
      const vma = vmas[runs.vma[run]!]!;
      const parts = privateParts(runs, run, vma, tablePages).filter((part) =>
        overlaps(contested, part),
      );
      if (parts.length === 0) {
        copyRun(runs, run, builder);
        continue;
      }
      const read = await this.#readParts(parts, pagemap, vma);
      addIdentified(runs, run, read, tablePages, builder);
    }
    return builder.build();
  }

  async #readParts(
    parts: readonly RunPart[],
    pagemap: number,
    vma: Vma,
  ): Promise<Map<number, Table>> {
    const tables = new Map<number, Table>();
    for (const part of parts) {
      const end = part.slot + part.count;
      for (let slot = part.slot; slot < end; slot++) {
        const first = this.#load(slot, end, pagemap);
        const pages = this.#pagesOf(slot, first, vma);
        // Emptied since its run was recorded: it has no content to compare.
        tables.set(slot, { id: pages === 0 ? 0 : this.#idOf(slot, first), pages });
        if (this.#pacer.isDue) await this.#pacer.pauseWithinBudget();
      }
    }
    return tables;
  }

  /** Puts the table of `slot` into the window; returns its first entry there. */
  #load(slot: number, end: number, pagemap: number): number {
    const tablePages = slotPages(this.#geometry);
    if (slot < this.#windowSlot || slot >= this.#windowSlot + this.#windowSlots) {
      const slots = Math.min(Math.floor(ENTRIES_MAX / tablePages), end - slot);
      const count = this.#window.read(pagemap, slot * tablePages, slots * tablePages);
      if (count < tablePages) throw new ProcessGone('The process has no pagemap any more');
      this.#windowSlot = slot;
      this.#windowSlots = Math.floor(count / tablePages);
    }
    return (slot - this.#windowSlot) * tablePages;
  }

  #idOf(slot: number, first: number): number {
    const hash = this.#hash(slot, first);
    const known = this.#ids.get(hash);
    if (known !== undefined) return known;
    const id = this.#ids.size + 1;
    this.#ids.set(hash, id);
    return id;
  }

  /** Mixes every entry into two lanes; an entry that is none counts by its place. */
  #hash(slot: number, first: number): number {
    const window = this.#window;
    let a = slot | 0;
    let b = Math.floor(slot / 2 ** 32) + 1;
    const end = first + slotPages(this.#geometry);
    for (let entry = first; entry < end; entry++) {
      if (window.isFrameHidden(entry)) {
        throw new FramesHidden('Cannot compare tables: pagemap hides frame numbers');
      }
      const low = window.low(entry);
      const high = window.high(entry);
      a = Math.imul(a ^ low, 0x9e37_79b1);
      a = Math.imul(a ^ (a >>> 15) ^ high, 0x85eb_ca77);
      b = Math.imul(b ^ (b >>> 13) ^ low, 0xc2b2_ae3d);
      b = Math.imul(b ^ (b >>> 16) ^ high, 0x27d4_eb2f);
    }
    return ((a ^ (a >>> 16)) >>> 0) * 2 ** 21 + ((b ^ (b >>> 15)) >>> 11);
  }

  #pagesOf(slot: number, first: number, vma: Vma): number {
    const tablePages = slotPages(this.#geometry);
    const from = Math.max(0, vma.start - slot * tablePages);
    const to = Math.min(tablePages, vma.end - slot * tablePages);
    let pages = 0;
    for (let entry = from; entry < to; entry++) {
      if (this.#window.isPopulated(first + entry)) pages++;
    }
    return pages;
  }
}

/** One PTE table: its content, and how many pages one VMA has in it. */
interface Table {
  readonly id: number;
  readonly pages: number;
}

/** Adds one run again, with what was read of its tables. Those not read are one piece of it. */
function addIdentified(
  runs: Runs,
  run: number,
  read: ReadonlyMap<number, Table>,
  tablePages: number,
  builder: RunBuilder,
): void {
  const vma = runs.vma[run]!;
  const first = runs.slot[run]!;
  const end = first + runs.count[run]!;
  const unread = end - first - read.size;
  let pagesLeft = runs.pages[run]!;
  for (const { pages } of read.values()) pagesLeft -= pages;
  // The process may have changed since; what is recorded stays possible.
  const pagesUnread = Math.min(Math.max(unread, pagesLeft), unread * tablePages);
  for (let slot = first; slot < end; ) {
    const table = read.get(slot);
    if (table === undefined) {
      builder.addSlots(vma, slot, unread, RunKind.PTE, pagesUnread, 0);
      slot += unread;
    } else {
      builder.addSlots(vma, slot, 1, RunKind.PTE, Math.max(1, table.pages), table.id);
      slot++;
    }
  }
}
