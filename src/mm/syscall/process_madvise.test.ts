/** Who may advise on whom, and what process_madvise(2) returns. Facts: process_madvise(2). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OneProcess, PAGE_BYTES, TABLE } from '../../../test/mm/one_process.ts';
import { MADV } from '../../uapi/mman.ts';
import {
  EACCES,
  EBADF,
  EFAULT,
  EINVAL,
  ENOMEM,
  EPERM,
  ESRCH,
  newProcess,
  type Pidfd,
  type ProcessMadviseArguments,
  processMadvise,
  run,
} from '../index.ts';

const START = 16 * TABLE;
const bytes = (page: number, pages: number): { address: number; length: number } => ({
  address: page * PAGE_BYTES,
  length: pages * PAGE_BYTES,
});

function advise(
  { task }: OneProcess,
  target: Pidfd | undefined,
  call: Partial<ProcessMadviseArguments>,
): number {
  return run(
    processMadvise(task, {
      target,
      ranges: [bytes(START, 2)],
      advice: MADV.COLD,
      flags: 0,
      mayInfluence: true,
      ...call,
    }),
  );
}

test('the own process takes any advice, another only what takes nothing away', () => {
  const process = new OneProcess({ mms: 2 });
  process.map(START, 2);
  process.fill(START, 2);
  const own = { mm: process.task.mm, mayRead: true };
  const other = { mm: run(newProcess(process.task.machine, 0))!.mm, mayRead: true };
  assert.equal(advise(process, other, { advice: MADV.DONTNEED }), EINVAL);
  assert.equal(advise(process, other, { advice: MADV.COLD }), ENOMEM);
  assert.equal(advise(process, other, { mayInfluence: false }), EPERM);
  assert.equal(advise(process, { ...other, mayRead: false }, {}), EACCES);
  assert.equal(advise(process, own, { mayInfluence: false }), 2 * PAGE_BYTES);
  assert.equal(advise(process, own, { advice: MADV.DONTNEED }), 2 * PAGE_BYTES);
  process.check();
  assert.equal(process.anonymousPages, 0);
});

test('flags come first, then the ranges, then the descriptor, then the process', () => {
  const process = new OneProcess();
  const gone = { mm: undefined, mayRead: true };
  const behind = [{ address: 2 ** 47, length: 1 }];
  assert.equal(advise(process, undefined, { flags: 1, ranges: behind }), EINVAL);
  assert.equal(advise(process, undefined, { ranges: behind }), EFAULT);
  assert.equal(advise(process, undefined, { ranges: [{ address: 0, length: -1 }] }), EINVAL);
  assert.equal(advise(process, undefined, {}), EBADF);
  assert.equal(advise(process, gone, { advice: 42 }), ESRCH);
});

test('what was done before a refusal is returned', () => {
  const process = new OneProcess();
  process.map(START, 2);
  const own = { mm: process.task.mm, mayRead: true };
  const hole = bytes(START + 8, 1);
  assert.equal(advise(process, own, { ranges: [bytes(START, 2), hole] }), 2 * PAGE_BYTES);
  assert.equal(advise(process, own, { ranges: [hole, bytes(START, 2)] }), ENOMEM);
  assert.equal(advise(process, own, { ranges: [], advice: 42 }), 0);
  assert.equal(advise(process, own, { advice: 42 }), EINVAL);
});
