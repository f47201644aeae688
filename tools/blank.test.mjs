import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { BlankError, blank, findIdleCalls } from './blank.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

const SOURCE = `export function* take(lock: Lock): Op<number> {
  yield locking(lock.id); // Waits.
  if (lock.held) yield reading(lock.id);
  else lock.held = true;
  const ticket = yield* next(lock);
  switch (ticket) {
    case 0:
      yield writing(lock.id);
      break;
  }
  return yield* last(ticket);
}
`;

/** One line of a module that uses an operation, before and after. */
function line(before, after) {
  assert.equal(blank(before), after);
}

test('blank() overwrites the asterisk, yield* and whole yield statements, and nothing else', () => {
  assert.equal(
    blank(SOURCE),
    `export function  take(lock: Lock): Op<number> {
                          // Waits.
  if (lock.held) {}                     
  else lock.held = true;
  const ticket =        next(lock);
  switch (ticket) {
    case 0:
                             
      break;
  }
  return        last(ticket);
}
`,
  );
});

test('blank() keeps every line and every column', () => {
  const before = SOURCE.split('\n');
  const after = blank(SOURCE).split('\n');
  assert.equal(after.length, before.length);
  for (const [index, text] of after.entries()) {
    assert.equal(text.length, before[index].length);
    // A character is as it was, a space, or part of the empty body of an `if`.
    for (const [column, character] of [...text].entries()) {
      assert.ok([before[index][column], ' ', '{', '}'].includes(character));
    }
  }
});

test('blank() is idempotent', () => {
  assert.equal(blank(blank(SOURCE)), blank(SOURCE));
});

test('blank() handles methods, function expressions and computed names', () => {
  line('class A { *m(): Op<void> { yield 1; } }', 'class A {  m(): Op<void> {          } }');
  line('const o = { *q() { yield* f(2 * 3); } };', 'const o = {  q() {        f(2 * 3); } };');
  line('const h = function* () { yield 3; };', 'const h = function  () {          };');
  line('class B { static *[key]() {} }', 'class B { static  [key]() {} }');
});

test('blank() counts columns in UTF-16 units, as editors and source maps do', () => {
  line("const s = '𝒮'; function* f() { yield 1; }", "const s = '𝒮'; function  f() {          }");
});

test('blank() leaves text and comments alone that only look like operations', () => {
  const text = "// function* f() { yield 1; }\nconst s = 'yield* g()'; const n = a * b;\n";
  assert.equal(blank(text), text);
});

test('blank() refuses a yield whose value is used', () => {
  for (const body of [
    'const x = yield 1;',
    'g(yield 1);',
    'return yield 1;',
    'a = (yield 1, 2);',
  ]) {
    assert.throws(() => blank(`function* f() { ${body} }`), BlankError);
  }
});

test('blank() refuses a loop that only yields, which would never end', () => {
  for (const loop of [
    'while (x) yield 1;',
    'for (;;) { yield 1; yield 2; }',
    'do { yield 1; } while (x);',
  ]) {
    assert.throws(() => blank(`function* f() { ${loop} }`), /would never end/);
  }
  assert.doesNotThrow(() => blank('function* f() { for (;;) { yield 1; if (done()) break; } }'));
});

test('blank() refuses yield* whose operation stands on another line', () => {
  assert.throws(() => blank('function* f() { return yield*\n g(); }'), /two lines/);
});

test('blank() names the file and the line of what it refuses', () => {
  assert.throws(() => blank('\n\nfunction* f() { g(yield 1); }', 'mm/x.ts'), /mm\/x\.ts:3: /);
  assert.throws(() => blank('function* {', 'mm/y.ts'), /Cannot parse mm\/y\.ts/);
});

test('findIdleCalls() finds operations that are called and not run', () => {
  const path = 'a.ts';
  const text =
    'function* f() { yield 1; }\nfunction* g() {\n  f();\n  yield* f();\n  this.f();\n  h();\n}';
  assert.deepEqual(findIdleCalls([{ path, text }]), ['a.ts:3: f', 'a.ts:5: f']);
});

test('no operation of the engine is called and not run', () => {
  const folder = join(ROOT, 'src/mm');
  const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !/\.(test|fast)\.ts$/.test(name))
    .map((name) => ({ path: name, text: readFileSync(join(folder, name), 'utf8') }));
  assert.ok(sources.length > 0);
  assert.deepEqual(findIdleCalls(sources), []);
});
