/**
 * Which table is which, once mappings have changed under a design that shares the tables of mappings
 * that are alike (2006; the PMD tables of hugetlb).
 *
 * A table is shared from the fault that links it until the process gives it up, whatever becomes of the
 * mapping meanwhile: who has changed a part of it still shares the rest, and who has changed it back
 * does not share again what he has had to himself.
 */
import { slotsPerTable } from '../arch/geometry.ts';
import { IntervalList } from '../base/interval.ts';
import type { HostSnapshot, Mm, Vma } from '../snapshot/records.ts';
import {
  geometryOf,
  type PoolPlace,
  type ShareRule,
  type TableView,
  tableViews,
} from '../twin/count_tables.ts';
import type { Range } from './change.ts';
import {
  cutAtTables,
  type Gap,
  gapsIn,
  groupBy,
  type Link,
  type Move,
  type Offer,
  slice,
  spanPages,
  tablesForMoved,
} from './link.ts';

/** PTE tables and PMD tables: no design shares others by their mapping. */
const SHARED_LEVELS = 2;

/** By level, ascending and disjoint. */
type Links = readonly (readonly Link[])[];

/** A host, its rule for tables that come to be, and what is known of those that have changed. */
export class Lineage {
  readonly #template: HostSnapshot;
  readonly #rule: ShareRule;
  readonly mms: (Mm | undefined)[];
  /** Of address spaces that are not as they were at first; of all others the rule tells. */
  readonly #links: Map<number, Links>;
  /** What is known of address spaces as they are, whichever host they are in. */
  readonly #known: Known;
  /** PTE tables below a PMD table. */
  readonly #span: number;
  /** Of tables below the root. */
  readonly #levels: number;
  #fresh: number;
  /** Whether a table was there to be shared twice: it is not said whose is taken. */
  isOpen = false;

  constructor(
    template: HostSnapshot,
    rule: ShareRule,
    mms: readonly (Mm | undefined)[] = template.mms,
    links: ReadonlyMap<number, Links> = new Map(),
    fresh = 0,
    known: Known = {
      places: new WeakMap(),
      byKey: new WeakMap(),
      links: new Map(),
    },
  ) {
    this.#template = template;
    this.#rule = rule;
    this.mms = [...mms];
    this.#links = new Map(links);
    this.#fresh = fresh;
    this.#known = known;
    this.#span = slotsPerTable(geometryOf(template), 1);
    this.#levels = geometryOf(template).levels - 1;
  }

