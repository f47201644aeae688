/**
 * One moment of one host, in the few numbers that a fleet is judged by. A capture has millions of
 * tables; a sample has at most some hundred rows, whatever the host.
 */
import { designById, IDENTICAL, TODAY } from '../report/headline.ts';
import type { HostReport } from '../report/schema.ts';

export interface Sample {
  readonly hostname: string;
  /** ISO 8601, with milliseconds. */
  readonly takenAt: string;
  readonly host: HostRow;
  readonly groups: readonly GroupRow[];
  readonly objects: readonly ObjectRow[];
  readonly designs: readonly DesignRow[];
  readonly gains: readonly GainRow[];
}

/** Bytes are whole bytes in all rows: sums are the same in every order. */
export interface HostRow {
  readonly kernel: string;
  readonly machine: string;
  readonly geometry: string;
  readonly memoryBytes: number;
  /** PageTables of /proc/meminfo, and its parts. */
  readonly pageTablesBytes: number;
  readonly explainedBytes: number;
  readonly kernelBytes: number;
  readonly statusOnlyBytes: number;
  /** Of user processes, roots included: what designs are held against. */
  readonly tableBytes: number;
  readonly duplicateBytes: number;
  readonly processes: number;
  readonly exact: number;
  readonly statusOnly: number;
  readonly raced: number;
  readonly skipped: number;
  readonly wholeHost: boolean;
  /** CPU time that taking the sample took, where `ptshare watch` took it. */
  readonly cpuMs: number | null;
}

export interface GroupRow {
  readonly name: string;
  readonly processes: number;
  readonly tableBytes: number;
  readonly duplicateBytes: number;
}

/** Objects of one kind and name are one row. */
export interface ObjectRow extends GroupRow {
  readonly kind: string;
  readonly mappedBytes: number;
  readonly populatedBytes: number;
}

export interface DesignRow {
  readonly name: string;
  /** `bound` of the report. */
  readonly kind: string;
  readonly beforeBytes: number;
  readonly tableBytes: number;
  readonly reservedBytes: number;
}

/** What a design does for one group: it saves `beforeBytes - tableBytes`. */
export interface GainRow {
  readonly name: string;
  readonly design: string;
  readonly beforeBytes: number;
  readonly tableBytes: number;
}

/** What is beyond the rows of a sample, added up. */
export const OTHER = '[other]';
export const GROUPS_MAX = 64;
export const OBJECTS_MAX = 128;

/** A number that a file of a dataset holds. */
function whole(value: number): number {
  return Math.min(Math.max(Math.round(value), 0), Number.MAX_SAFE_INTEGER);
}

export function sampleOf(report: HostReport, cpuMs: number | null = null): Sample {
  return {
    hostname: report.hostname,
    takenAt: new Date(report.takenAt).toISOString(),
    host: hostRow(report, cpuMs),
    groups: groupRows(report),
    objects: objectRows(report),
    designs: designRows(report),
    gains: gainRows(report),
  };
}

function hostRow(report: HostReport, cpuMs: number | null): HostRow {
  const { kernel, memory, exactness, pageTables } = report;
  return {
    kernel: kernel.release,
    machine: kernel.machine,
    geometry: kernel.geometry,
    memoryBytes: memory.totalBytes,
    pageTablesBytes: whole(pageTables.reportedBytes),
    explainedBytes: whole(pageTables.explainedBytes),
    kernelBytes: whole(pageTables.kernelBytes),
    statusOnlyBytes: whole(pageTables.statusOnlyBytes),
    tableBytes: whole(designById(report, TODAY)?.beforeBytes ?? 0),
    duplicateBytes: whole(designById(report, IDENTICAL)?.savesBytes ?? 0),
    processes: exactness.processes,
    exact: exactness.exact,
    statusOnly: exactness.statusOnly,
    raced: exactness.raced,
    skipped: exactness.skipped,
    wholeHost: exactness.wholeHost,
    cpuMs,
  };
}

function groupRows({ groups }: HostReport): GroupRow[] {
  const rows = groups.map(
    ({ name, processes, vmPteBytes, duplicateBytes }): GroupRow => ({
      name,
      processes,
      tableBytes: whole(vmPteBytes),
      duplicateBytes: whole(duplicateBytes),
    }),
  );
  return largest(rows, GROUPS_MAX, (sum, row) => ({
    name: OTHER,
    processes: sum.processes + row.processes,
    tableBytes: sum.tableBytes + row.tableBytes,
    duplicateBytes: sum.duplicateBytes + row.duplicateBytes,
  }));
}

function objectRows({ objects }: HostReport): ObjectRow[] {
  const rows = new Map<string, ObjectRow>();
  for (const { mappers, ...object } of objects) {
    const row: ObjectRow = {
      name: object.name,
      kind: object.kind,
      processes: mappers,
      tableBytes: whole(object.tableBytes),
      duplicateBytes: whole(object.duplicateBytes),
      mappedBytes: whole(object.mappedBytes),
      populatedBytes: whole(object.populatedBytes),
    };
    const key = `${row.kind}\0${row.name}`;
    const known = rows.get(key);
    rows.set(key, known === undefined ? row : addObjects(row, known));
  }
  return largest([...rows.values()], OBJECTS_MAX, (sum, row) =>
    addObjects({ ...sum, name: OTHER, kind: OTHER }, row),
  );
}

function addObjects(named: ObjectRow, row: ObjectRow): ObjectRow {
  return {
    name: named.name,
    kind: named.kind,
    processes: named.processes + row.processes,
    tableBytes: named.tableBytes + row.tableBytes,
    duplicateBytes: named.duplicateBytes + row.duplicateBytes,
    mappedBytes: named.mappedBytes + row.mappedBytes,
    populatedBytes: named.populatedBytes + row.populatedBytes,
  };
}

/** The `max` rows with the most tables; the others become one, by `add`. */
function largest<T extends { readonly tableBytes: number; readonly name: string }>(
  rows: readonly T[],
  max: number,
  add: (sum: T, row: T) => T,
): T[] {
  const sorted = rows.toSorted((a, b) => b.tableBytes - a.tableBytes);
  const [first, ...rest] = sorted.slice(max);
  if (first === undefined) return sorted;
  return [...sorted.slice(0, max), rest.reduce(add, { ...first, name: OTHER })];
}

function designRows({ designs }: HostReport): DesignRow[] {
  return designs.map(({ id, bound, beforeBytes, bytes, reservedBytes }) => ({
    name: id,
    kind: bound,
    beforeBytes: whole(beforeBytes),
    tableBytes: whole(bytes),
    reservedBytes: whole(reservedBytes),
  }));
}

function gainRows({ designs, groups }: HostReport): GainRow[] {
  const groupBytes = new Map(groups.map(({ name, vmPteBytes }) => [name, vmPteBytes]));
  return designs.flatMap(({ id, gains }) => {
    const rows = gains.map(({ group, savesBytes }): GainRow => {
      const saves = Math.round(savesBytes);
      // Roots are no part of VmPTE, but a design may save them.
      const before = Math.max(whole(groupBytes.get(group) ?? 0), saves);
      return { name: group, design: id, beforeBytes: before, tableBytes: before - saves };
    });
    return largest(rows, GROUPS_MAX, (sum, row) => ({
      name: OTHER,
      design: id,
      beforeBytes: sum.beforeBytes + row.beforeBytes,
      tableBytes: sum.tableBytes + row.tableBytes,
    }));
  });
}
