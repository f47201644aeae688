/** The pages of docs/questions are what a search says today. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

test('docs/questions is what the search says', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ptshare-questions-'));
  try {
    const made = spawnSync(process.execPath, ['tools/questions_doc.mjs', folder]);
    assert.deepEqual([made.status, made.stderr.toString()], [0, '']);
    for (const name of readdirSync(folder)) {
      const [current, wanted] = ['docs/questions', folder].map((of) =>
        readFileSync(join(of, name), 'utf8'),
      );
      assert.equal(current, wanted, 'run: node tools/questions_doc.mjs docs/questions');
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
