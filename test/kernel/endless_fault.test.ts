/** What the running kernel never ends: what the zoo says of it must be so (A39). */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { programs as commands, judgedTest, root } from '../live/judge.ts';
import { childrenOf, until } from '../live/until.ts';
import { EXECUTOR_ARGUMENTS, executor, runOnKernel } from './kernel_judge.ts';
import { encodeProgram, type Program, parseProgram } from './program.ts';
import { referenceHost } from './reference_host.ts';

const needs = [root, commands('gcc'), referenceHost];
/** More than all other steps of a program take. */
const MANY = 100_000;

/** Loads from a page of a file on a disk that is not in memory, and bears a note of write protection. */
const marked = (locking: string): Program =>
  parseProgram(`
    open f0 ext4; ftruncate f0 0x1000
    mmap 0x20000000 0x1000 read|write shared|fixed f0 0
    ${locking}
    userfaultfd u0 0; uffd_api u0 0xaa sigbus|wp_async
    uffd_register u0 0x20000000 0x1000 wp; uffd_writeprotect u0 0x20000000 0x1000 wp
    load 0x20000000 1`);

/** Faults of a process that read nothing from a disk. @source proc_pid_stat(5): minflt */
function minorFaultsOf(pid: string): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[7]);
}

judgedTest('a load from a page that is noted as write-protected ends', needs, () => {
  const { outcomes } = runOnKernel(marked('munlock 0x20000000 0x1000'));
  assert.deepEqual(outcomes.at(-1), { kind: 'returned', value: 0 });
});

judgedTest('a load from one that is locked, too, faults again and again', needs, async () => {
  const server = spawn(executor(), EXECUTOR_ARGUMENTS, { stdio: ['pipe', 'ignore', 'inherit'] });
  const closed = once(server, 'close');
  server.stdin.end(encodeProgram(marked('mlock2 0x20000000 0x1000 onfault')));
  try {
    const isFaulting = (): boolean =>
      childrenOf(server.pid!).some((pid) => minorFaultsOf(pid) > MANY);
    await until(isFaulting, 'it faults for good');
  } finally {
    server.kill('SIGKILL');
    await closed;
  }
});