  copy(): Lineage {
    return new Lineage(this.#template, this.#rule, this.mms, this.#links, this.#fresh, this.#known);
  }

  /** The tables of an address space, each with its place. */
  linksOf(index: number, level: number): readonly Link[] {
    if (this.mms[index] === undefined) return [];
    return (this.#links.get(index) ?? this.#linksByRule(index))[level]!;
  }

  #linksByRule(index: number): Links {
    const known = this.#known.links.get(index);
    if (known !== undefined) return known;
    const links = Array.from({ length: this.#levels }, (_, level) =>
      this.#views(index, level).map((view) => this.#linkByRule(index, view)),
    );
    this.#known.links.set(index, links);
    return links;
  }

  /** From now on its tables are those that they are, whatever it maps. */
  pin(index: number): void {
    if (!this.#links.has(index)) this.#links.set(index, this.#linksByRule(index));
  }

  /**
   * A fork of `parent`, which has no tables yet but those above the PTE tables that fork looks at: it
   * copies them even if nothing is below.
   */
  addFork(parent: number, mm: Mm, isCopied: (vma: Vma) => boolean): number {
    const child = this.mms.push(mm) - 1;
    const levels: Link[][] = Array.from({ length: this.#levels }, () => []);
    this.#links.set(child, levels);
    const copied = mm.vmas.filter(isCopied);
    for (let level = 1; level < this.#levels; level++) {
      for (const { first, end } of this.#linksUnder(parent, level, copied)) {
        levels[level]!.push({ first, end, key: this.#freshKey(), index: first });
      }
    }
    return child;
  }

  /** It has ended. */
  remove(index: number): void {
    for (let level = SHARED_LEVELS - 1; level > 0; level--) {
      for (const link of this.linksOf(index, level)) this.#leaveOne(index, level, link);
    }
    this.mms[index] = undefined;
    this.#links.delete(index);
  }

  /** Gives up all tables with a part in the pages `[start, end)` that others have, too. */
  leave(index: number, start: number, end: number): void {
    this.pin(index);
    for (let level = SHARED_LEVELS - 1; level >= 0; level--) {
      const pages = spanPages(this.#template, level);
      const [first, last] = [Math.floor(start / pages), Math.ceil(end / pages)];
      const inside = this.linksOf(index, level).flatMap((link) => slice(link, first, last));
      for (const link of inside) {
        const alone = this.#leaveOne(index, level, link);
        for (const { first: from, count } of gapsIn(link, alone))
          this.#unlink(index, level, from, count);
      }
    }
  }

  /** Gives up all PTE tables that are emptied at once: those that one mapping, and `range`, has all of. */
  free(index: number, range: Range): void {
    const pages = spanPages(this.#template, 0);
    for (const { start, end } of this.mms[index]!.vmas) {
      const first = Math.ceil(Math.max(start, range.start) / pages);
      const last = Math.floor(Math.min(end, range.end) / pages);
      if (first < last) this.#unlink(index, 0, first, last - first);
    }
  }

  /** What it has moved of tables that it has to itself comes into such tables: none is looked for. */
  carry(index: number, move: Move): void {
    const { runs } = this.mms[index]!;
    for (let level = 0; level < SHARED_LEVELS; level++) {
      const links = this.linksOf(index, level);
      const below = level === 0 ? [] : this.linksOf(index, level - 1);
      for (const gap of tablesForMoved(this.#template, runs, links, below, move, level)) {
        this.#take(index, level, gap, 0, []);
      }
    }
  }

  /** With all tables that the tables lead to. */
  #unlink(index: number, level: number, first: number, count: number): void {
    const rest = this.linksOf(index, level).flatMap((link) => [
      ...slice(link, 0, first),
      ...slice(link, first + count, Number.POSITIVE_INFINITY),
    ]);
    this.#replace(index, level, rest);
    if (level > 0) this.#unlink(index, level - 1, first * this.#span, count * this.#span);
  }

  /**
   * Forgets tables that span nothing any more that is mapped.
   *
   * @param levels below which they are
   */
  prune(index: number, levels = this.#levels): void {
    const { vmas } = this.mms[index]!;
    for (let level = 0; level < levels; level++) {
      this.#replace(index, level, this.#linksUnder(index, level, vmas));
    }
  }

  /** The links of an address space, as far as they span a part of `vmas`. */
  #linksUnder(index: number, level: number, vmas: readonly Vma[]): Link[] {
    const pages = spanPages(this.#template, level);
    const mapped = new IntervalList();
    for (const { start, end } of vmas) {
      mapped.add(Math.floor(start / pages), Math.ceil(end / pages));
    }
    const union = mapped.union();
    const kept: Link[] = [];
    for (const link of this.linksOf(index, level)) {
      for (let i = 0; i < union.length; i += 2) kept.push(...slice(link, union[i]!, union[i + 1]!));
    }
    return kept;
  }

  /** The process touches again what it has: tables that are missing are found at others, or made. */
  relink(index: number): void {
    for (let level = this.#levels - 1; level >= 0; level--) {
      for (const view of this.#views(index, level)) {
        const span = { first: view.first, end: view.first + view.count };
        const gaps = gapsIn(span, this.linksOf(index, level));
        if (gaps.length === 0) continue;
        const place = this.#placeBy(view);
        const offers = place === undefined ? [] : this.#offersFor(level, place.key);
        for (const part of gaps.flatMap((gap) => cutAtTables(gap, this.#span))) {
          this.#fill(index, view, part, offers);
        }
      }
    }
  }

  /** @returns the parts of `link` that nobody else has */
  #leaveOne(index: number, level: number, link: Link): Link[] {
    let alone = [link];
    for (const other of this.mms.keys()) {
      for (const its of this.#linksAt(other, level, link.key)) {
        const isSelf = other === index && its.first - its.index === link.first - link.index;
        if (isSelf) continue;
        const from = link.first + its.index - link.index;
        const to = from + its.end - its.first;
        const common = slice(link, from, to);
        if (level > 0) for (const one of common) this.#bequeath(index, one, other, its);
        alone = alone.flatMap((one) => [
          ...slice(one, 0, from),
          ...slice(one, to, Number.POSITIVE_INFINITY),
        ]);
      }
    }
    return alone;
  }

  /** What is below tables that are left stays with those who have them. */
  #bequeath(index: number, { first, end, index: place }: Link, other: number, its: Link): void {
    const to = its.first + place - its.index;
    this.#import(other, to, index, first, end - first);
  }

  /** Tables below `count` tables of level 1, from `first` on of `from`, are there for `index`, too. */
  #import(index: number, first: number, from: number, start: number, count: number): void {
    const distance = (first - start) * this.#span;
    const given = this.linksOf(from, 0).flatMap((link) =>
      slice(link, start * this.#span, (start + count) * this.#span),
    );
    if (given.length === 0) return;
    this.pin(index);
    const own = this.linksOf(index, 0);
    const added: Link[] = [];
    for (const link of given) {
      const [at, end] = [link.first + distance, link.end + distance];
      for (const { first: from, count: missing } of gapsIn({ first: at, end }, own)) {
        const place = link.index + from - at;
        added.push({ first: from, end: from + missing, key: link.key, index: place });
      }
    }
    this.#replace(index, 0, [...own, ...added]);
  }

  /** Finds tables for a part of `view`, for which mappings that are alike have some `offers`. */
  #fill(index: number, view: TableView, { first, count }: Gap, offers: readonly Offer[]): void {
    const end = first + count;
    const place = this.#placeOf(index, view, first);
    if (place === undefined) {
      this.#take(index, view.level, { first, count }, 0, []);
      return;
    }
    const start = place.index + first - view.first;
    const bounds = [first, end];
    for (const { from, to } of offers) bounds.push(first + from - start, first + to - start);
    const cuts = [...new Set(bounds)]
      .filter((at) => first <= at && at <= end)
      .sort((a, b) => a - b);
    for (let i = 1; i < cuts.length; i++) {
      const [at, next] = [cuts[i - 1]!, cuts[i]!];
      const wanted = start + at - first;
      const found = offers.filter(({ from, to }) => from <= wanted && wanted < to);
      this.#take(index, view.level, { first: at, count: next - at }, wanted, found);
    }
  }

  #take(
    index: number,
    level: number,
    { first, count }: Gap,
    wanted: number,
    found: readonly Offer[],
  ): void {
    const end = first + count;
    const [offer] = found;
    if (offer === undefined) {
      this.#add(index, level, { first, end, key: this.#freshKey(), index: first });
      return;
    }
    const placeIn = ({ from, link }: Offer): string => `${link.key}:${link.index + wanted - from}`;
    if (found.some((other) => placeIn(other) !== placeIn(offer))) this.isOpen = true;
    const at = offer.link.index + wanted - offer.from;
    this.#add(index, level, { first, end, key: offer.link.key, index: at });
    if (level === 0) return;
    // Each knows of the tables below only those that it has needed.
    for (const one of found.filter((other) => placeIn(other) === placeIn(offer))) {
      this.#import(index, first, one.mm, one.link.first + wanted - one.from, count);
    }
  }

  /** By the rule; nothing for tables below one that could be shared, and is not. */
  #placeOf(index: number, view: TableView, table: number): PoolPlace | undefined {
    if (view.level > 0) return this.#placeBy(view);
    const above = Math.floor(table / this.#span);
    const found = this.#views(index, 1).find(
      ({ first, count }) => first <= above && above < first + count,
    );
    const isBelow = found !== undefined && this.#placeBy(found) !== undefined;
    return isBelow ? undefined : this.#placeBy(view);
  }

  /** Tables of `level` that mappings have which are alike now. */
  #offersFor(level: number, key: string): Offer[] {
    const offers: Offer[] = [];
    const known = new Set<string>();
    for (const mm of this.mms.keys()) {
      for (const view of this.#views(mm, level)) {
        const place = this.#placeBy(view);
        if (place?.key !== key) continue;
        for (const link of this.linksOf(mm, level)) {
          for (const part of slice(link, view.first, view.first + view.count)) {
            const from = place.index + part.first - view.first;
            const to = from + part.end - part.first;
            const text = `${part.key}:${part.index}:${from}:${to}`;
            // Tables below one are known to those who have it, each to some.
            if (level === 0 && known.has(text)) continue;
            known.add(text);
            offers.push({ mm, link: part, from, to });
          }
        }
      }
    }
    return offers;
  }

  #linksAt(index: number, level: number, key: string): readonly Link[] {
    const links = this.linksOf(index, level);
    const known = this.#known.byKey.get(links) ?? groupBy(links, (link) => link.key);
    this.#known.byKey.set(links, known);
    return known.get(key) ?? [];
  }

  #placeBy(view: TableView): PoolPlace | undefined {
    const { places } = this.#known;
    if (!places.has(view)) places.set(view, this.#rule(view));
    return places.get(view);
  }

  #linkByRule(mm: number, view: TableView): Link {
    const { first, count, level } = view;
    const place = this.#placeBy(view) ?? { key: `mm:${mm}:${level}`, index: first };
    return { first, end: first + count, ...place };
  }

  #freshKey(): string {
    return `own:${this.#fresh++}`;
  }

  #add(index: number, level: number, link: Link): void {
    this.pin(index);
    this.#replace(index, level, [...this.linksOf(index, level), link]);
  }

  #replace(index: number, level: number, links: readonly Link[]): void {
    const levels = [...this.#links.get(index)!];
    levels[level] = links.toSorted((a, b) => a.first - b.first);
    this.#links.set(index, levels);
  }

  #views(index: number, level: number): readonly TableView[] {
    const mm = this.mms[index];
    if (mm === undefined) return [];
    const known = VIEWS.get(mm) ?? [];
    known[level] ??= tableViews(mm, geometryOf(this.#template), level);
    VIEWS.set(mm, known);
    return known[level];
  }
}

/** The tables of an address space, by level: most are the same under several designs. */
const VIEWS = new WeakMap<Mm, (readonly TableView[])[]>();

/** By index in the template: links by the rule. */
interface Known {
  /** What the rule says of tables. */
  readonly places: WeakMap<TableView, PoolPlace | undefined>;
  readonly byKey: WeakMap<readonly Link[], ReadonlyMap<string, readonly Link[]>>;
  readonly links: Map<number, Links>;
}
