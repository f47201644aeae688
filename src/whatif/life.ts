/**
 * What a design costs after processes have changed what they map, forked, or ended.
 *
 * Each event changes the mappings of one process (`change.ts`); then that process touches again what it
 * still has. What becomes of tables in between is the design's (`Outcome.change`): those that others
 * have, too, are left and found anew (`lineage.ts`), or copied, which the contents of runs tell.
 */
import { slotPages } from '../arch/geometry.ts';
import { assert } from '../base/assert.ts';
import { type Mm, PROT_WRITE, type Vma } from '../snapshot/records.ts';
import {
  countTables,
  geometryOf,
  SHARE_NOTHING,
  type ShareRule,
  tableViews,
} from '../twin/count_tables.ts';
import { TablePool } from '../twin/table_pool.ts';
import { depositedTables } from '../twin/tables.ts';
import { changed, type RangeChange } from './change.ts';
import { Contents } from './contents.ts';
import type { Outcome } from './design.ts';
import { Lineage, SHARED_LEVELS } from './lineage.ts';

/** A forked process comes last in the list; one that has ended keeps its place there. */
export type HostEvent =
  | RangeChange
  | { readonly what: 'fork'; readonly mm: number }
  | { readonly what: 'exit'; readonly mm: number };

/** A host under a design at one moment; events make others of it. */
export class Life {
  readonly #outcome: Outcome;
  readonly #lineage: Lineage;
  readonly #contents: Contents;

  constructor(outcome: Outcome, lineage?: Lineage, contents?: Contents) {
    this.#outcome = outcome;
    this.#lineage = lineage ?? new Lineage(outcome.snapshot, mappingRule(outcome));
    this.#contents = contents ?? new Contents(outcome.snapshot);
  }

  /** By process, the regions of mshare last but for forks; `undefined` after its end. */
  get mms(): readonly (Mm | undefined)[] {
    return this.#lineage.mms;
  }

  /** Whether the last event has found several tables to share, and the design does not say which. */
  get isOpen(): boolean {
    return this.#lineage.isOpen;
  }

  after(event: HostEvent): Life {
    const lineage = this.#lineage.copy();
    switch (event.what) {
      case 'fork':
        this.#fork(lineage, event.mm);
        break;
      case 'exit':
        this.#exit(lineage, event.mm);
        break;
      default:
        this.#change(lineage, event);
    }
    return new Life(this.#outcome, lineage, this.#contents);
  }

  /** User tables, each once, and roots. */
  tables(): number {
    const { snapshot, rule, change } = this.#outcome;
    const mms = this.mms.filter((mm) => mm !== undefined);
    const roots = mms.length * snapshot.host.rootPages;
    if (change === 'counted') return countTables({ ...snapshot, mms }, rule).distinct + roots;
    const pool = new TablePool();
    let tables = roots;
    for (const [index, mm] of this.mms.entries()) {
      if (mm !== undefined) tables += depositedTables(mm) + this.#addTables(index, mm, pool);
    }
    return tables + pool.settle(() => {});
  }

  /** Puts tables that may be shared into `pool`. @returns how many others there are */
  #addTables(index: number, mm: Mm, pool: TablePool): number {
    const { snapshot, rule, change } = this.#outcome;
    const geometry = geometryOf(snapshot);
    let others = 0;
    for (let level = 0; level < geometry.levels - 1; level++) {
      const isByContent = change === 'copied' && level === 0;
      if (level < SHARED_LEVELS && !isByContent) {
        for (const { key, index: at, first, end } of this.#lineage.linksOf(index, level)) {
          pool.use(key, at, at + end - first, 0, 0);
        }
        continue;
      }
      for (const view of tableViews(mm, geometry, level)) {
        const place = isByContent ? rule(view) : undefined;
        if (place === undefined) others += view.count;
        else pool.use(place.key, place.index, place.index + view.count, 0, 0);
      }
    }
    return others;
  }

  #change(lineage: Lineage, event: RangeChange): void {
    const { snapshot, change } = this.#outcome;
    const pages = slotPages(geometryOf(snapshot));
    const { mm: index, start, end } = event;
    const before = lineage.mms[index];
    assert(before !== undefined, 'who changes what it maps has not ended');
    const isNothing = event.what === 'protect' && hasRights(before, event);
    if (isNothing) return;
    lineage.pin(index);
    if (event.what !== 'store') {
      const span = pages * pages;
      lineage.leave(index, 1, Math.floor(start / span), Math.ceil(end / span));
      lineage.leave(index, 0, Math.floor(start / pages), Math.ceil(end / pages));
    }
    const isCopied = change === 'copied';
    const after = changed(before, event, pages);
    lineage.mms[index] = this.#contents.after(after, event, isCopied);
    lineage.prune(index);
    lineage.relink(index);
  }

  /** Private pages are common to both from now on; all others the child finds when it touches them. */
  #fork(lineage: Lineage, parent: number): void {
    const mm = lineage.mms[parent];
    assert(mm !== undefined, 'who forks has not ended');
    const common = this.#contents.named(mm, isCopiedByFork);
    lineage.pin(parent);
    lineage.mms[parent] = common;
    lineage.relink(lineage.addEmpty({ ...common, pid: lineage.mms.length }));
  }

  #exit(lineage: Lineage, index: number): void {
    lineage.pin(index);
    for (let level = SHARED_LEVELS - 1; level >= 0; level--) {
      lineage.leave(index, level, 0, Number.POSITIVE_INFINITY);
    }
    lineage.remove(index);
  }
}

/** Of tables that are shared because mappings are alike, not because their contents are. */
function mappingRule({ rule, change }: Outcome): ShareRule {
  switch (change) {
    case 'left':
      return rule;
    case 'copied':
      return (tables) => (tables.level === 0 ? undefined : rule(tables));
    case 'counted':
      return SHARE_NOTHING;
  }
}

/** Whether fork copies the tables of `vma`: faults could not bring its pages back. */
export function isCopiedByFork({ object, shared, protection }: Vma): boolean {
  return object < 0 || (!shared && (protection & PROT_WRITE) !== 0);
}

/** Whether all that is mapped of a range has its rights already: mprotect does nothing. */
function hasRights({ vmas }: Mm, event: RangeChange & { readonly what: 'protect' }): boolean {
  return vmas.every(
    (vma) =>
      vma.end <= event.start || event.end <= vma.start || vma.protection === event.protection,
  );
}
