/**
 * What a step touches beyond the object of its point, as far as it can be told before the step.
 *
 * A program's access reads the entries on the way to its page. Which these are depends on the state;
 * that an entry cannot be one of them often does not: it stands at another index than any the page
 * has, or in a table of another address space. Both are noted when an operation stops, so that most
 * accesses commute with most changes of entries.
 */
import type { Vpn } from '../../arch/index.ts';
import { PointKind as Kind, kindOf, noteOf, objectOf, type Point, withNote } from './point.ts';
import type { World } from './world.ts';

/** Pages of address spaces that programs access, by number; no part of the state. */
export class Accesses {
  readonly #numbers = new Map<string, number>();
  readonly #places: { readonly mm: number; readonly page: number }[] = [];

  numberOf(mm: number, page: number): number {
    const key = `${mm} ${page}`;
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const number = this.#places.push({ mm, page }) - 1;
    this.#numbers.set(key, number);
    return number;
  }

  get(number: number): { readonly mm: number; readonly page: number } {
    return this.#places[number]!;
  }
}

/** The point `at`, where an operation has just stopped, with a note of what it touches. */
export function noteFootprint(world: World, at: Point): Point {
  switch (kindOf(at)) {
    case Kind.LOAD:
    case Kind.STORE: {
      const agent = world.objects.numberOf('tlb', objectOf(at));
      const number = world.accesses.numberOf(world.accessMm[agent]!, world.accessPage[agent]!);
      return withNote(at, 1 + number);
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
