import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { COVERAGE } from '../../src/mm/coverage.ts';
import { ADVICE, CALLS, MAP, MCL, MREMAP, MS } from './calls.ts';

test('docs/coverage.md says what the engine says', () => {
  const current = execFileSync(process.execPath, ['tools/coverage_doc.mjs'], { encoding: 'utf8' });
  const mend = 'run: node tools/coverage_doc.mjs > docs/coverage.md';
  assert.equal(readFileSync('docs/coverage.md', 'utf8'), current, mend);
});

/** Calls of programs that are no system calls of memory management. */
const OTHER = [
  ...['load', 'store', 'fetch', 'observe', 'thread', 'fill', 'stripe', 'reopen', 'open'],
  ...['uffd_close', 'peek', 'poke'],
];

test('every call, flag and advice that programs can contain is in the table', () => {
  const named = new Set(
    COVERAGE.flatMap(({ call, features }) => [call, ...features.flatMap(({ names }) => names)]),
  );
  const flags = {
    MAP: Object.keys(MAP).map((name) => (name === 'noreplace' ? 'fixed_noreplace' : name)),
    MADV: Object.keys(ADVICE),
    MREMAP: Object.keys(MREMAP),
    MS: Object.keys(MS),
    MCL: Object.keys(MCL),
  };
  for (const [prefix, names] of Object.entries(flags)) {
    for (const name of names) {
      const full = `${prefix}_${name.toUpperCase()}`;
      assert.ok(named.has(full), full);
    }
  }
  for (const call of Object.keys(CALLS)) {
    const name = call.replace(/^uffd_/, 'UFFDIO_').replace(/^scan$/, 'PAGEMAP_SCAN');
    const known = name === call ? call : name.toUpperCase();
    if (!OTHER.includes(call)) assert.ok(named.has(known), call);
  }
});
