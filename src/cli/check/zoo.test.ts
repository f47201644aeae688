/** The whole zoo, as a user searches it; and its pages, which are made of that. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ptshare } from '../../../test/command_line.ts';
import { ZOO } from '../../zoo/index.ts';
import type { CheckReport } from './report.ts';

/** Many times what the longest search takes on a machine of its own. */
const SECONDS_MAX = 60;

const { stdout, stderr } = ptshare(['check', '--all', '--json', '--timeout', `${SECONDS_MAX}`]);
assert.equal(stderr, '');
const report = JSON.parse(stdout) as CheckReport;

test('every entry of the zoo has been searched, and has a name of its own', () => {
  assert.deepEqual(
    report.entries.map(({ id }) => id),
    ZOO.map(({ id }) => id),
  );
  const names = ZOO.flatMap(({ id, aliases }) =>
    [id, ...aliases].map((name) => name.toLowerCase()),
  );
  assert.equal(new Set(names).size, names.length);
});

for (const { id, properties } of ZOO) {
  const { on, off } = report.entries.find((entry) => entry.id === id)!;

  test(`${id} is found as one of its properties`, () => {
    assert.ok(
      properties.some((known) => known === on?.property),
      `it is ${on?.property}, complete: ${on?.complete}`,
    );
  });

  test(`${id} without its mistake is verified`, () => {
    assert.deepEqual([off?.property, off?.boundsHit, off?.complete], [null, [], true]);
  });
}

test('docs/zoo is what the search says', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ptshare-zoo-'));
  try {
    const made = spawnSync(process.execPath, ['tools/zoo_doc.mjs', folder], { input: stdout });
    assert.deepEqual([made.status, made.stderr.toString()], [0, '']);
    const mend = 'run: npm start --silent -- check --all --json | node tools/zoo_doc.mjs docs/zoo';
    assert.deepEqual(readdirSync('docs/zoo').sort(), readdirSync(folder).sort(), mend);
    for (const name of readdirSync(folder)) {
      const [current, wanted] = ['docs/zoo', folder].map((of) =>
        readFileSync(join(of, name), 'utf8'),
      );
      assert.equal(current, wanted, mend);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
