/**
 * What the expressions of a script mean: 64-bit numbers as in C, strings, names and calls. Whatever
 * else JavaScript has is refused.
 */
import type {
  AnyNode,
  AssignmentExpression,
  BinaryExpression,
  CallExpression,
  Literal,
  Node,
} from 'acorn';
import { LIMITS } from '../limits.ts';
import { type Place, ScriptError } from '../script_error.ts';
import { describeNode, placeOf, type Statement } from './parse.ts';

/** A number is kept as 64 bits, signed. */
export type Value = bigint | string;

/** What the names of a script stand for. */
export interface Scope {
  readonly variables: Map<string, Value>;
  constant(name: string): Value | undefined;
  /** @throws ScriptError */
  call(name: string, values: readonly Value[], place: Place): Value;
  isCall(name: string): boolean;
}

/** @throws ScriptError with its place */
export function evaluateStatement(scope: Scope, { expression }: Statement): Value {
  return evaluate(scope, expression as AnyNode, 0);
}

export const to64 = (value: bigint): bigint => BigInt.asIntN(64, value);

function evaluate(scope: Scope, node: AnyNode, depth: number): Value {
  if (depth > LIMITS.depth) {
    throw new ScriptError(
      'The expression is nested too deeply',
      'Use variables for parts of it',
      placeOf(node),
    );
  }
  switch (node.type) {
    case 'Literal':
      return literal(node);
    case 'Identifier':
      return lookUp(scope, node.name, placeOf(node));
    case 'UnaryExpression': {
      const value = numberOf(scope, node.argument, depth);
      if (node.operator === '-') return to64(-value);
      if (node.operator === '~') return ~value;
      if (node.operator === '+') return value;
      throw refused(node, node.operator);
    }
    case 'BinaryExpression':
      return binary(scope, node, depth);
    case 'AssignmentExpression':
      return assign(scope, node, depth);
    case 'CallExpression':
      return callOf(scope, node, depth);
    default:
      throw refused(node);
  }
}

function refused(node: Node, operator?: string): ScriptError {
  return new ScriptError(
    operator === undefined
      ? `Cannot be used in a script: ${describeNode(node)}`
      : `Cannot be used in a script: the operator ${operator}`,
    'Use numbers, strings, names, calls and + - * / % & | ^ ~ << >>',
    placeOf(node),
  );
}

function literal(node: Literal): Value {
  const { value, raw } = node;
  if (typeof value === 'string') return value;
  if (typeof value === 'number') {
    const digits = raw!.replaceAll('_', '');
    if (/^0[0-7]+$/.test(digits)) return to64(BigInt(`0o${digits.slice(1)}`));
    if (/^(0[xob][\da-f]+|\d+)$/i.test(digits) && digits.length <= 66) return to64(BigInt(digits));
  }
  throw new ScriptError(
    'Not a whole number or a string',
    'Write 4096, 0x1000, 0600, 4*K, 2*M or "text"',
    placeOf(node),
  );
}

function lookUp(scope: Scope, name: string, place: Place): Value {
  const value = scope.variables.get(name) ?? scope.constant(name);
  if (value !== undefined) return value;
  if (scope.isCall(name)) {
    throw new ScriptError(
      `${name} is a call`,
      `Write ${name}(...); help(${name}) explains it`,
      place,
    );
  }
  throw new ScriptError(
    `Nothing is called ${name}`,
    'Assign to it first, or look for constants with help()',
    place,
  );
}

function numberOf(scope: Scope, node: AnyNode, depth: number): bigint {
  const value = evaluate(scope, node, depth + 1);
  if (typeof value === 'bigint') return value;
  throw new ScriptError(
    'A number is wanted here, not a string',
    'Leave out the quotes',
    placeOf(node),
  );
}

function binary(scope: Scope, node: BinaryExpression, depth: number): bigint {
  const left = numberOf(scope, node.left as AnyNode, depth);
  const right = numberOf(scope, node.right, depth);
  const { operator } = node;
  if ((operator === '/' || operator === '%') && right === 0n) {
    throw new ScriptError('A division by zero', 'Divide by something else', placeOf(node));
  }
  if ((operator === '<<' || operator === '>>') && (right < 0n || right > 63n)) {
    throw new ScriptError('A shift by more than 63 bits', 'Shift by 0 to 63', placeOf(node));
  }
  const compute = OPERATORS[operator];
  if (compute === undefined) throw refused(node, operator);
  return to64(compute(left, right));
}

const OPERATORS: Readonly<Record<string, (left: bigint, right: bigint) => bigint>> = {
  '+': (left, right) => left + right,
  '-': (left, right) => left - right,
  '*': (left, right) => left * right,
  '/': (left, right) => left / right,
  '%': (left, right) => left % right,
  '&': (left, right) => left & right,
  '|': (left, right) => left | right,
  '^': (left, right) => left ^ right,
  '<<': (left, right) => left << right,
  '>>': (left, right) => left >> right,
};

function assign(scope: Scope, node: AssignmentExpression, depth: number): Value {
  const { left, right, operator } = node;
  if (operator !== '=') throw refused(node, operator);
  const place = placeOf(left);
  if (left.type !== 'Identifier') {
    throw new ScriptError('Only a name can be assigned to', 'Write variable = ...', place);
  }
  const { name } = left;
  if (scope.constant(name) !== undefined || scope.isCall(name)) {
    throw new ScriptError(`${name} has a meaning already`, 'Choose another name', place);
  }
  const value = evaluate(scope, right, depth + 1);
  if (scope.variables.size >= LIMITS.variables && !scope.variables.has(name)) {
    throw new ScriptError(
      `More than ${LIMITS.variables} variables`,
      'Use some of them again',
      place,
    );
  }
  scope.variables.set(name, value);
  return value;
}

function callOf(scope: Scope, node: CallExpression, depth: number): Value {
  const { callee, arguments: operands } = node;
  const place = placeOf(node);
  if (callee.type !== 'Identifier') {
    throw new ScriptError('Only a name can be called', 'Write name(...)', placeOf(callee));
  }
  const values =
    callee.name === 'help'
      ? operands.map(nameOf)
      : operands.map((operand) => evaluate(scope, operand as AnyNode, depth + 1));
  try {
    return scope.call(callee.name, values, place);
  } catch (error) {
    throw error instanceof ScriptError ? error.at(place) : error;
  }
}

/** `help(mmap)` and `help("mmap")` ask the same. */
function nameOf(node: Node): Value {
  const named = node as AnyNode;
  if (named.type === 'Identifier') return named.name;
  if (named.type === 'Literal' && typeof named.value === 'string') return named.value;
  throw new ScriptError('The name of a call is wanted here', 'Write help(mmap)', placeOf(node));
}
