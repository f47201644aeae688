/**
 * Lines of recordings with page faults: those of the kernel's tracing (ftrace, or `perf script`), and
 * states of processes, which `ptshare replay --faults` writes.
 *
 * @source Documentation/trace/ftrace.rst, arch/x86/include/asm/trace/exceptions.h (Linux 6.18)
 */
import { type MapsLine, parseMaps } from '../../proc/maps.ts';
import { PAGE_BYTES } from '../../uapi/mman.ts';
import { LineError } from '../replay_error.ts';
import type { Counters } from '../report.ts';
import { type PerfRecord, readPerfRecord } from './perf.ts';

export interface ExecState {
  readonly program: string;
  readonly brkStart: number;
  readonly maps: readonly MapsLine[];
  /** Pages that are there before the first fault. */
  readonly present: readonly number[];
}

export interface ExitState {
  readonly counters: Counters;
  readonly maps: readonly MapsLine[];
}

export interface FileState {
  readonly path: string;
  readonly bytes: number;
  /** Of hugetlbfs: the size of its pages. */
  readonly pageBytes: number | undefined;
  /** Those of more than a page. */
  readonly folios: readonly FolioRun[];
}

/** Folios of `2 ** order` pages of a file, one behind the other. */
export interface FolioRun {
  /** Page of the file. */
  readonly first: number;
  readonly order: number;
  readonly count: number;
}

export type FaultLine =
  | {
      readonly kind: 'fault';
      readonly pid: number;
      readonly address: number;
      readonly isWrite: boolean;
      readonly isFetch: boolean;
    }
  | ({ readonly kind: 'file'; readonly pid: number } & FileState)
  | { readonly kind: 'exec'; readonly pid: number; readonly state: ExecState }
  | { readonly kind: 'exit'; readonly pid: number; readonly state: ExitState }
  | PerfRecord;

const PID = '(\\d{1,7})';
const WHERE = ' +\\[\\d{1,5}\\](?: [^ ]{1,8})? +\\d{1,12}\\.\\d{1,9}: +(?:exceptions:)?';
const WHAT =
  'page_fault_(?:user|kernel): +address=(?:0x)?([0-9a-f]{1,16})\\b.* error_code=0x([0-9a-f]{1,4})';
const FAULT = new RegExp(`^ *.{1,64}?[- ](?:\\d{1,7}/)?${PID}${WHERE}${WHAT}$`);
const STATE = /^(\d{1,7}) !!! (exec|exit|file) (\{.*\})$/;
const OF_PERF = /: PERF_RECORD_| syscalls:sys_enter_munmap: /;
const ERROR = { WRITE: 2, FETCH: 16 } as const;
const TASK_BYTES = 2 ** 47 - PAGE_BYTES;
const VSYSCALL_START = 2 ** 47;
const PAGES_MAX = 2 ** 31;
/** Of folios that small pages map. */
const ORDER_MAX = 9;

/** @returns undefined for other lines. @throws LineError */
export function readFaultLine(line: string): FaultLine | undefined {
  if (OF_PERF.test(line)) return readPerfRecord(line);
  if (line.includes(': page_fault_') || line.includes(':page_fault_')) return fault(line);
  const [, pid, kind, text] = STATE.exec(line) ?? [];
  if (text === undefined) return undefined;
  const value = objectOf(text);
  switch (kind) {
    case 'file':
      return {
        kind: 'file',
        pid: Number(pid),
        path: textOf(value.path),
        bytes: wholeOf(value.bytes, 2 ** 43),
        pageBytes: value.pageBytes === undefined ? undefined : wholeOf(value.pageBytes, 2 ** 40),
        folios: value.folios === undefined ? [] : foliosOf(value.folios),
      };
    case 'exec':
      return { kind: 'exec', pid: Number(pid), state: execState(value) };
    default:
      return { kind: 'exit', pid: Number(pid), state: exitState(value) };
  }
}

function fault(line: string): FaultLine | undefined {
  const [, pid, address, code] = FAULT.exec(line) ?? [];
  if (code === undefined) return undefined;
  const error = Number.parseInt(code, 16);
  return {
    kind: 'fault',
    pid: Number(pid),
    address: Number.parseInt(address!, 16),
    isWrite: (error & ERROR.WRITE) !== 0,
    isFetch: (error & ERROR.FETCH) !== 0,
  };
}

type Fields = Readonly<Record<string, unknown>>;

function objectOf(text: string): Fields {
  try {
    return JSON.parse(text) as Fields;
  } catch {
    throw new LineError('the state of a process is not JSON');
  }
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  throw new LineError('a state of a process lacks a text');
}

function wholeOf(value: unknown, max: number): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= max) {
    return value;
  }
  throw new LineError('a state of a process lacks a number');
}

/** In their order, each where a folio of its size may be. */
function foliosOf(value: unknown): FolioRun[] {
  let end = 0;
  return listOf(value).map((run) => {
    const [first, order, count] = listOf(run).map((each) => wholeOf(each, PAGES_MAX));
    const isRun = first !== undefined && order !== undefined && count !== undefined;
    if (!isRun || first < end || order < 1 || order > ORDER_MAX || first % 2 ** order !== 0) {
      throw new LineError('a file has folios that cannot be');
    }
    end = first + count * 2 ** order;
    return { first, order, count };
  });
}

function listOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new LineError('a state of a process lacks a list');
}

function mapsOf(value: unknown): MapsLine[] {
  try {
    const lines = parseMaps(textOf(value), PAGE_BYTES);
    // What the kernel shows of itself belongs to nobody.
    return lines.filter(({ start }) => start < VSYSCALL_START / PAGE_BYTES);
  } catch (error) {
    if (error instanceof LineError) throw error;
    throw new LineError('a list of mappings cannot be read');
  }
}

function execState(value: Fields): ExecState {
  return {
    program: textOf(value.program),
    brkStart: wholeOf(value.brkStart, TASK_BYTES),
    maps: mapsOf(value.maps),
    present: listOf(value.present).map((page) => wholeOf(page, TASK_BYTES / PAGE_BYTES - 1)),
  };
}

function exitState(value: Fields): ExitState {
  const maps = mapsOf(value.maps);
  const count = (name: string): number => wholeOf(value[name], 2 ** 40);
  return {
    maps,
    counters: {
      RssAnon: count('RssAnon'),
      RssFile: count('RssFile'),
      RssShmem: count('RssShmem'),
      VmPTE: count('VmPTE'),
      VmSize: count('VmSize'),
      vmas: maps.length,
    },
  };
}
