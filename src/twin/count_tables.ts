/**
 * Counts the tables of all address spaces of a snapshot, under a rule that says which of them are
 * one and the same table.
 */
import { type Geometry, geometryById, slotPages, slotsPerTable } from '../arch/geometry.ts';
import { assert } from '../base/assert.ts';
import type { HostSnapshot, Mm, Vma } from '../snapshot/records.ts';
import { TablePool } from './table_pool.ts';
import { depositedTables, type TableSpan, tableSpans } from './tables.ts';

/** Consecutive tables as a sharing rule sees them. */
export interface TableView {
  readonly mm: Mm;
  /** 0 is the PTE table. */
  readonly level: number;
  readonly first: number;
  readonly count: number;
  /** Pages that one table spans. */
  readonly pages: number;
  /** Indexes of the VMAs that have entries in the tables. */
  readonly owners: readonly number[];
  /** The VMA that covers the whole span of every one of these tables, if there is one. */
  readonly cover: Vma | undefined;
  /** Content id of the first table, 0 if unknown. */
  readonly content: number;
}

type MutableView = { -readonly [Field in keyof TableView]: TableView[Field] };

/** Where tables stand in a pool of shared ones: the first is table `index` of pool `key`. */
export interface PoolPlace {
  readonly key: string;
  readonly index: number;
}

/** Says whether tables are shared, and with which others; undefined means private. */
export type ShareRule = (tables: TableView) => PoolPlace | undefined;

/** Nothing is shared: what the sum of VmPTE says. */
export const SHARE_NOTHING: ShareRule = () => undefined;

export interface MmTables {
  /** Tables by level, `[pte, pmd, pud, p4d]`, zero where the geometry has no such level. */
  readonly byLevel: readonly [number, number, number, number];
  readonly deposited: number;
  /** All of them: what VmPTE should say, in pages. */
  readonly total: number;
}

export interface TableCount {
  /** By index of `HostSnapshot.mms`. Zero for those seen only through `status`. */
  readonly mms: readonly MmTables[];
  /** Distinct tables of all mms, deposits included, roots not. */
  readonly distinct: number;
  /** By mm: its tables with each shared one divided among its users. */
  readonly charged: Float64Array;
  /** By object: the tables it needs, divided where several VMAs have entries in one. */
  readonly objects: Float64Array;
  /** Of `objects`: PTE tables in which no other VMA has entries. */
  readonly objectPteTables: Float64Array;
}

/** @throws ModelError if the snapshot names a geometry that does not exist */
export function geometryOf(snapshot: HostSnapshot): Geometry {
  const geometry = geometryById(snapshot.host.geometry);
  assert(geometry !== undefined, 'a validated snapshot names a known geometry');
  return geometry;
}

export function countTables(snapshot: HostSnapshot, rule: ShareRule): TableCount {
  return countAll([{ snapshot, rule }])[0]!;
}

/** A population, and the rule that it is counted under. */
export interface CountCase {
  readonly snapshot: HostSnapshot;
  readonly rule: ShareRule;
}

/**
 * Counts several populations of one host in one go: finding the tables of an address space costs
 * more than telling which are shared, and most populations leave most address spaces as they are.
 */
export function countAll(cases: readonly CountCase[]): TableCount[] {
  const counters = cases.map(({ snapshot, rule }) => new Counter(snapshot, rule));
  const longest = cases.reduce((max, { snapshot }) => Math.max(max, snapshot.mms.length), 0);
  for (let index = 0; index < longest; index++) {
    const users = new Map<Mm, Counter[]>();
    for (const counter of counters) {
      const mm = counter.snapshot.mms[index];
      if (mm === undefined) continue;
      const same = users.get(mm);
      if (same === undefined) users.set(mm, [counter]);
      else same.push(counter);
    }
    for (const [mm, same] of users) countMm(mm, index, geometryOf(same[0]!.snapshot), same);
  }
  return counters.map((counter) => counter.settle());
}

