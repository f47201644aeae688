/**
 * What a step touches beyond the object of its point, as far as it can be told before the step.
 *
 * A program's access reads the entries on the way to its page. Which these are depends on the state;
 * that an entry cannot be one of them often does not: it stands at another index than any the page
 * has, or in a table of another address space. Both are noted when an operation stops, so that most
 * accesses commute with most changes of entries.
 */
import type { Vpn } from '../../arch/index.ts';
import {
  PointKind as Kind,
  kindOf,
  NOTES_MAX,
  noteOf,
  objectOf,
  type Point,
  withNote,
} from './point.ts';
import type { World } from './world.ts';

interface Range {
  readonly mm: number;
  readonly start: number;
  readonly end: number;
  /** The number of the first page. */
  readonly first: number;
}

/**
 * Pages of address spaces that programs may access, by number; no part of the state.
 *
 * They have their numbers before any is met: threads that search parts of one tree tell each other
 * points, meet pages in different orders, and some not at all. A page without a number is not noted.
 */
export class Accesses {
  readonly #ranges: Range[] = [];
  #count = 0;

  /** Numbers the pages of `[start, end)`, unless notes have no room for them. */
  add(mm: number, start: number, end: number): void {
    if (this.#count + end - start >= NOTES_MAX) return;
    this.#ranges.push({ mm, start, end, first: this.#count });
    this.#count += end - start;
  }

  numberOf(mm: number, page: number): number | undefined {
    for (const range of this.#ranges) {
      if (range.mm !== mm || page < range.start || page >= range.end) continue;
      return range.first + page - range.start;
    }
    return undefined;
  }

  get(number: number): { readonly mm: number; readonly page: number } {
    const range = this.#ranges.findLast(({ first }) => first <= number)!;
    return { mm: range.mm, page: range.start + number - range.first };
  }
}

/** The point `at`, where an operation has just stopped, with a note of what it touches. */
export function noteFootprint(world: World, at: Point): Point {
  switch (kindOf(at)) {
    case Kind.LOAD:
    case Kind.STORE: {
      const agent = world.objects.numberOf('tlb', objectOf(at));
      const number = world.accesses.numberOf(world.accessMm[agent]!, world.accessPage[agent]!);
      return number === undefined ? at : withNote(at, 1 + number);
    }
    case Kind.SET:
    case Kind.CLEAR: {
      if (world.mayShareTables) return at;
      const mm = world.tableMm[tableOf(world, objectOf(at))]!;
      return mm < 0 ? at : withNote(at, 1 + mm);
    }
    default:
      return at;
  }
}

/** The table that an object is, or lies in. */
function tableOf({ objects, size }: World, object: number): number {
  const table = objects.numberOf('table', object);
  return table >= 0 && table < size.tables ? table : objects.tableOfEntry(object);
}

/**
 * Whether the change of an entry, or of a table as a whole, can make a difference to an access: by
 * what the entry says, or by the translation that is stale from now on.
 */
export function canMeet(world: World, access: Point, change: Point): boolean {
  if (noteOf(access) === 0) return true;
  const { mm, page } = world.accesses.get(noteOf(access) - 1);
  const owner = noteOf(change) - 1;
  if (owner >= 0 && owner !== mm) return false;
  const { format, objects, tableEntries } = world;
  if (objects.tableOfEntry(objectOf(change)) < 0) return true;
  const index = objects.numberOf('entry', objectOf(change)) % tableEntries;
  for (let level = 0; level < format.levels; level++) {
    if (format.index(page as Vpn, level) === index) return true;
  }
  return false;
}
