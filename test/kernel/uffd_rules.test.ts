/** What userfaultfd answers: the published rules, the running kernel and the engine side by side. */
import assert from 'node:assert/strict';
import { before } from 'node:test';
import { alone } from '../live/alone.ts';
import { raiseHugePages } from '../live/huge_pages.ts';
import { programs as commands, judgedTest, root } from '../live/judge.ts';
import { runOnEngine } from './engine/engine.ts';
import { hugePool, poolIsUsed } from './huge_pool.ts';
import { runAllOnKernel } from './kernel_judge.ts';
import { parseProgram } from './program.ts';
import { referenceHost } from './reference_host.ts';
import { findings } from './rules/rule.ts';
import { UFFD_RULES } from './rules/userfaultfd.ts';

before(alone);

const POOL_PAGES = 8;
const needs = [root, commands('gcc'), referenceHost, hugePool(POOL_PAGES)];

judgedTest(`${UFFD_RULES.length} rules of userfaultfd hold for both`, needs, (context) => {
  const used = poolIsUsed();
  if (used !== undefined) return context.skip(used);
  const restore = raiseHugePages(POOL_PAGES);
  try {
    const programs = UFFD_RULES.map(({ program }) => parseProgram(program));
    const reports = runAllOnKernel(programs);
    const ofKernel = UFFD_RULES.map((rule, index) => findings(rule, reports[index]!));
    assert.deepEqual(ofKernel, UFFD_RULES, 'the kernel');
    const ofEngine = UFFD_RULES.map((rule, index) =>
      findings(rule, runOnEngine(programs[index]!, reports[index]!)),
    );
    assert.deepEqual(ofEngine, UFFD_RULES, 'the engine');
  } finally {
    restore();
  }
});
