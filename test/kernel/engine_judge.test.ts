/** The engine against the running kernel: random programs call by call, and the rules. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { programs as commands, judgedTest, root } from '../live/judge.ts';
import { newSeed } from '../seed.ts';
import type { CallName } from './calls.ts';
import { COVERED_WEIGHTS } from './covered.ts';
import { runOnEngine } from './engine/engine.ts';
import { generateProgram } from './generator.ts';
import { compareRandomPrograms, describeMismatch, shrinkMismatch } from './judge_engine.ts';
import { runAllOnKernel } from './kernel_judge.ts';
import { parseProgram } from './program.ts';
import { referenceHost } from './reference_host.ts';
import { DEBUGGER_RULES } from './rules/debugger.ts';
import { FILE_RULES } from './rules/file.ts';
import { MADVISE_RULES } from './rules/madvise.ts';
import { MLOCK_RULES } from './rules/mlock.ts';
import { MMAP_RULES } from './rules/mmap.ts';
import { MREMAP_RULES } from './rules/mremap.ts';
import { findings } from './rules/rule.ts';
import { VMA_RULES } from './rules/vma.ts';

/** How long random programs are compared; continuous integration may set more. */
const SECONDS = Number(process.env.PTSHARE_JUDGE_SECONDS ?? 20);
const BATCH = 50;

const needs = [root, commands('gcc'), referenceHost];

judgedTest('the engine does with random programs what the kernel does', needs, (context) => {
  const first = newSeed();
  const end = Date.now() + SECONDS * 1000;
  let seed = first;
  let operations = 0;
  let disturbed = 0;
  for (; Date.now() < end; seed += BATCH) {
    const seeds = Array.from({ length: BATCH }, (_, index) => seed + index);
    const result = compareRandomPrograms(seeds);
    operations += result.operations;
    disturbed += result.disturbed.length;
    const mismatch = result.mismatches[0];
    if (mismatch !== undefined) assert.fail(describeMismatch(shrinkMismatch(mismatch)));
  }
  context.diagnostic(`seeds ${first} to ${seed - 1}, ${operations} operations`);
  context.diagnostic(
    `${disturbed} programs differed, but not each time: huge pages came or failed meanwhile`,
  );
});

const rules = [
  ...MMAP_RULES,
  ...MADVISE_RULES,
  ...MREMAP_RULES,
  ...MLOCK_RULES,
  ...VMA_RULES,
  ...FILE_RULES,
  ...DEBUGGER_RULES,
];

judgedTest(`${rules.length} rules hold for the engine`, needs, () => {
  const programs = rules.map(({ program }) => parseProgram(program));
  const reports = runAllOnKernel(programs);
  assert.deepEqual(
    rules.map((rule, index) => findings(rule, runOnEngine(programs[index]!, reports[index]!))),
    rules,
  );
});

test('every covered call is drawn', () => {
  const drawn = new Set(
    generateProgram(1, 4000, COVERED_WEIGHTS).steps.map(({ call }) => call.name),
  );
  for (const [name, weight] of Object.entries(COVERED_WEIGHTS)) {
    if (weight > 0) assert.ok(drawn.has(name as CallName), name);
  }
});
