/** Puts the locks that walks take into docs/walker.md: `node tools/walker_doc.mjs docs/walker.md`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { lockTable } from '../dist/test/walk/lock_trace.js';

const [, , path] = process.argv;
const text = path === undefined ? '' : readFileSync(path, 'utf8');
const found = /^\| a walk of [\s\S]*?(?=\n\n)/m.exec(text);
if (found === null) {
  process.stderr.write('Use: node tools/walker_doc.mjs docs/walker.md\n');
  process.exit(2);
}
writeFileSync(path, text.replace(found[0], lockTable()));
