/** Whether the kernel does the same again. Beside others its pool of huge pages may change meanwhile. */
import assert from 'node:assert/strict';
import { before } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { alone } from '../live/alone.ts';
import { judgedTest, programs, root } from '../live/judge.ts';
import { freshPrograms } from './fresh_programs.ts';
import { runAllOnKernel, runOnKernel } from './kernel_judge.ts';
import { formatProgram } from './program.ts';

const PROGRAMS = 200;
const STEPS = 500;

before(alone);

judgedTest('the kernel does the same with the same program', [root, programs('gcc')], (context) => {
  const { seed, programs } = freshPrograms(PROGRAMS, STEPS);
  context.diagnostic(`seeds from ${seed}`);
  const start = performance.now();
  const first = runAllOnKernel(programs);
  const seconds = (performance.now() - start) / 1000;
  context.diagnostic(`${Math.round((PROGRAMS * STEPS) / seconds)} calls/s`);
  // In another order, so that a program does not depend on those before it.
  const second = runAllOnKernel(programs.toReversed()).toReversed();
  programs.forEach((program, index) => {
    if (isDeepStrictEqual(second[index], first[index])) return;
    // A huge page that could not be had makes a difference; it is there again the next times.
    assert.deepEqual(runOnKernel(program), runOnKernel(program), formatProgram(program));
  });
});
