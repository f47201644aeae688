/**
 * Holds what was derived from `/proc` against the real tables, level by level, where the report
 * says that it is exact. Processes live on between the two readings, so only those whose tables
 * kept their number are compared.
 */
import { openKernelReader } from '../../capture/exact/kernel_reader.ts';
import { type WalkedMm, type WalkedTable, walkTables } from '../../capture/exact/walk.ts';
import { counted, formatBytes } from '../../report/quantity.ts';
import type { HostReport, ProcessEntry } from '../../report/schema.ts';

export interface WalkCheck {
  readonly agrees: boolean;
  /** For the notes of the report. */
  readonly notes: readonly string[];
}

const NAMED_MAX = 5;

/** @throws ExactModeUnavailable if this host or this user's rights do not allow it */
export function walkKernel(): readonly WalkedMm[] {
  const reader = openKernelReader();
  try {
    return walkTables(reader).mms;
  } finally {
    reader.close();
  }
}

export function checkAgainstWalk(report: HostReport, walked: readonly WalkedMm[]): WalkCheck {
  const byPid = new Map(walked.flatMap((mm) => mm.pids.map((pid) => [pid, mm] as const)));
  const pairs = report.processes
    .filter(({ exact }) => exact)
    .map((process) => ({ process, mm: byPid.get(process.pid) }))
    .filter((pair): pair is Pair => holdsStill(pair));
  const different = pairs.filter(({ process, mm }) => !hasSameTables(process, mm));
  const named = different
    .slice(0, NAMED_MAX)
    .map(({ process }) => `${process.comm} (${process.pid})`)
    .join(', ');
  const tables = pairs.flatMap(({ mm }) => mm.tables);
  return {
    agrees: different.length === 0,
    notes: [
      `The kernel's own tables were walked: ${pairs.length - different.length} of ` +
        `${counted(pairs.length, 'address space')} that held still have the tables derived, level by level`,
      ...(different.length > 0 ? [`They differ in ${named}`] : []),
      ...emptyNote(tables, report.kernel.pageBytes),
    ],
  };
}

interface Pair {
  readonly process: ProcessEntry;
  readonly mm: WalkedMm;
}

function holdsStill({ process, mm }: { process: ProcessEntry; mm: WalkedMm | undefined }): boolean {
  return mm?.stable === true && mm.pgtablesBytes === process.vmPteBytes;
}

function hasSameTables(
  { tables: derived }: ProcessEntry,
  { tables, deposited }: WalkedMm,
): boolean {
  const walked = (level: number): number =>
    tables.reduce((count, table) => count + (table.level === level ? 1 : 0), 0);
  return (
    derived.pte === walked(0) &&
    derived.pmd === walked(1) &&
    derived.pud === walked(2) &&
    derived.deposited === deposited.length
  );
}

function emptyNote(tables: readonly WalkedTable[], pageBytes: number): string[] {
  const empty = tables.filter(({ used }) => used === 0).length;
  if (empty === 0) return [];
  return [`${counted(empty, 'table')} of these (${formatBytes(empty * pageBytes)}) map nothing`];
}
