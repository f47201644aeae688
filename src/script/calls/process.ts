/** Processes and CPUs: made, ended, and who performs what follows. */
import { CLONE, someOf } from '../constants.ts';
import type { Outcome } from '../outcome.ts';
import { ScriptError } from '../script_error.ts';
import type { Session } from '../session.ts';
import { type CallSpec, flags, number, returned } from './spec.ts';

const group = 'Processes';

export const PROCESS_CALLS = [
  {
    name: 'fork',
    group,
    summary: 'a child with a copy of the address space; returns its pid to the parent',
    parameters: [],
    perform: (session) => forked(session),
  },
  {
    name: 'vfork',
    group,
    summary: 'a child that uses the same address space',
    parameters: [],
    perform: (session) => shared(session),
  },
  {
    name: 'clone',
    group,
    summary: 'vfork() with CLONE_VM, fork() without',
    parameters: [flags('flags', someOf(CLONE))],
    perform: (session, how: bigint) =>
      (how & BigInt(CLONE.CLONE_VM)) === 0n ? forked(session) : shared(session),
  },
  {
    name: 'spawn',
    group,
    summary: 'a process with nothing mapped, and the open files of this one',
    parameters: [],
    perform(session) {
      const { mm, machine, task, layout, run } = session;
      session.wantProcess();
      const spawned = run(mm.newProcess(machine, task.cpu, layout));
      if (spawned === undefined) return { kind: 'failed', errno: -mm.ENOMEM };
      return returned(BigInt(session.addProcess(spawned)));
    },
  },
  {
    name: 'exit',
    group,
    summary: 'ends the process; the one with the lowest pid goes on',
    parameters: [],
    perform(session) {
      const { pid } = session.process;
      session.endProcess();
      return returned(0n, undefined, `${pid} has ended`);
    },
  },
  {
    name: 'as',
    group,
    summary: 'who performs what follows: a process by its pid',
    parameters: [number('pid')],
    perform(session, pid: bigint) {
      session.switchTo(Number(pid));
      return returned(pid);
    },
  },
  {
    name: 'cpu',
    group,
    summary: 'on which CPU this process goes on, from 0',
    parameters: [number('cpu')],
    perform(session, cpu: bigint) {
      const { cpus } = session.machine.size;
      if (cpu < 0n || cpu >= cpus) {
        throw new ScriptError(
          `There is no CPU ${cpu}: the machine has ${cpus}`,
          `Use 0 to ${cpus - 1}, or start with --cpus`,
        );
      }
      session.migrate(Number(cpu));
      return returned(cpu);
    },
  },
] as const satisfies readonly CallSpec[];

function forked(session: Session): Outcome {
  const { mm, task, run } = session;
  session.wantProcess();
  session.wantVmas(task.mm.vmas.size);
  const child = run(mm.fork(task, task.cpu));
  if (typeof child === 'number') return { kind: 'failed', errno: -child };
  return returned(BigInt(session.addProcess(child)));
}

function shared(session: Session): Outcome {
  const { mm, task, run } = session;
  session.wantProcess();
  return returned(BigInt(session.addProcess(run(mm.cloneVm(task, task.cpu)))));
}
