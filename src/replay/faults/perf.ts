/**
 * What perf(1) recorded of processes, as `perf script --show-mmap-events --show-task-events` prints it.
 *
 * What was unmapped it does not tell, but the call can be recorded.
 *
 * @source perf_event_open(2): PERF_RECORD_MMAP2, COMM, FORK, EXIT; perf-script(1)
 */
import type { MapsLine } from '../../proc/maps.ts';
import { PAGE_BYTES } from '../../uapi/mman.ts';
import { LineError } from '../replay_error.ts';

/** A mapping, as /proc/PID/maps would show it. */
export type Mapping = Pick<
  MapsLine,
  'start' | 'end' | 'protection' | 'shared' | 'offset' | 'name' | 'inode'
>;

export type PerfRecord =
  | { readonly kind: 'started'; readonly pid: number }
  | { readonly kind: 'mapped'; readonly pid: number; readonly mapping: Mapping }
  /** In bytes, as munmap(2) was called. */
  | {
      readonly kind: 'unmapped';
      readonly pid: number;
      readonly address: number;
      readonly length: number;
    }
  | {
      readonly kind: 'forked';
      readonly pid: number;
      readonly parent: number;
      readonly isThread: boolean;
    }
  | { readonly kind: 'ended'; readonly pid: number }
  /** A record that does not matter here. */
  | { readonly kind: 'other'; readonly pid: number };

const WHO =
  '^ *.{1,64}? +(?:-?\\d{1,7}/)?(-?\\d{1,7}) +(?:\\[\\d{1,5}\\] +)?\\d{1,12}\\.\\d{1,9}: +';
const RECORD = new RegExp(`${WHO}PERF_RECORD_([A-Z0-9_]+)(.*)$`, 's');
const MUNMAP = new RegExp(
  `${WHO}syscalls:sys_enter_munmap: addr: 0x([0-9a-f]{1,16}), len: 0x([0-9a-f]{1,16})$`,
);
const IDS = /^\((\d{1,7}):(\d{1,7})\):\((\d{1,7}):(\d{1,7})\)$/;
const EXEC = /^ exec: .*:\d{1,7}\/(\d{1,7})$/s;
const MMAP2 =
  /^ \d{1,7}\/(\d{1,7}): \[0x([0-9a-f]{1,16})\(0x([0-9a-f]{1,16})\) @ (?:0x)?([0-9a-f]{1,16}) ([^\]]*)\]: ([-r])([-w])([-x])([ps]) (.*)$/s;
const INODE = / (\d{1,20}) \d{1,20}$/;
const ANONYMOUS = '//anon';
const TASK_BYTES = 2 ** 47;

/** @returns undefined for other lines. @throws LineError */
export function readPerfRecord(line: string): PerfRecord | undefined {
  const [, pid, name, text] = RECORD.exec(line) ?? [];
  if (text === undefined) return unmappedRecord(line);
  switch (name) {
    case 'COMM': {
      const tid = EXEC.exec(text)?.[1];
      return tid === undefined
        ? { kind: 'other', pid: Number(pid) }
        : { kind: 'started', pid: Number(tid) };
    }
    case 'FORK':
    case 'EXIT':
      return taskRecord(name, text);
    case 'MMAP2':
      return mappedRecord(text);
    default:
      return { kind: 'other', pid: Number(pid) };
  }
}

function unmappedRecord(line: string): PerfRecord | undefined {
  const [, pid, address, length] = MUNMAP.exec(line) ?? [];
  if (length === undefined) return undefined;
  return {
    kind: 'unmapped',
    pid: Number(pid),
    address: Number.parseInt(address!, 16),
    length: Number.parseInt(length, 16),
  };
}

function taskRecord(name: 'FORK' | 'EXIT', text: string): PerfRecord {
  const [, process, thread, parentProcess, parent] = IDS.exec(text) ?? [];
  if (parent === undefined) throw new LineError(`${name} of perf names a thread and its parent`);
  const pid = Number(thread);
  if (name === 'EXIT') return { kind: 'ended', pid };
  return { kind: 'forked', pid, parent: Number(parent), isThread: process === parentProcess };
}

function mappedRecord(text: string): PerfRecord {
  const [, pid, address, length, offset, file, r, w, x, share, name] = MMAP2.exec(text) ?? [];
  if (name === undefined) throw new LineError('a mapping of perf cannot be read');
  const start = Number.parseInt(address!, 16);
  const end = start + Number.parseInt(length!, 16);
  const isWhole = start % PAGE_BYTES === 0 && end % PAGE_BYTES === 0;
  if (!isWhole || start >= end || end > TASK_BYTES) {
    throw new LineError('a mapping of perf is not one of user space');
  }
  const protection = (r === 'r' ? 1 : 0) | (w === 'w' ? 2 : 0) | (x === 'x' ? 4 : 0);
  return {
    kind: 'mapped',
    pid: Number(pid),
    mapping: {
      start: start / PAGE_BYTES,
      end: end / PAGE_BYTES,
      protection,
      shared: share === 's',
      offset: Math.floor(Number.parseInt(offset!, 16) / PAGE_BYTES),
      name: name === ANONYMOUS ? '' : name.replace(/ \(deleted\)$/, ''),
      inode: INODE.exec(file!)?.[1] ?? '0',
    },
  };
}
