/** Pages of questions are what the tool writes; those that take seconds are written again here. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { QUESTIONS } from '../../src/zoo/questions/index.ts';

const QUICK = ['anon-vma-2006', 'mshare-walkers', 'mshare-dontneed'];
const COMMAND = 'node tools/questions_doc.mjs docs/questions';

test('each question has a page, and each page a question', () => {
  const pages = QUESTIONS.map(({ id }) => `${id}.md`);
  assert.deepEqual(readdirSync('docs/questions').sort(), pages.sort(), `run ${COMMAND}`);
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
