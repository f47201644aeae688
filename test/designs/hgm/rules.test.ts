/** The rules of high-granularity mapping, each tried in every version that has it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HGM_VERSIONS } from '../../../src/designs/index.ts';
import { ADVICE_RULES, COLLAPSE_RULES } from './advice_rules.ts';
import { UNMAP_RULES } from './call_rules.ts';
import { FAULT_RULES, FILL_RULES, WALK_RULES } from './mapping_rules.ts';
import type { HgmRule } from './rule.ts';
import { USERFAULTFD_RULES } from './userfaultfd_rules.ts';

const RULES: readonly HgmRule[] = [
  ...WALK_RULES,
  ...FILL_RULES,
  ...FAULT_RULES,
  ...USERFAULTFD_RULES,
  ...UNMAP_RULES,
  ...ADVICE_RULES,
  ...COLLAPSE_RULES,
];

for (const { part, rule, source, versions = HGM_VERSIONS, check } of RULES) {
  test(`${part}: ${rule} (${source})`, () => {
    for (const options of versions) {
      try {
        check(options);
      } catch (cause) {
        throw new Error(`Cannot confirm the rule of ${options.name}`, { cause });
      }
    }
  });
}

/** What the series is made of, as its cover and patches name it. */
const PARTS = [
  'hugetlb_pte',
  'walk',
  'splitting',
  'sizes',
  'UFFDIO_CONTINUE',
  'UFFDIO_API',
  'UFFDIO_REGISTER',
  'events',
  'fault',
  'refcount',
  'unmap',
  'mprotect',
  'mremap',
  'fork',
  'GUP',
  'mincore',
  'populate',
  'migration',
  'memory failure',
  'smaps',
  'MADV_SPLIT',
  'MADV_COLLAPSE',
];

test('every part of the series has its rules, each version has its own, and none is said twice', () => {
  assert.deepEqual(new Set(RULES.map(({ part }) => part)), new Set(PARTS));
  const sentences = RULES.map(({ part, rule }) => `${part}: ${rule}`);
  assert.equal(new Set(sentences).size, RULES.length);
  for (const options of HGM_VERSIONS) {
    const own = RULES.filter(
      ({ versions }) => versions === undefined || versions.includes(options),
    );
    assert.deepEqual(new Set(own.map(({ part }) => part)), new Set(PARTS), options.name);
  }
});
