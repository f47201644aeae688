import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

test('docs/report.md says what the schemas say', () => {
  const current = execFileSync(process.execPath, ['tools/report_doc.mjs'], { encoding: 'utf8' });
  const mend = 'run: node tools/report_doc.mjs > docs/report.md';
  assert.equal(readFileSync('docs/report.md', 'utf8'), current, mend);
});

test('docs/report.md names every field that the report must carry', () => {
  const page = readFileSync('docs/report.md', 'utf8');
  for (const field of [
    'schema',
    'exactness.residualPages',
    'pageTables.unexplainedBytes',
    'processes[].tables.deposited',
    'objects[].mappers',
    'designs[].requires',
  ]) {
    assert.ok(page.includes(`| \`${field}\` |`), field);
  }
});
