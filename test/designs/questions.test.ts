/** The open questions are answered as they say, and their pages are what `ptshare check` says. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { QuestionsReport } from '../../src/cli/check/question_report.ts';
import { QUESTIONS } from '../../src/zoo/questions/index.ts';
import { ptshare } from '../command_line.ts';

const MEND =
  'run: npm start --silent -- check --questions --all --json | node tools/questions_doc.mjs docs/questions';

const { status, stdout, stderr } = ptshare(['check', '--questions', '--all', '--json']);
const { questions } = JSON.parse(stdout) as QuestionsReport;

test('every question is answered as it says', () => {
  assert.deepEqual([status, stderr], [0, '']);
  assert.deepEqual(
    questions.map(({ id }) => id),
    QUESTIONS.map(({ id }) => id),
  );
  for (const { id, verdict, answer, cases, drawn } of questions) {
    assert.equal(verdict, 'expected', id);
    assert.ok(answer.length > 0, `${id} is answered in words`);
    assert.ok(drawn !== null && cases[drawn]!.schedule !== null, `${id} has a schedule`);
  }
});

test('the pages of questions say what the searches say', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ptshare-questions-'));
  try {
    const made = spawnSync(process.execPath, ['tools/questions_doc.mjs', folder], {
      input: stdout,
    });
    assert.deepEqual([made.status, made.stderr.toString()], [0, '']);
    assert.deepEqual(readdirSync('docs/questions').sort(), readdirSync(folder).sort(), MEND);
    for (const name of readdirSync(folder)) {
      const [current, wanted] = ['docs/questions', folder].map((of) =>
        readFileSync(join(of, name), 'utf8'),
      );
      assert.equal(current, wanted, MEND);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('questions are listed, asked one by one, and a case is shown again by its schedule', () => {
  const list = ptshare(['check', '--questions']);
  assert.equal(list.status, 0);
  for (const { id } of QUESTIONS) assert.match(list.stdout, new RegExp(`^ {2}${id} `, 'm'));
  const one = ptshare(['check', '--questions', 'mshare-walkers']);
  assert.deepEqual([one.status, one.stderr], [0, '']);
  assert.match(one.stdout, /Searched: \d+ executions/);
  const [, name, schedule] = /Again: ptshare check --questions (\S+) --schedule "?(\w+)/.exec(
    one.stdout,
  )!;
  const again = ptshare(['check', '--questions', name!, '--schedule', schedule!]);
  assert.equal(again.status, 0, again.stderr);
  assert.match(again.stdout, /Then: P-UAF-PT/);
});

test('what is no question is said, and a bound leaves a question undecided', () => {
  assert.equal(ptshare(['check', '--questions', 'nonsense']).status, 2);
  assert.equal(ptshare(['check', '--questions', 'mshare-walkers/99']).status, 2);
  assert.equal(ptshare(['check', '--questions', 'mshare-walkers', '--on']).status, 2);
  const cut = ptshare(['check', '--questions', 'mshare-walkers/2', '--max-executions', '1']);
  assert.equal(cut.status, 3, cut.stdout);
  assert.match(cut.stdout, /undecided/);
});
