/** Files that nobody wrote on purpose, out of snapshots that somebody did. */
import fc from 'fast-check';
import { parquetReadObjects } from 'hyparquet';
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import { SNAPSHOT_FORMAT } from '../../src/snapshot/columns.ts';
import type { ColumnType, FileFormat } from '../../src/snapshot/parquet/format.ts';
import {
  type Container,
  changeBody,
  changePages,
  chunkCount,
  close,
  open,
  restamp,
  type Thrift,
} from './container.ts';

export interface Mutant {
  /** Which mutation made it, for the message of a failure. */
  readonly how: string;
  readonly file: Uint8Array;
}

type Row = Record<string, unknown>;

/** A file to start from. */
export interface Base {
  readonly format: FileFormat;
  readonly file: Uint8Array;
  readonly container: Container;
  readonly rows: readonly Row[];
}

export async function toBase(file: Uint8Array, format = SNAPSHOT_FORMAT): Promise<Base> {
  const buffer = file.slice().buffer as ArrayBuffer;
  return { format, file, container: open(file), rows: await parquetReadObjects({ file: buffer }) };
}

/** What counts and lengths must survive. */
const ABSURD = [0, 1, -1, 2, 127, 2 ** 16, 2 ** 16 + 1, 2 ** 24, 2 ** 31 - 1, -(2 ** 31)];
const ABSURD_BIG = [0n, 1n, -1n, 2n ** 31n, 2n ** 32n, 2n ** 53n, 2n ** 63n - 1n, -(2n ** 63n)];

export function anyMutant(bases: readonly Base[]): fc.Arbitrary<Mutant> {
  const withHeader = bases.filter(({ format }) => format.headerKey !== undefined);
  const mutations: Record<string, [weight: number, fc.Arbitrary<Uint8Array>]> = {
    bytes: [5, fc.constantFrom(...bases).chain(({ file }) => anyEdits(file))],
    splice: [1, anySplice(bases)],
    ...(withHeader.length > 0 && {
      header: [3, fc.constantFrom(...withHeader).chain(({ container }) => anyHeader(container))],
    }),
    footer: [4, fc.constantFrom(...bases).chain(({ container }) => anyFooter(container))],
    page: [4, withColumns(bases).chain(({ container }) => anyPageHeader(container))],
    body: [4, withColumns(bases).chain(({ container }) => anyPageBody(container))],
    rows: [4, withColumns(bases).chain(anyRows)],
  };
  return fc.oneof(
    ...Object.entries(mutations).map(([how, [weight, files]]) => ({
      weight,
      arbitrary: files.map((file): Mutant => ({ how, file })),
    })),
  );
}

function withColumns(bases: readonly Base[]): fc.Arbitrary<Base> {
  return fc.constantFrom(...bases.filter(({ rows }) => rows.length > 0));
}

interface Edit {
  readonly kind: 'overwrite' | 'delete' | 'insert' | 'repeat' | 'flip';
  readonly at: number;
  readonly text: Uint8Array;
  readonly length: number;
}

function anyEdit(at: fc.Arbitrary<number>, maxLength: number): fc.Arbitrary<Edit> {
  return fc.record<Edit>({
    kind: fc.constantFrom('overwrite', 'delete', 'insert', 'repeat', 'flip'),
    at,
    text: fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength }),
      fc.constantFrom(0, 0x7f, 0x80, 0xff).map((byte) => new Uint8Array(6).fill(byte)),
    ),
    length: fc.nat(3 * maxLength),
  });
}

function applyEdit(file: Uint8Array, { kind, at: wanted, text, length }: Edit): Uint8Array {
  const at = Math.max(0, Math.min(wanted, file.length));
  const replace = (deleted: number, inserted: Uint8Array) =>
    Buffer.concat([file.subarray(0, at), inserted, file.subarray(at + deleted)]);
  switch (kind) {
    case 'overwrite':
      return replace(text.length, text);
    case 'delete':
      return replace(length, new Uint8Array());
    case 'insert':
      return replace(0, text);
    case 'repeat':
      return replace(0, file.subarray(at, at + length));
    case 'flip':
      return replace(1, Uint8Array.of((file[at] ?? 0) ^ (1 << (length % 8))));
  }
}

