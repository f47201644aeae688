/** Mapped objects out of the rows that name them. */
import type { ColumnOf } from './columns.ts';
import type { TextTable } from './parquet/plain.ts';
import type { MappedObject, ObjectKind } from './records.ts';
import { SnapshotError } from './snapshot_error.ts';

type Columns = Readonly<Record<ColumnOf<'object'>, Float64Array>>;

export class ObjectRows {
  readonly #columns: Columns;
  readonly #texts: TextTable;
  readonly #objects = new Map<number, MappedObject>();

  constructor(columns: Columns, texts: TextTable) {
    this.#columns = columns;
    this.#texts = texts;
  }

  /** @returns false if an earlier row says something else of the same object */
  add(row: number): boolean {
    const index = this.#columns.object[row]!;
    const object = this.#read(row);
    const known = this.#objects.get(index);
    if (known !== undefined) return isSame(known, object);
    this.#objects.set(index, object);
    return true;
  }

  /** @throws SnapshotError if an index is missing */
  list(): MappedObject[] {
    return Array.from({ length: this.#objects.size }, (_, index) => {
      const object = this.#objects.get(index);
      if (object === undefined) throw new SnapshotError(`object ${index}`, 'it is in no row');
      return object;
    });
  }

  #read(row: number): MappedObject {
    const columns = this.#columns;
    return {
      kind: this.#texts.at(columns.object_kind[row]!) as ObjectKind,
      name: this.#texts.at(columns.object_name[row]!),
      device: this.#texts.at(columns.device[row]!),
      inode: this.#texts.at(columns.inode[row]!),
      deleted: columns.deleted[row] === 1,
      pageBytes: columns.object_page_bytes[row]!,
    };
  }
}

function isSame(a: MappedObject, b: MappedObject): boolean {
  return (
    a.name === b.name &&
    a.kind === b.kind &&
    a.device === b.device &&
    a.inode === b.inode &&
    a.deleted === b.deleted &&
    a.pageBytes === b.pageBytes
  );
}
