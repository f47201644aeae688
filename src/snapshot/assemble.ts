/**
 * Rows of numbers back to records.
 *
 * Every row repeats its process, mapping and object. Repetitions must agree, so that no query over
 * the file can see another host than ptshare does.
 */
import { geometryById } from '../arch/geometry.ts';
import {
  COLUMNS,
  type ColumnName,
  columnsOf,
  KIND_NAMES,
  type Level,
  PROTECTION_NAMES,
} from './columns.ts';
import type { SnapshotHeader } from './header.ts';
import type { SnapshotLimits } from './limits.ts';
import { ObjectRows } from './object_rows.ts';
import { NULL } from './parquet/column_reader.ts';
import type { TextTable } from './parquet/plain.ts';
import type { HostSnapshot, Mm, RunKind, Visibility, Vma } from './records.ts';
import { RunColumns } from './run_columns.ts';
import { Mend, SnapshotError } from './snapshot_error.ts';

type Columns = Readonly<Record<ColumnName, Float64Array>>;

const KINDS = new Map(
  Object.entries(KIND_NAMES).map(([kind, name]) => [name, Number(kind) as RunKind]),
);

/** Takes the rows of a file in their order, group by group. */
export class Assembler {
  /**
   * Where the caller puts the rows of a group: from index 1 on. At index 0 is the last row of the
   * group before, so that each row can be compared with its predecessor.
   */
  readonly columns: Columns;
  readonly #levels: Readonly<Record<Level, readonly Float64Array[]>>;
  readonly #header: SnapshotHeader;
  readonly #texts: TextTable;
  readonly #objects: ObjectRows;
  readonly #mms: Mm[] = [];
  readonly #runs = new RunColumns();
  #process: Omit<Mm, 'vmas' | 'runs'> | undefined;
  #vmas: Vma[] = [];
  #processesLeft: number;
  #rowsBefore = 0;

