/** What a script did, for programs: docs/run.md describes it field by field. */
import { PAGE_BYTES } from '../../uapi/mman.ts';
import { resultText } from '../calls/spec.ts';
import { describeErrno } from '../errno.ts';
import type { Outcome, Step } from '../outcome.ts';
import { EntryKind, KIND_MASK, SHARED, type TableView } from './tables.ts';
import type { AddressSpaceView, MachineView } from './view.ts';

const VERSION = 1;

export interface RunReport {
  readonly version: typeof VERSION;
  readonly format: string;
  readonly steps: readonly JsonStep[];
  readonly addressSpaces: readonly JsonAddressSpace[];
  /** `null` if no property is violated. */
  readonly violation: string | null;
}

interface JsonStep {
  readonly line: number | null;
  readonly pid: number;
  readonly cpu: number;
  readonly name: string;
  readonly call: string;
  /** `= 0`, `= -1 EINVAL (Invalid argument)`, `--- SIGSEGV ...`; `null` of show() and echo(). */
  readonly result: string | null;
  readonly value?: string;
  readonly errno?: string;
  /** Where a touch waits for userfaultfd. */
  readonly waiting?: string;
  readonly signal?: { readonly name: string; readonly code: string; readonly address: string };
  readonly addressSpaces?: readonly JsonAddressSpace[];
  readonly lines?: readonly string[];
  /** What the process has more than before, or less. */
  readonly pages: number;
  readonly tables: number;
}

interface JsonAddressSpace extends Omit<AddressSpaceView, 'root' | 'vmas' | 'tables'> {
  readonly vmas: readonly object[];
  readonly vmPteKiB: number;
  readonly root: JsonTable;
}

interface JsonTable {
  readonly number: number;
  readonly level: number;
  readonly start: string;
  readonly entryBytes: number;
  readonly pids: readonly number[];
  readonly deposits: readonly number[];
  /** Entries that are not empty, alike ones in a row. */
  readonly entries: readonly JsonRun[];
  readonly tables: readonly JsonTable[];
}

interface JsonRun {
  readonly first: number;
  readonly last: number;
  readonly kind: string;
  readonly shared?: true;
}

export function toJson(steps: readonly Step[], view: MachineView): RunReport {
  return {
    version: VERSION,
    format: view.format,
    steps: steps.map(jsonStep),
    addressSpaces: view.addressSpaces.map(jsonAddressSpace),
    violation: view.violation ?? null,
  };
}

function jsonStep(step: Step): JsonStep {
  const { line, pid, cpu, name, call, outcome, pages, tables } = step;
  return {
    line: line ?? null,
    pid,
    cpu,
    name,
    call,
    result: resultText(outcome) ?? null,
    ...details(outcome),
    pages,
    tables,
  };
}

function details(outcome: Outcome): Partial<JsonStep> {
  switch (outcome.kind) {
    case 'returned':
      return { value: String(outcome.value) };
    case 'failed':
      return { errno: describeErrno(outcome.errno).name };
    case 'signalled': {
      const { name, code, address } = outcome.signal;
      return { signal: { name, code, address: `0x${address.toString(16)}` } };
    }
    case 'waiting':
      return { waiting: `0x${outcome.address.toString(16)}` };
    case 'shown':
      return { addressSpaces: outcome.view.addressSpaces.map(jsonAddressSpace) };
    case 'text':
      return { lines: outcome.lines };
  }
}

const hex = (bytes: number): string => `0x${bytes.toString(16)}`;

function jsonAddressSpace(space: AddressSpaceView): JsonAddressSpace {
  const { root, vmas, tables, ...rest } = space;
  return {
    ...rest,
    vmPteKiB: (tables * PAGE_BYTES) / 1024,
    vmas: vmas.map(({ start, end, ...vma }) => ({ start: hex(start), end: hex(end), ...vma })),
    root: jsonTable(root),
  };
}

function jsonTable(view: TableView): JsonTable {
  const { number, level, start, span, pids, deposits, entries, children } = view;
  return {
    number,
    level,
    start: hex(start * PAGE_BYTES),
    entryBytes: span * PAGE_BYTES,
    pids,
    deposits,
    entries: runsOf(entries),
    tables: children.map(jsonTable),
  };
}

const KIND_NAMES = Object.fromEntries(
  Object.entries(EntryKind).map(([name, kind]) => [kind, name.toLowerCase()]),
);

function runsOf(entries: Uint8Array): JsonRun[] {
  const runs: JsonRun[] = [];
  for (let first = 0; first < entries.length; ) {
    let next = first + 1;
    while (next < entries.length && entries[next] === entries[first]) next++;
    const entry = entries[first]!;
    const run = { first, last: next - 1, kind: KIND_NAMES[entry & KIND_MASK]! };
    if (entry !== EntryKind.EMPTY) {
      runs.push((entry & SHARED) === 0 ? run : { ...run, shared: true });
    }
    first = next;
  }
  return runs;
}
