/** The engine's userfaultfd against the running kernel: random programs, call by call. */
import assert from 'node:assert/strict';
import { programs as commands, judgedTest, root } from '../live/judge.ts';
import { newSeed } from '../seed.ts';
import { compareRandomPrograms, describeMismatch, shrinkMismatch } from './judge_engine.ts';
import { referenceHost } from './reference_host.ts';
import { uffdProgram } from './uffd_program.ts';

/** How long random programs are compared; continuous integration may set more. */
const SECONDS = Number(process.env.PTSHARE_UFFD_SECONDS ?? 12);
const BATCH = 50;

const needs = [root, commands('gcc'), referenceHost];

judgedTest('the engine does with userfaultfd what the kernel does', needs, (context) => {
  const first = newSeed();
  const end = Date.now() + SECONDS * 1000;
  let seed = first;
  let operations = 0;
  let uffdCalls = 0;
  for (; Date.now() < end; seed += BATCH) {
    const seeds = Array.from({ length: BATCH }, (_, index) => seed + index);
    const result = compareRandomPrograms(seeds, uffdProgram);
    operations += result.operations;
    for (const [name, count] of result.calls) if (name.includes('uffd')) uffdCalls += count;
    const mismatch = result.mismatches[0];
    if (mismatch !== undefined) assert.fail(describeMismatch(shrinkMismatch(mismatch)));
  }
  context.diagnostic(
    `seeds ${first} to ${seed - 1}, ${operations} operations, ${uffdCalls} of uffd`,
  );
});