function countMm(mm: Mm, index: number, geometry: Geometry, counters: readonly Counter[]): void {
  const byLevel: [number, number, number, number] = [0, 0, 0, 0];
  for (let level = 0; level < geometry.levels - 1; level++) {
    const pages = slotPages(geometry) * slotsPerTable(geometry, level);
    for (const span of tableSpans(mm, geometry, level)) {
      byLevel[level]! += span.count;
      const object = span.vma < 0 ? -1 : mm.vmas[span.vma]!.object;
      const ownTables = level === 0 && object >= 0 ? span.count : 0;
      cutSpan(mm, level, pages, span, (tables) => {
        for (const counter of counters) counter.add(index, tables);
      });
      if (ownTables > 0) for (const counter of counters) counter.addPteTables(object, ownTables);
    }
  }
  const deposited = depositedTables(mm);
  const total = byLevel.reduce((a, b) => a + b, deposited);
  for (const counter of counters) counter.end(index, { byLevel, deposited, total });
}

/** The tables of one level of an address space, as a rule sees them, ascending. */
export function tableViews(mm: Mm, geometry: Geometry, level: number): TableView[] {
  const pages = slotPages(geometry) * slotsPerTable(geometry, level);
  const views: TableView[] = [];
  for (const span of tableSpans(mm, geometry, level)) {
    cutSpan(mm, level, pages, span, (tables) => views.push({ ...tables }));
  }
  return views;
}

/**
 * Cuts a span into the tables that its VMA covers whole and those at its edges.
 *
 * @param visit must not keep what it is given: the next call changes it
 */
function cutSpan(
  mm: Mm,
  level: number,
  pages: number,
  span: TableSpan,
  visit: (tables: TableView) => void,
): void {
  const end = span.first + span.count;
  const vma = span.vma < 0 ? undefined : mm.vmas[span.vma]!;
  const coverFirst = vma === undefined ? end : clamp(Math.ceil(vma.start / pages), span.first, end);
  const coverEnd = vma === undefined ? end : clamp(Math.floor(vma.end / pages), coverFirst, end);
  const { owners } = span;
  const view: MutableView = {
    mm,
    level,
    pages,
    owners,
    first: 0,
    count: 0,
    cover: undefined,
    content: 0,
  };
  const add = (first: number, last: number, cover: Vma | undefined): void => {
    if (first === last) return;
    view.first = first;
    view.count = last - first;
    view.cover = cover;
    view.content = span.content === 0 ? 0 : span.content + (first - span.first);
    visit(view);
  };
  add(span.first, coverFirst, undefined);
  add(coverFirst, coverEnd, vma);
  add(coverEnd, end, undefined);
}

/** Adds up the tables of a host under one rule. */
class Counter {
  readonly snapshot: HostSnapshot;
  readonly #rule: ShareRule;
  readonly #pool = new TablePool();
  readonly #mms: MmTables[] = [];
  readonly #charged: Float64Array;
  readonly #objects: Float64Array;
  readonly #objectPteTables: Float64Array;
  #distinct = 0;

  constructor(snapshot: HostSnapshot, rule: ShareRule) {
    this.snapshot = snapshot;
    this.#rule = rule;
    this.#charged = new Float64Array(snapshot.mms.length);
    this.#objects = new Float64Array(snapshot.objects.length);
    this.#objectPteTables = new Float64Array(snapshot.objects.length);
  }

  /** Charges tables to their owners, or puts them into the pool that the rule names. */
  add(index: number, tables: TableView): void {
    const { mm, count, owners } = tables;
    const place = this.#rule(tables);
    if (place !== undefined) {
      // Where several VMAs have entries in a shared table, the first one's object stands for all.
      const { object } = mm.vmas[owners[0]!]!;
      this.#pool.use(place.key, place.index, place.index + count, index, object);
      return;
    }
    this.#distinct += count;
    this.#charged[index]! += count;
    for (const owner of owners) {
      const { object } = mm.vmas[owner]!;
      if (object >= 0) this.#objects[object]! += count / owners.length;
    }
  }

  addPteTables(object: number, tables: number): void {
    this.#objectPteTables[object]! += tables;
  }

  /** @param tables what all of mm `index` needs */
  end(index: number, tables: MmTables): void {
    this.#mms[index] = tables;
    this.#distinct += tables.deposited;
    this.#charged[index]! += tables.deposited;
  }

  settle(): TableCount {
    const shared = this.#pool.settle((mm, object, pages) => {
      this.#charged[mm]! += pages;
      if (object >= 0) this.#objects[object]! += pages;
    });
    return {
      mms: this.#mms,
      distinct: this.#distinct + shared,
      charged: this.#charged,
      objects: this.#objects,
      objectPteTables: this.#objectPteTables,
    };
  }
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
