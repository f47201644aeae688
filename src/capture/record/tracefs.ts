/**
 * Page faults and system calls of a process and its children, in the order of time, from the kernel's
 * own tracing. An instance of its own leaves whatever else is traced alone.
 *
 * @source Documentation/trace/ftrace.rst, events.rst (Linux 6.18)
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';

const PLACES = ['/sys/kernel/tracing', '/sys/kernel/debug/tracing'];
/** Of all CPUs together: some million events, whose text fits a string. */
const BUFFER_KIB = 2 ** 17;
const BUFFER_KIB_MIN = 2 ** 10;
/** With the end of each thread, which shows what came before it. */
const FAULTS = [
  'exceptions/page_fault_user',
  'exceptions/page_fault_kernel',
  'sched/sched_process_exit',
];
const CALLS = ['raw_syscalls/sys_enter', 'raw_syscalls/sys_exit'];

export class TraceInstance {
  readonly #path: string;

  /** @param numbers of the system calls that are of interest */
  constructor(numbers: readonly number[]) {
    const place = PLACES.find((path) => existsSync(join(path, 'instances')));
    this.#path = instanceIn(place ?? mountTracefs(), process.pid);
    mkdirSync(this.#path);
    const kib = Math.max(BUFFER_KIB_MIN, Math.floor(BUFFER_KIB / cpus().length));
    this.#set('buffer_size_kb', String(kib));
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

  #set(name: string, value: string): void {
    writeFileSync(join(this.#path, name), value);
  }
}

/** Takes away what the process `pid` has left, however it ended. */
export function removeInstance(pid: number): void {
  const own = ownMount(pid);
  for (const place of [...PLACES, own]) {
    const instance = instanceIn(place, pid);
    if (existsSync(instance)) rmdirSync(instance);
  }
  if (!existsSync(own)) return;
  if (existsSync(join(own, 'instances'))) execFileSync('umount', [own]);
  rmdirSync(own);
}

function instanceIn(place: string, pid: number): string {
  return join(place, 'instances', `ptshare-${pid}`);
}

/** Where tracefs is mounted where it is not. */
function ownMount(pid: number): string {
  return join(tmpdir(), `ptshare-tracefs-${pid}`);
}

function mountTracefs(): string {
  const place = ownMount(process.pid);
  mkdirSync(place, { mode: 0o700 });
  execFileSync('mount', ['-t', 'tracefs', 'tracefs', place], { stdio: 'pipe' });
  return place;
}
