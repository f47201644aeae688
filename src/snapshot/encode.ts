/** Records of a host to a snapshot file. */
import { geometryById } from '../arch/geometry.ts';
import {
  COLUMN_INDEX,
  COLUMNS,
  type ColumnName,
  type ColumnOf,
  columnsOf,
  KIND_NAMES,
  type Level,
  PROTECTION_NAMES,
  SNAPSHOT_FORMAT,
} from './columns.ts';
import { formatHeader } from './header.ts';
import { DEFAULT_LIMITS } from './limits.ts';
import { FileWriter, type Value } from './parquet/file_writer.ts';
import { GROUP_ROWS_MAX } from './parquet/format.ts';
import type { HostSnapshot, MappedObject, Mm, RunKind, Runs, Vma } from './records.ts';
import { Mend, SnapshotError } from './snapshot_error.ts';
import { validateSnapshot } from './validate.ts';

type Values<L extends Level> = Readonly<Record<ColumnOf<L>, Value>>;

/** UTF-16 units of a row group's texts, before the last one: keeps its dictionaries small. */
const GROUP_TEXT_LENGTH = 2 ** 23;

/**
 * Writes a Parquet file that `decodeSnapshot()` and every Parquet reader understand.
 *
 * @throws SnapshotError if a record is not as `records.ts` says, or the reader would refuse the file
 */
export function encodeSnapshot(snapshot: HostSnapshot): Uint8Array {
  validateSnapshot(snapshot);
  const { takenAt, host, objects, mms } = snapshot;
  const rows = new RowWriter(formatHeader(snapshot));
  rows.set({
    hostname: host.hostname,
    taken_at: BigInt(Date.parse(takenAt)),
    page_bytes: BigInt(geometryById(host.geometry)!.pageBytes),
  });
  const unmapped = new Set(objects.keys());
  for (const mm of mms) {
    rows.set(processValues(mm));
    writeMappings(rows, mm, objects);
    for (const vma of mm.vmas) unmapped.delete(vma.object);
  }
  rows.clear('process');
  for (const index of unmapped) {
    rows.set(objectValues(index, objects[index]!));
    rows.write();
  }
  return rows.finish();
}

/** Writes the rows of one process: one for each run, and for whatever has no runs. */
function writeMappings(rows: RowWriter, mm: Mm, objects: readonly MappedObject[]): void {
  const { vmas, runs } = mm;
  let run = 0;
  vmas.forEach((vma, index) => {
    rows.set(vmaValues(vma));
    if (vma.object >= 0) rows.set(objectValues(vma.object, objects[vma.object]!));
    if (runs.vma[run] !== index) rows.write();
    for (; runs.vma[run] === index; run++) {
      rows.set(runValues(runs, run));
      rows.write();
    }
    rows.clear('run');
    rows.clear('object');
  });
  if (vmas.length === 0) rows.write();
  rows.clear('vma');
}

function processValues(mm: Mm): Values<'process'> {
  return {
    pid: mm.pid,
    sharers: mm.sharers.join(','),
    parent_pid: mm.parentPid,
    uid: BigInt(mm.uid),
    comm: mm.comm,
    command_line: mm.commandLine,
    cgroup: mm.cgroup,
    visibility: mm.visibility,
    vm_pte_pages: BigInt(mm.vmPtePages),
    stable: mm.stable,
  };
}

function vmaValues(vma: Vma): Values<'vma'> {
  return {
    vma_start: BigInt(vma.start),
    vma_end: BigInt(vma.end),
    protection: PROTECTION_NAMES[vma.protection]!,
    shared: vma.shared,
    vma_offset: BigInt(vma.offset),
    label: vma.label,
  };
}

function objectValues(index: number, object: MappedObject): Values<'object'> {
  return {
    object: index,
    object_kind: object.kind,
    object_name: object.name,
    device: object.device,
    inode: object.inode,
    deleted: object.deleted,
    object_page_bytes: BigInt(object.pageBytes),
  };
}

function runValues(runs: Runs, run: number): Values<'run'> {
  return {
    slot: BigInt(runs.slot[run]!),
    slots: runs.count[run]!,
    kind: KIND_NAMES[runs.kind[run] as RunKind],
    pages: BigInt(runs.pages[run]!),
    content: runs.content[run]!,
  };
}

/** Collects rows, each a change of the one before it, and writes them by row groups. */
class RowWriter {
  readonly #file: FileWriter;
  readonly #row: Value[] = COLUMNS.map(() => null);
  readonly #columns: Value[][] = COLUMNS.map(() => []);
  /** Of the file, each once. */
  readonly #texts = new Set<string>();
  /** Of the row group, repetitions counted. */
  #textLength = 0;
  #rows = 0;

  constructor(header: string) {
    this.#file = new FileWriter(SNAPSHOT_FORMAT, header);
  }

  /** Sets the columns of one level for the rows to come. */
  set<L extends Level>(values: Values<L>): void {
    for (const [name, value] of Object.entries<Value>(values)) {
      if (typeof value === 'string') this.#addText(value, name);
      this.#row[COLUMN_INDEX[name as ColumnName]] = value;
    }
  }

  clear(level: Level): void {
    for (const name of columnsOf(level)) this.#row[COLUMN_INDEX[name]] = null;
  }

  write(): void {
    this.#columns.forEach((column, index) => {
      column.push(this.#row[index]!);
    });
    if (++this.#rows > DEFAULT_LIMITS.rows) {
      throw new SnapshotError('rows', 'there are more than a reader allows', Mend.TOO_LARGE);
    }
    const isFull = this.#columns[0]!.length === GROUP_ROWS_MAX;
    if (isFull || this.#textLength >= GROUP_TEXT_LENGTH) this.#writeGroup();
  }

  /** @returns the whole file */
  finish(): Uint8Array {
    this.#writeGroup();
    return this.#file.finish();
  }

  #writeGroup(): void {
    this.#file.writeGroup(this.#columns);
    for (const column of this.#columns) column.length = 0;
    this.#textLength = 0;
  }

  #addText(text: string, name: string): void {
    this.#textLength += text.length;
    if (this.#texts.has(text)) return;
    this.#texts.add(text);
    const place = `column "${name}"`;
    if (/\p{Surrogate}/u.test(text)) {
      throw new SnapshotError(place, 'a text is not well-formed Unicode');
    }
    if (this.#texts.size > DEFAULT_LIMITS.texts) {
      throw new SnapshotError(place, 'there are more texts than a reader allows', Mend.TOO_LARGE);
    }
  }
}