/** Edits anywhere, or in the footer; the checksum is corrected in nine of ten files. */
function anyEdits(file: Uint8Array): fc.Arbitrary<Uint8Array> {
  const anywhere = fc.nat(file.length);
  const nearEnd = fc.nat(2000).map((back) => file.length - back);
  const edits = fc.array(anyEdit(fc.oneof(anywhere, nearEnd), 12), { minLength: 1, maxLength: 4 });
  return fc.tuple(edits, fc.integer({ min: 0, max: 9 })).map(([list, luck]) => {
    const edited = list.reduce(applyEdit, file);
    return luck === 0 ? edited : restamp(edited);
  });
}

/** The beginning of one file and the end of another, or of the same. */
function anySplice(bases: readonly Base[]): fc.Arbitrary<Uint8Array> {
  const base = fc.constantFrom(...bases);
  return fc
    .tuple(base, base, fc.double({ min: 0, max: 1 }), fc.double({ min: 0, max: 1 }))
    .map(([a, b, x, y]) => {
      const head = a.file.subarray(0, Math.floor(a.file.length * x));
      const tail = b.file.subarray(Math.floor(b.file.length * y));
      return restamp(Buffer.concat([head, tail]));
    });
}

/** The JSON text, changed as a tree or as text. */
function anyHeader(container: Container): fc.Arbitrary<Uint8Array> {
  const entries: Thrift[] = container.footer.field_5;
  const text = Buffer.from(entries[1]!.field_2).toString();
  const asText = fc
    .tuple(fc.nat(text.length), fc.nat(20), fc.constantFrom('', '[', '{"a":', '1e999', '\0', '"'))
    .map(([at, length, other]) => text.slice(0, at) + other + text.slice(at + length));
  const absurd = fc.oneof(
    fc.jsonValue(),
    fc.constantFrom<unknown>(-1, 0.5, 1e300, null, 'x'.repeat(5000), [[[[]]]], true, ''),
  );
  const asTree = fc.tuple(fc.nat(), absurd).map(([choice, value]) => {
    const tree: unknown = JSON.parse(text);
    replaceLeaf(tree, choice, value);
    return JSON.stringify(tree);
  });
  return fc.oneof(asText, asTree).map((json) => {
    const footer: Thrift = structuredClone(container.footer);
    footer.field_5[1].field_2 = Buffer.from(json);
    return close({ ...container, footer });
  });
}

/** Values of other sizes and of other types. */
const anyThrift: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom<unknown>(...ABSURD) },
  { weight: 4, arbitrary: fc.constantFrom<unknown>(...ABSURD_BIG) },
  fc.constantFrom<unknown>(undefined, true, false, 0.5, [], [1, 2], {}, [{}, {}], 'x', ''),
);

function anyFooter(container: Container): fc.Arbitrary<Uint8Array> {
  const change = fc.tuple(fc.nat(), anyThrift);
  return fc.array(change, { minLength: 1, maxLength: 3 }).map((changes) => {
    const footer: Thrift = structuredClone(container.footer);
    for (const [choice, value] of changes) replaceLeaf(footer, choice, value);
    return orUnchanged(container, () => close({ ...container, footer }));
  });
}

function anyPageHeader(container: Container): fc.Arbitrary<Uint8Array> {
  const chunk = fc.nat(chunkCount(container) - 1);
  return fc.tuple(chunk, fc.nat(), fc.nat(), anyThrift).map(([index, page, choice, value]) =>
    orUnchanged(container, () =>
      close(
        changePages(container, index, (pages) => {
          replaceLeaf(pages[page % pages.length]!.header, choice, value);
        }),
      ),
    ),
  );
}

