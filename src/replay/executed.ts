/** Which program execve(2) and execveat(2) start: they may name it by a process, or a descriptor. */
import { directoryOf, pathOf } from './descriptors.ts';
import type { HostFacts } from './host.ts';
import { type StartedProgram, startedProgram } from './program.ts';
import { LineError } from './replay_error.ts';
import { descriptorOf, stringOf } from './strace/values.ts';
import type { Thread } from './thread.ts';

const PROC = /^\/proc\/(self|thread-self|\d{1,7})\/(?:exe|fd\/(\d{1,10}))$/;
const DEV_FD = /^\/dev\/fd\/(\d{1,10})$/;

/** What a call that starts a program knows of who made it. */
export interface Starting {
  readonly facts: HostFacts;
  readonly thread: Thread;
  /** A thread by its number. */
  readonly find: (pid: number) => Thread | undefined;
}

/** @throws LineError */
export function executedProgram(
  starting: Starting,
  name: string,
  args: readonly string[],
): StartedProgram {
  const { facts, thread } = starting;
  if (name === 'execve') {
    return namedProgram(starting, pathOf(stringOf(args[0] ?? ''), thread.directory));
  }
  if (args.length < 2) throw new LineError('execveat has 5 arguments');
  const file = stringOf(args[1]!);
  const directory = directoryOf(thread, descriptorOf(args[0]!));
  // AT_EMPTY_PATH: no other call without a name succeeds.
  if (file === '') return startedProgram(facts, directory);
  return namedProgram(starting, pathOf(file, directory));
}

function namedProgram({ facts, thread, find }: Starting, path: string | undefined): StartedProgram {
  const [, process, descriptor = DEV_FD.exec(path ?? '')?.[1]] = PROC.exec(path ?? '') ?? [];
  const isNumber = process !== undefined && /^\d/.test(process);
  const whose = isNumber ? find(Number(process)) : thread;
  if (descriptor !== undefined) {
    return startedProgram(facts, whose?.files.pathOf(Number(descriptor)));
  }
  if (process !== undefined) return whose?.space?.program ?? startedProgram(facts, undefined);
  // What else is there tells of processes of today.
  return startedProgram(facts, path?.startsWith('/proc/') ? undefined : path);
}
