/** Pages of questions are what the tool writes; those that take seconds are written again here. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { MSHARE_QUESTIONS } from '../../src/zoo/index.ts';

const QUICK = ['mshare-walkers', 'mshare-dontneed'];
const COMMAND = 'node tools/questions_doc.mjs docs/questions';

test('each question has a page', () => {
  const pages = readdirSync('docs/questions');
  for (const { id } of MSHARE_QUESTIONS) assert.ok(pages.includes(`${id}.md`), `run ${COMMAND}`);
});

test('the pages of questions say what the searches say', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ptshare-questions-'));
  try {
    const made = spawnSync(process.execPath, ['tools/questions_doc.mjs', folder, ...QUICK]);
    assert.equal(made.status, 0, made.stderr.toString());
    for (const id of QUICK) {
      const [current, wanted] = ['docs/questions', folder].map((of) =>
        readFileSync(join(of, `${id}.md`), 'utf8'),
      );
      assert.equal(current, wanted, `run ${COMMAND} ${id}`);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