/** What is inside the compressed pages: levels, runs, indexes, numbers, texts. */
function anyPageBody(container: Container): fc.Arbitrary<Uint8Array> {
  const chunk = fc.nat(chunkCount(container) - 1);
  const edit = anyEdit(fc.oneof(fc.nat(8), fc.nat(400)), 5);
  return fc.tuple(chunk, fc.nat(), edit, fc.boolean()).map(([index, page, change, isRaw]) =>
    close(
      changePages(container, index, (pages) => {
        const chosen = pages[page % pages.length]!;
        if (isRaw) {
          chosen.body = applyEdit(chosen.body, change);
          chosen.header.field_3 = chosen.body.length;
        } else changeBody(chosen, (body) => applyEdit(body, change));
      }),
    ),
  );
}

const ABSURD_CELLS: Readonly<Record<ColumnType, readonly unknown[]>> = {
  text: ['', 'pte', 'rwx', 'tables', '7,8', '0', '[anon:x]', 'é\0', '\ufeff', 'x'.repeat(3000)],
  int32: ABSURD,
  int64: ABSURD_BIG,
  time: [0n, 1n, 2n ** 53n],
  boolean: [true, false],
};

/** Rows with other cells, in another order, twice, or left out; written as we write them. */
function anyRows({ format, container, rows }: Base): fc.Arbitrary<Uint8Array> {
  const { columns } = format;
  const cell = fc.nat(columns.length - 1).chain((column) =>
    fc.record({
      column: fc.constant(columns[column]!),
      row: fc.nat(rows.length - 1),
      value: fc.constantFrom(null, ...ABSURD_CELLS[columns[column]!.type]),
    }),
  );
  const move = fc.tuple(fc.nat(rows.length - 1), fc.nat(2), fc.nat(rows.length - 1), fc.nat(2));
  const cells = fc.array(cell, { maxLength: 3 });
  return fc.tuple(cells, fc.array(move, { maxLength: 1 })).map(([changes, moves]) => {
    const changed = rows.map((row) => ({ ...row }));
    for (const { column, row, value } of changes) changed[row]![column.name] = value;
    for (const [from, deleted, to, inserted] of moves) {
      changed.splice(from, deleted, ...changed.slice(to, to + inserted));
    }
    return orUnchanged(container, () => writeRows(format, container, changed));
  });
}

function writeRows(
  { columns, schema }: FileFormat,
  container: Container,
  rows: readonly Row[],
): Uint8Array {
  const writer = new ByteWriter();
  const entries: Thrift[] = container.footer.field_5;
  const kvMetadata = entries.map(({ field_1: key, field_2: value }) => ({
    key: Buffer.from(key).toString(),
    value: Buffer.from(value).toString(),
  }));
  const parquet = new ParquetWriter({
    writer,
    schema: [...schema],
    statistics: false,
    kvMetadata,
  });
  parquet.write({
    columnData: columns.map(({ name, type }) => ({
      name,
      data: rows.map((row) => row[name]),
      ...(type === 'text' && { encoding: 'RLE_DICTIONARY' as const }),
      ...(type === 'boolean' && { encoding: 'RLE' as const }),
    })),
    rowGroupSize: 2 ** 16,
    pageSize: 0,
  });
  writer.appendUint32(0);
  parquet.finish();
  return restamp(writer.getBytes());
}

/** Replaces, or leaves out, the value that is `choice`-th in the tree, round and round. */
function replaceLeaf(tree: unknown, choice: number, value: unknown): void {
  const places: [holder: Record<string, unknown>, key: string][] = [];
  const visit = (holder: Record<string, unknown>): void => {
    for (const [key, child] of Object.entries(holder)) {
      places.push([holder, key]);
      if (isTree(child)) visit(child);
    }
  };
  if (isTree(tree)) visit(tree);
  const place = places[choice % places.length];
  if (place !== undefined) place[0][place[1]] = value;
}

function isTree(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !(value instanceof Uint8Array);
}

/** hyparquet-writer cannot write everything: a list of unlike things, a column without a type. */
function orUnchanged(container: Container, write: () => Uint8Array): Uint8Array {
  try {
    return write();
  } catch {
    return close(container);
  }
}
