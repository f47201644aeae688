import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CHOICES, EVENTS } from './event.ts';

const text = readFileSync(new URL('../../../docs/trace.md', import.meta.url), 'utf8');

test('docs/trace.md lists every kind with its fields, in the order of the file format', () => {
  const rows = Object.entries(EVENTS).map(([kind, fields]) => {
    const list = Object.entries(fields).map(([name, type]) => `\`${name}: ${type}\``);
    return list.length === 0 ? `| \`${kind}\` | |` : `| \`${kind}\` | ${list.join(', ')} |`;
  });
  const start = text.indexOf(rows[0]!);
  assert.equal(text.slice(start, text.indexOf('\n\n', start)), rows.join('\n'));
});

test('docs/trace.md lists every choice, in the order of the file format', () => {
  for (const [type, choices] of Object.entries(CHOICES)) {
    assert.ok(text.includes(`| \`${type}\` | ${choices.join(', ')} | 1 |`), type);
  }
});
