/**
 * What a design costs after processes have changed what they map, forked, or ended.
 *
 * Each event changes the mappings of one process (`change.ts`); then that process touches again what it
 * still has. What becomes of tables in between is the design's (`Outcome.change`): those that others
 * have, too, are left and found anew (`lineage.ts`), or copied, which the contents of runs tell.
 */
import { slotPages } from '../arch/geometry.ts';
import { assert } from '../base/assert.ts';
import { IntervalList } from '../base/interval.ts';
import type { Mm, Vma } from '../snapshot/records.ts';
import {
  countTables,
  geometryOf,
  SHARE_NOTHING,
  type ShareRule,
  tableViews,
} from '../twin/count_tables.ts';
import { depositedTables } from '../twin/tables.ts';
import { changed, isCopiedByFork, overlaps, type Range, type RangeChange } from './change.ts';
import { Contents } from './contents.ts';
import type { Outcome } from './design.ts';
import { HugeFiles } from './huge_files.ts';
import { Lineage } from './lineage.ts';
import { partsOf } from './rewrite.ts';

/** A forked process comes last in the list; one that has ended keeps its place there. */
export type HostEvent =
  | RangeChange
  /** The process unmaps a region of mshare as a whole. */
  | { readonly what: 'detach'; readonly mm: number; readonly region: number }
  | { readonly what: 'fork'; readonly mm: number }
  | { readonly what: 'exit'; readonly mm: number };

/** A host under a design at one moment; events make others of it. */
export class Life {
  readonly #outcome: Outcome;
  readonly #lineage: Lineage;
  readonly #contents: Contents;
  /** By region of mshare: who has it attached still. */
  readonly #guests: Map<number, readonly number[]>;
  readonly #hugeFiles: HugeFiles;
  /** By process, of those that have changed: where it has had pages of its own (anon_vma). */
  readonly #own: Map<number, readonly Range[]>;
  #changes: readonly Range[] = [];

  constructor(outcome: Outcome, before?: Life) {
    this.#outcome = outcome;
    const isFirst = before === undefined;
    this.#hugeFiles = isFirst ? new HugeFiles(outcome.snapshot) : before.#hugeFiles;
    this.#lineage = isFirst
      ? new Lineage(outcome.snapshot, mappingRule(outcome))
      : before.#lineage.copy();
    this.#contents = isFirst ? new Contents(outcome.snapshot) : before.#contents;
    this.#guests = new Map(isFirst ? outcome.guests : before.#guests);
    this.#own = new Map(isFirst ? [] : before.#own);
  }

  /** By process, the regions of mshare last but for forks; `undefined` after its end. */
  get mms(): readonly (Mm | undefined)[] {
    return this.#lineage.mms;
  }

  /** Whether the last event has found several tables to share, and the design does not say which. */
  get isOpen(): boolean {
    return this.#lineage.isOpen;
  }

  /** Whether process `mm` still has a region of mshare. */
  hasAttached(mm: number, region: number): boolean {
    return this.#guests.get(region)?.includes(mm) ?? false;
  }

  /** What the last event has changed, of who it was about: parts of its range. */
  get changes(): readonly Range[] {
    return this.#changes;
  }

  /** Whether mappings are others afterwards: not by mprotect to the rights that they have. */
  isChangedBy(event: RangeChange): boolean {
    const mm = this.mms[event.mm];
    return mm !== undefined && rangesOf(mm, event).length > 0;
  }

  after(event: HostEvent): Life {
    const life = new Life(this.#outcome, this);
    switch (event.what) {
      case 'fork':
        life.#fork(event.mm);
        break;
      case 'exit':
        life.#exit(event.mm);
        break;
      case 'detach':
        life.#detach(event.mm, event.region);
        break;
      default:
        life.#change(event);
    }
    return life;
  }

  /** User tables, each once, and roots. */
  tables(): number {
    const { snapshot, rule, change } = this.#outcome;
    const mms = this.mms.filter((mm) => mm !== undefined);
    const roots = mms.length * snapshot.host.rootPages;
    if (change === 'counted') return countTables({ ...snapshot, mms }, rule).distinct + roots;
    const shared = new Map<string, IntervalList>();
    let tables = roots;
    for (const [index, mm] of this.mms.entries()) {
      if (mm !== undefined) tables += depositedTables(mm) + this.#addTables(index, mm, shared);
    }
    for (const one of shared.values()) tables += one.unionLength();
    return tables;
  }

  /** Puts tables into `shared`, but those that nobody shares. @returns how many those are */
  #addTables(index: number, mm: Mm, shared: Map<string, IntervalList>): number {
    const { snapshot, rule, change } = this.#outcome;
    const geometry = geometryOf(snapshot);
    const add = (key: string, first: number, end: number): void => {
      const known = shared.get(key) ?? new IntervalList();
      known.add(first, end);
      shared.set(key, known);
    };
    for (let level = change === 'copied' ? 1 : 0; level < geometry.levels - 1; level++) {
      for (const { key, index: at, first, end } of this.#lineage.linksOf(index, level)) {
        add(key, at, at + end - first);
      }
    }
    if (change !== 'copied') return 0;
    let own = 0;
    for (const view of tableViews(mm, geometry, 0)) {
      const place = rule(view);
      if (place === undefined) own += view.count;
      else add(place.key, place.index, place.index + view.count);
    }
    return own;
  }

