/** Who follows an address space is told of the same ranges as by the kernel, in the same order. */
import assert from 'node:assert/strict';
import { programs as commands, judgedTest, root } from '../live/judge.ts';
import { toldByEngine, toldByKernel, tracedKvm } from './notifier_judge.ts';
import { randomSteps } from './notifier_program.ts';

const PROGRAMS = 40;

judgedTest(
  'random programs: each range, by kernel and engine',
  [root, commands('gcc'), tracedKvm],
  () => {
    const programs = Array.from({ length: PROGRAMS }, (_, seed) => randomSteps(seed + 1));
    const byKernel = toldByKernel(programs);
    programs.forEach((steps, at) => {
      toldByEngine(steps).forEach((told, step) => {
        const where = `seed ${at + 1}, step ${step}: ${JSON.stringify(steps.slice(0, step + 1))}`;
        assert.deepEqual(told, byKernel[at]![step], where);
      });
    });
  },
);