  /** @param groupRowsMax rows of the largest group to come */
  constructor(
    header: SnapshotHeader,
    texts: TextTable,
    groupRowsMax: number,
    limits: SnapshotLimits,
  ) {
    this.#header = header;
    this.#texts = texts;
    this.#processesLeft = limits.processes;
    this.columns = Object.fromEntries(
      COLUMNS.map(({ name }) => [name, new Float64Array(groupRowsMax + 1).fill(NULL)]),
    ) as Columns;
    const arrays = (level: Level) => columnsOf(level).map((name) => this.columns[name]);
    this.#levels = {
      host: arrays('host'),
      process: arrays('process'),
      vma: arrays('vma'),
      object: arrays('object'),
      run: arrays('run'),
    };
    this.#objects = new ObjectRows(this.columns, texts);
  }

  /** @throws SnapshotError for rows that contradict each other */
  addGroup(rows: number): void {
    for (let row = 1; row <= rows; row++) this.#addRow(row);
    this.#rowsBefore += rows;
    for (const column of Object.values(this.columns)) column[0] = column[rows]!;
  }

  finish(): HostSnapshot {
    this.#endProcess();
    const { takenAt, host, coverage } = this.#header;
    return { takenAt, host, coverage, objects: this.#objects.list(), mms: this.#mms };
  }

  #addRow(row: number): void {
    const { pid, vma_start: start, slot } = this.columns;
    if (!this.#isRepeated('host', row)) this.#checkHost(row);

    const isSameProcess = pid[row] !== NULL && pid[row] === pid[row - 1];
    const isSameVma = isSameProcess && start[row] === start[row - 1];
    if (!isSameProcess) this.#startProcess(row);
    else if (!this.#isRepeated('process', row)) this.#refuse(row, 'its process changes');
    if (!isSameVma) this.#startVma(row);
    else if (!this.#isRepeated('vma', row) || !this.#isRepeated('object', row)) {
      this.#refuse(row, 'its mapping changes');
    }
    // What has no mappings, or no runs, has one row.
    if (isSameProcess && (start[row] === NULL || start[row - 1] === NULL)) {
      this.#refuse(row, 'its process has no mappings, but several rows');
    }
    if (isSameVma && (slot[row] === NULL || slot[row - 1] === NULL)) {
      this.#refuse(row, 'its mapping has no runs, but several rows');
    }
    this.#addRun(row);
  }

  #checkHost(row: number): void {
    const { hostname, taken_at, page_bytes } = this.columns;
    const { takenAt, host } = this.#header;
    const isSame =
      this.#texts.at(hostname[row]!) === host.hostname &&
      taken_at[row] === Date.parse(takenAt) &&
      page_bytes[row] === geometryById(host.geometry)!.pageBytes;
    if (!isSame) this.#refuse(row, 'it is of another host than the header');
  }

  #startProcess(row: number): void {
    this.#endProcess();
    const { columns } = this;
    if (columns.pid[row] === NULL) {
      this.#requireNone('process', row);
      this.#requireNone('vma', row);
      if (columns.object[row] === NULL) this.#refuse(row, 'it is empty');
      return;
    }
    this.#requireAll('process', row);
    this.#process = {
      pid: columns.pid[row]!,
      sharers: this.#readSharers(row),
      parentPid: columns.parent_pid[row]!,
      uid: columns.uid[row]!,
      comm: this.#text('comm', row),
      commandLine: this.#text('command_line', row),
      cgroup: this.#text('cgroup', row),
      visibility: this.#text('visibility', row) as Visibility,
      vmPtePages: columns.vm_pte_pages[row]!,
      stable: columns.stable[row] === 1,
    };
  }

  #endProcess(): void {
    if (this.#process === undefined) return;
    this.#mms.push({ ...this.#process, vmas: this.#vmas, runs: this.#runs.take() });
    this.#process = undefined;
    this.#vmas = [];
  }

  /** Counts them before they are parsed, because many rows may repeat one long text. */
  #readSharers(row: number): number[] {
    const text = this.#text('sharers', row);
    const pids = text === '' ? [] : text.split(',', this.#processesLeft);
    if (!pids.every((pid) => /^[1-9]\d{0,9}$/.test(pid))) {
      this.#refuse(row, 'its sharers are not pids');
    }
    this.#processesLeft -= 1 + pids.length;
    if (this.#processesLeft < 0) {
      throw new SnapshotError('rows', 'there are more processes than allowed', Mend.TOO_LARGE);
    }
    return pids.map(Number);
  }

  #startVma(row: number): void {
    const { columns } = this;
    if (columns.vma_start[row] === NULL) {
      this.#requireNone('vma', row);
      this.#requireNone('run', row);
      if (columns.pid[row] !== NULL) this.#requireNone('object', row);
    } else {
      this.#requireAll('vma', row);
      this.#vmas.push({
        start: columns.vma_start[row]!,
        end: columns.vma_end[row]!,
        protection: PROTECTION_NAMES.indexOf(this.#text('protection', row)),
        shared: columns.shared[row] === 1,
        offset: columns.vma_offset[row]!,
        object: columns.object[row]!,
        label: this.#text('label', row),
      });
    }
    if (columns.object[row] === NULL) {
      this.#requireNone('object', row);
      return;
    }
    this.#requireAll('object', row);
    if (!this.#objects.add(row)) this.#refuse(row, 'its object changes');
  }

  #addRun(row: number): void {
    const { slot, slots, kind, pages, content } = this.columns;
    if (slot[row] === NULL) {
      this.#requireNone('run', row);
      return;
    }
    this.#requireAll('run', row);
    const known = KINDS.get(this.#texts.at(kind[row]!));
    if (known === undefined) this.#refuse(row, 'its kind is not known');
    const vma = this.#vmas.length - 1;
    this.#runs.add(vma, slot[row]!, slots[row]!, known, pages[row]!, content[row]!);
  }

  #text(name: ColumnName, row: number): string {
    return this.#texts.at(this.columns[name][row]!);
  }

  #isRepeated(level: Level, row: number): boolean {
    for (const column of this.#levels[level]) {
      if (column[row] !== column[row - 1]) return false;
    }
    return true;
  }

  #requireAll(level: Level, row: number): void {
    for (const column of this.#levels[level]) {
      if (column[row] === NULL) this.#refuse(row, `a column of its ${level} is null`);
    }
  }

  #requireNone(level: Level, row: number): void {
    for (const column of this.#levels[level]) {
      if (column[row] !== NULL) this.#refuse(row, `a column of its ${level} is not null`);
    }
  }

  #refuse(row: number, what: string): never {
    throw new SnapshotError(`row ${this.#rowsBefore + row - 1}`, what);
  }
}
