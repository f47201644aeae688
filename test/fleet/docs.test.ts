import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { COLUMNS, RECORDS } from '../../src/fleet/columns.ts';
import { ptshare } from '../command_line.ts';
import { generateHost } from '../fixtures/generate_host.ts';
import { writeSnapshots } from '../fleet_run.ts';

const DOCS = readFileSync('docs/fleet.md', 'utf8');

/** The records that the page says a column belongs to, by column. */
const documented = new Map(
  [...DOCS.matchAll(/^\| `(\w+)` \| (text|time|int64|boolean) \| ([\w ,]+) \|/gm)].map(
    ([, name, type, records]) => [name!, { type, records: records! }],
  ),
);

test('docs/fleet.md has every column of a dataset, with its type and its records', () => {
  assert.deepEqual(
    [...documented].map(([name, { type }]) => [name, type]),
    COLUMNS.map(({ name, type }) => [name, type]),
  );
  const common = COLUMNS.filter(({ nullable }) => !nullable).map(({ name }) => name);
  for (const [name, { records }] of documented) {
    const owners = Object.entries(RECORDS)
      .filter(([, columns]) => (columns as readonly string[]).includes(name))
      .map(([record]) => record);
    const all = Object.keys(RECORDS);
    const expected = common.includes(name) ? all : owners;
    const said = records.startsWith('all')
      ? all.filter((record) => records !== `all but ${record}`)
      : records.split(', ');
    assert.deepEqual(said, expected, name);
  }
});

test('the queries of docs/fleet.md have answers', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ptshare-docs-'));
  try {
    writeSnapshots(
      join(folder, 'hosts'),
      [generateHost({ processes: 3, segmentBytes: 2 ** 28 })],
      10,
    );
    const queries = [...DOCS.matchAll(/```sql\n(.+?)```/gs)].map(([, sql]) => sql!);
    assert.equal(queries.length, 3);
    for (const sql of queries) {
      const { status, stdout, stderr } = ptshare([
        'fleet',
        join(folder, 'hosts'),
        '--json',
        '--sql',
        sql,
      ]);
      assert.equal(status, 0, stderr);
      assert.ok((JSON.parse(stdout) as unknown[]).length > 0, sql);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