  #change(event: RangeChange): void {
    const lineage = this.#lineage;
    const { mm: index, what } = event;
    const before = lineage.mms[index];
    assert(before !== undefined, 'who changes what it maps has not ended');
    const ranges = rangesOf(before, event);
    this.#changes = ranges;
    if (ranges.length === 0) return;
    const own = this.#ownOf(index);
    lineage.pin(index);
    for (const range of ranges) {
      if (what !== 'store') lineage.leave(index, range.start, range.end);
      lineage.mms[index] = this.#changed(lineage.mms[index]!, { ...event, ...range });
    }
    this.#own.set(index, [...own, ...ownAfter(lineage.mms[index]!, own, event)]);
    // mm/pt_reclaim.c
    if (what === 'discard') lineage.free(index, event);
    if (what === 'move') lineage.carry(index, { ...event, distance: event.to - event.start });
    const isLinked = (this.#guests.get(index)?.length ?? 0) > 0;
    if (isLinked) lineage.prune(index, LINKED_LEVEL);
    else lineage.prune(index);
    lineage.relink(index);
  }

  #ownOf(index: number): readonly Range[] {
    return this.#own.get(index) ?? ownPlaces(this.mms[index]!);
  }

  #changed(before: Mm, event: RangeChange): Mm {
    const { snapshot, change } = this.#outcome;
    const isHugetlb = ({ object }: Vma): boolean => snapshot.objects[object]?.kind === 'hugetlb';
    const mapped = changed(before, event, slotPages(geometryOf(snapshot)), isHugetlb);
    const after = event.what === 'discard' ? this.#hugeFiles.foundWhole(mapped, event) : mapped;
    return this.#contents.changed(before, after, event, change === 'copied');
  }

  /** Private pages are common to both from now on; all others the child finds when it touches them. */
  #fork(parent: number): void {
    const lineage = this.#lineage;
    const mm = lineage.mms[parent];
    assert(mm !== undefined, 'who forks has not ended');
    const common = this.#contents.named(mm, isCopiedByFork);
    lineage.pin(parent);
    lineage.mms[parent] = common;
    const child = this.#hugeFiles.foundWhole(common, EVERYWHERE);
    const own = this.#ownOf(parent);
    const isCopied = (vma: Vma): boolean =>
      isCopiedByFork(vma) && own.some((range) => overlaps(vma, range));
    const index = lineage.addFork(parent, child, isCopied);
    this.#own.set(index, own);
    lineage.relink(index);
  }

  #exit(index: number): void {
    this.#lineage.remove(index);
    for (const region of this.#guests.keys()) {
      this.#detach(index, region);
      const isMaker = this.#outcome.guests!.get(region)![0] === index;
      if (isMaker) {
        this.#change({ what: 'unmap', mm: region, start: 0, end: Number.MAX_SAFE_INTEGER });
      }
    }
  }

  #detach(index: number, region: number): void {
    const guests = this.#guests.get(region);
    assert(guests !== undefined, 'what is detached is a region');
    this.#guests.set(
      region,
      guests.filter((guest) => guest !== index),
    );
  }
}

const EVERYWHERE: Range = { start: 0, end: Number.MAX_SAFE_INTEGER };

/** Of the tables of a region that its guests refer to (PUD tables): they stay as long as one does. */
const LINKED_LEVEL = 2;

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

/** Mappings that are copied by fork, of which a page is there. */
function ownPlaces(mm: Mm): Range[] {
  return partsOf(mm)
    .filter(({ vma, rows }) => rows.length > 0 && isCopiedByFork(vma))
    .map(({ vma }) => vma);
}

/** What a process has of its own besides: what it has moved, or made writable. */
function ownAfter(after: Mm, own: readonly Range[], event: RangeChange): readonly Range[] {
  if (event.what === 'protect') return ownPlaces(after).filter((vma) => overlaps(vma, event));
  if (event.what !== 'move' || !own.some((range) => overlaps(range, event))) return [];
  return [{ start: event.to, end: event.to + event.end - event.start }];
}

/** What of its range an event changes: mprotect passes over what has its rights already. */
function rangesOf({ vmas }: Mm, event: RangeChange): readonly Range[] {
  const { what, start, end } = event;
  const within = vmas.filter((vma) => vma.start < end && start < vma.end);
  if (what === 'unmap') return within.length > 0 ? [event] : [];
  if (what !== 'protect') return [event];
  return within
    .filter(({ protection }) => protection !== event.protection)
    .map((vma) => ({ start: Math.max(start, vma.start), end: Math.min(end, vma.end) }));
}
