/** What two observers saw, in one order: calls with their arguments, and page faults between them. */
import { type Begun, CLONES, EXECVE } from './calls.ts';

export interface SeenCall extends Begun {
  readonly result: string;
  /** What is to be known before it, and of an execve() behind it. */
  readonly before: readonly string[];
  readonly state: string | undefined;
}

/** What the tracer saw, by thread. */
export interface Seen {
  readonly calls: ReadonlyMap<number, SeenCall[]>;
  /** How each process ended. */
  readonly exits: ReadonlyMap<number, string>;
  /** The process of each thread. */
  readonly processes: ReadonlyMap<number, number>;
}

const EVENT = /^ *.{1,64}-(\d+) +\[\d+\] \S+ +[\d.]+: (\w+): (.*)$/;
const CALL = /^NR (\d+)/;
const SUCCESS = / = 0$/;

/** @param events lines of the kernel's tracing. @throws Error if the two do not fit */
export function merge(events: readonly string[], { calls, exits, processes }: Seen): string[] {
  const merged: string[] = [];
  let hasStarted = false;
  const next = new Map<number, number>();
  const lastOf = new Map<number, number>();
  /** Faults of threads in execve(): what of them is left is in the state behind it. */
  const withheld = new Map<number, string[]>();
  for (const [index, event] of events.entries()) lastOf.set(pidOf(event), index);
  /** Threads of each process that have not ended. */
  const left = new Map<number, number>();
  for (const process of processes.values()) left.set(process, (left.get(process) ?? 0) + 1);
  for (const [index, event] of events.entries()) {
    const [, pidText, name, rest] = EVENT.exec(event) ?? [];
    const pid = Number(pidText);
    if (name?.startsWith('page_fault_') === true) (withheld.get(pid) ?? merged).push(event);
    if (name === 'sys_enter') begin(pid, Number(CALL.exec(rest!)?.[1]));
    if (name === 'sys_exit') end(pid, Number(CALL.exec(rest!)?.[1]), rest!);
    if (lastOf.get(pid) === index) finish(pid);
  }
  for (const pid of processes.keys()) if (!lastOf.has(pid)) finish(pid);
  return hasStarted ? merged : [];

  function begin(pid: number, number: number): void {
    if (number === EXECVE) withheld.set(pid, []);
    const call = calls.get(pid)?.[next.get(pid) ?? 0];
    if (CLONES.includes(number) && call?.number === number) {
      merged.push(`${pid} ${call.text} <unfinished ...>`);
    }
  }

  function end(pid: number, number: number, rest: string): void {
    const isClone = CLONES.includes(number);
    // The child returns from it, too.
    if (isClone && SUCCESS.test(rest)) return;
    const at = next.get(pid) ?? 0;
    const call = calls.get(pid)?.[at];
    if (call?.number !== number) {
      throw new Error('Cannot record: the kernel and ptrace disagree about the order of calls');
    }
    next.set(pid, at + 1);
    const faults = withheld.get(pid) ?? [];
    withheld.delete(pid);
    // What was before the command is the recorder's own.
    if (call.state !== undefined && !hasStarted) merged.length = 0;
    hasStarted ||= call.state !== undefined;
    if (call.state === undefined) merged.push(...faults);
    merged.push(...call.before);
    const name = call.text.slice(0, call.text.indexOf('('));
    merged.push(`${pid} ${isClone ? `<... ${name} resumed>` : call.text}) = ${call.result}`);
    if (call.state !== undefined) merged.push(`${pid} !!! exec ${call.state}`);
  }

  function finish(pid: number): void {
    const process = processes.get(pid) ?? pid;
    const others = (left.get(process) ?? 1) - 1;
    left.set(process, others);
    const state = exits.get(process);
    if (others === 0 && state !== undefined) merged.push(`${pid} !!! exit ${state}`);
    merged.push(`${pid} +++ exited with 0 +++`);
  }
}

function pidOf(event: string): number {
  return Number(EVENT.exec(event)?.[1]);
}
