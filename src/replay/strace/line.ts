/**
 * Lines of strace(1), split into what they are about. Arguments stay text: most calls are of no
 * interest.
 *
 * @source strace(1) of strace 6.1: -f, -t, -tt, -ttt, -r, -T, -y, -Y, -o
 */
import { LineError } from '../replay_error.ts';

export type StraceLine =
  /** `text` starts behind the bracket. */
  | { readonly kind: 'call'; readonly pid: number; readonly name: string; readonly text: string }
  | {
      readonly kind: 'unfinished';
      readonly pid: number;
      readonly name: string;
      readonly text: string;
    }
  | { readonly kind: 'resumed'; readonly pid: number; readonly name: string; readonly text: string }
  | { readonly kind: 'ended'; readonly pid: number }
  /** By an execve() of the thread `by`, which goes on under this number. */
  | { readonly kind: 'superseded'; readonly pid: number; readonly by: number }
  | { readonly kind: 'nothing'; readonly pid: number };

/** strace leaves the number out while there is one process only. */
export const UNNAMED = 0;
/** pid_max is 2^22 at most. @source linux/threads.h PID_MAX_LIMIT */
const PID_MAX = 2 ** 22;

const PREFIX =
  /^ *(?:\[pid +(\d{1,9})(?:<[^>]*>)?\] +|(\d{1,9})(?:<[^>]*>)? +)?(?:(?:\d\d:\d\d:\d\d(?:\.\d+)?|\+? *\d{1,20}\.\d{1,9})(?: \(\+ +\d+\.\d+\))? +)?/;
const NAME = /([a-z_][a-z0-9_]{0,63})\(/y;
const RESUMED = /<\.\.\. ([a-z_][a-z0-9_]{0,63}) resumed> ?/y;
const UNFINISHED = '<unfinished ...>';
const SUPERSEDED = /\+\+\+ superseded by execve in pid (\d{1,9}) \+\+\+$/y;

/** @throws LineError */
export function readLine(line: string): StraceLine {
  if (line === '') return { kind: 'nothing', pid: UNNAMED };
  const [prefix, bracketed, plain] = PREFIX.exec(line)!;
  const pid = Number(bracketed ?? plain ?? UNNAMED);
  if (pid > PID_MAX) throw new LineError('a number of a process is too large');
  const at = prefix.length;
  switch (line[at]) {
    case '<':
      return resumed(line, at, pid);
    case '+':
      return ended(line, at, pid);
    case '-':
      if (line.startsWith('--- ', at)) return { kind: 'nothing', pid };
      throw new LineError('a call of strace is expected');
    default:
      return call(line, at, pid);
  }
}

function call(line: string, at: number, pid: number): StraceLine {
  NAME.lastIndex = at;
  const name = NAME.exec(line)?.[1];
  if (name === undefined) {
    if (/^strace: /.test(line)) return { kind: 'nothing', pid };
    throw new LineError('a call of strace is expected');
  }
  const start = NAME.lastIndex;
  // Of a call that never returned, strace writes the result in the same line.
  const end = line.endsWith(UNFINISHED) ? line.length - UNFINISHED.length : -1;
  if (end >= 0) return { kind: 'unfinished', pid, name, text: line.slice(start, end) };
  return { kind: 'call', pid, name, text: line.slice(start) };
}

function resumed(line: string, at: number, pid: number): StraceLine {
  RESUMED.lastIndex = at;
  const name = RESUMED.exec(line)?.[1];
  if (name === undefined) throw new LineError('a resumed call is expected');
  return { kind: 'resumed', pid, name, text: line.slice(RESUMED.lastIndex) };
}

function ended(line: string, at: number, pid: number): StraceLine {
  if (line.startsWith('+++ exited with ', at)) return { kind: 'ended', pid };
  if (line.startsWith('+++ killed by ', at)) return { kind: 'ended', pid };
  SUPERSEDED.lastIndex = at;
  const by = SUPERSEDED.exec(line)?.[1];
  if (by !== undefined) return { kind: 'superseded', pid, by: Number(by) };
  throw new LineError('the end of a process is expected');
}
