/**
 * Page faults and system calls of a process and its children, in the order of time, from the kernel's
 * own tracing. An instance of its own leaves whatever else is traced alone.
 *
 * @source Documentation/trace/ftrace.rst, events.rst (Linux 6.18)
 */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PLACES = ['/sys/kernel/tracing', '/sys/kernel/debug/tracing'];
const BUFFER_KIB = 2 ** 16;
/** With the end of each thread, which shows what came before it. */
const FAULTS = [
  'exceptions/page_fault_user',
  'exceptions/page_fault_kernel',
  'sched/sched_process_exit',
];
const CALLS = ['raw_syscalls/sys_enter', 'raw_syscalls/sys_exit'];

export class TraceInstance {
  readonly #path: string;
  /** Where tracefs was mounted for this. */
  readonly #mounted: string | undefined;

  /** @param numbers of the system calls that are of interest */
  constructor(numbers: readonly number[]) {
    const place = PLACES.find((path) => existsSync(join(path, 'instances')));
    this.#mounted = place === undefined ? mountTracefs() : undefined;
    this.#path = join(place ?? this.#mounted!, 'instances', `ptshare-${process.pid}`);
    mkdirSync(this.#path);
    this.#set('buffer_size_kb', String(BUFFER_KIB));
    this.#set('options/event-fork', '1');
    const filter = numbers.map((number) => `id == ${number}`).join(' || ');
    for (const event of CALLS) this.#set(`events/${event}/filter`, filter);
  }

  start(pid: number): void {
    this.#set('set_event_pid', String(pid));
    for (const event of [...FAULTS, ...CALLS]) this.#set(`events/${event}/enable`, '1');
  }

  /** What happened, a line each. @throws Error if events were lost */
  stop(): string[] {
    this.#set('tracing_on', '0');
    const text = readFileSync(join(this.#path, 'trace'), 'latin1');
    const written = /^# entries-in-buffer\/entries-written: (\d+)\/(\d+)/m.exec(text);
    if (written?.[1] !== written?.[2]) {
      throw new Error('Cannot record: there were more page faults than the buffer holds');
    }
    return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  }

  remove(): void {
    rmdirSync(this.#path);
    if (this.#mounted === undefined) return;
    execFileSync('umount', [this.#mounted]);
    rmdirSync(this.#mounted);
  }

  #set(name: string, value: string): void {
    writeFileSync(join(this.#path, name), value);
  }
}

function mountTracefs(): string {
  const place = mkdtempSync(join(tmpdir(), 'ptshare-tracefs-'));
  try {
    execFileSync('mount', ['-t', 'tracefs', 'tracefs', place], { stdio: 'pipe' });
  } catch (error) {
    rmdirSync(place);
    throw error;
  }
  return place;
}
