import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ScriptError } from '../script_error.ts';
import { evaluateStatement, type Scope, type Value } from './evaluate.ts';
import { isUnfinished, parseScript } from './parse.ts';

/** A scope whose only call, sum(), adds up what it gets. */
function newScope(): Scope & { readonly lines: number[] } {
  const lines: number[] = [];
  return {
    lines,
    variables: new Map<string, Value>([['a', 0x7000n]]),
    constant: (name) => (name === 'K' ? 1024n : undefined),
    isCall: (name) => name === 'sum',
    call(name, values, place) {
      if (name !== 'sum') throw new ScriptError(`There is no call ${name}`, 'Use sum');
      lines.push(place.line);
      return values.reduce<bigint>((total, value) => total + BigInt(value), 0n);
    },
  };
}

function resultOf(text: string): Value {
  const scope = newScope();
  return parseScript(text)
    .map((statement) => evaluateStatement(scope, statement))
    .at(-1)!;
}

test('numbers are those of C, of 64 bits', () => {
  const answers: readonly (readonly [string, bigint])[] = [
    ['4096', 4096n],
    ['0x1000', 4096n],
    ['0600', 384n],
    ['0b101', 5n],
    ['1_000', 1000n],
    ['4*K', 4096n],
    ['a + 1*K', 0x7400n],
    ['~0xfff & 0x12345', 0x12000n],
    ['1 | 2 | 4', 7n],
    ['1 << 40', 2n ** 40n],
    ['-4096', -4096n],
    ['7 / 2', 3n],
    ['7 % 2', 1n],
    ['5 ^ 1', 4n],
    ['0xffffffffffffffff', -1n],
    ['0x7fffffffffffffff + 1', -(2n ** 63n)],
    ['0x7ffffffff000 - 1', 0x7fffffffefffn],
    ['sum(1, sum(2, 3))', 6n],
  ];
  for (const [text, value] of answers) assert.equal(resultOf(text), value, text);
});

test('statements end with a line or a semicolon, and comments are left out', () => {
  const scope = newScope();
  const script = parseScript(`# first "line
    b = sum(1,   # one
            2)   // two
    ; sum(b); sum("#")
    /* b = 7 # */
    c = b + 1`);
  assert.equal(script.length, 4);
  for (const statement of script.slice(0, 2)) evaluateStatement(scope, statement);
  assert.deepEqual(scope.lines, [2, 4]);
  evaluateStatement(scope, script[3]!);
  assert.equal(scope.variables.get('c'), 4n);
});

test('a mistake is named with its line and column, and with what to do', () => {
  const mistakes: readonly (readonly [string, string, RegExp])[] = [
    ['\n  b = frob', '2:7', /Nothing is called frob/],
    ['sum(1, frob(2))', '1:8', /There is no call frob/],
    ['x = 1.5', '1:5', /Not a whole number/],
    ['1e400', '1:1', /Not a whole number/],
    ['x = 4n', '1:5', /Not a whole number/],
    ['x = /a/', '1:5', /Not a whole number/],
    ['x += 1', '1:1', /the operator \+=/],
    ['x = 2 ** 70', '1:5', /the operator \*\*/],
    ['x = 1 == 1', '1:5', /the operator ==/],
    ['x = !1', '1:5', /the operator !/],
    ['if (1) sum(1)', '1:1', /Not a call or an assignment: if statement/],
    ['function f() {}', '1:1', /Not a call or an assignment: function declaration/],
    ['let x = 3', '1:1', /Not a call or an assignment: variable declaration/],
    ['x = () => 1', '1:5', /Cannot be used in a script: arrow function expression/],
    ['process.exit()', '1:1', /Only a name can be called/],
    ['a.b = 1', '1:1', /Only a name can be assigned to/],
    ['[a] = 1', '1:2', /./],
    ['x = `a`', '1:5', /template literal/],
    ['K = 1', '1:1', /K has a meaning already/],
    ['sum = 1', '1:1', /sum has a meaning already/],
    ['x = sum', '1:5', /sum is a call/],
    ['sum(...a)', '1:5', /spread element/],
    ['x = "a" + 1', '1:5', /A number is wanted here, not a string/],
    ['1 / 0', '1:1', /A division by zero/],
    ['1 << 64', '1:1', /A shift by more than 63 bits/],
    ['1 << -1', '1:1', /A shift by more than 63 bits/],
    ['sum(1', '1:6', /Unexpected token/],
    ['sum(1))', '1:7', /Unexpected token/],
    ['"abc', '1:1', /Unterminated string/],
    ['__proto__', '1:1', /Nothing is called __proto__/],
    ['constructor', '1:1', /Nothing is called constructor/],
  ];
  for (const [text, place, reason] of mistakes) {
    assert.throws(
      () => resultOf(text),
      (error) => {
        assert.ok(error instanceof ScriptError, text);
        if (reason.source !== '.') assert.equal(error.message.slice(0, place.length), place, text);
        assert.match(error.message, reason, text);
        assert.notEqual(error.mend, '');
        return true;
      },
    );
  }
});

test('what ends in the middle of a statement is told from what is wrong', () => {
  const errorOf = (text: string): unknown => {
    try {
      return parseScript(text);
    } catch (error) {
      return error;
    }
  };
  for (const text of ['sum(', 'sum(1,\n', 'x =', 'a +', 'sum(1 # more']) {
    assert.ok(isUnfinished(errorOf(text)), text);
  }
  for (const text of ['sum)', 'x y', '"a', ')']) assert.ok(!isUnfinished(errorOf(text)), text);
});

test('a script that is too large, or nested too deeply, is refused', () => {
  for (const text of [
    ' '.repeat(2 ** 20 + 1),
    '1;'.repeat(20_001),
    `${'('.repeat(300_000)}1`,
    `x = ${'-'.repeat(1)}${'(-'.repeat(250)}1${')'.repeat(250)}`,
    `1${'+1'.repeat(200_000)}`,
    '/*'.repeat(500_000),
  ]) {
    assert.throws(() => resultOf(text), ScriptError, text.slice(0, 10));
  }
});
