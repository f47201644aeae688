/** Puts the locks that walks take into docs/walker.md: `node tools/walker_doc.mjs docs/walker.md`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { callTable, lockTable } from '../dist/test/walk/lock_trace.js';

const [, , path] = process.argv;
let text = path === undefined ? '' : readFileSync(path, 'utf8');
for (const table of [lockTable(), callTable()]) {
  const [head] = table.split('\n');
  const from = text.indexOf(head);
  if (from < 0) {
    process.stderr.write('Use: node tools/walker_doc.mjs docs/walker.md\n');
    process.exit(2);
  }
  const end = text.indexOf('\n\n', from);
  text = text.slice(0, from) + table + text.slice(end);
}
writeFileSync(path, text);
