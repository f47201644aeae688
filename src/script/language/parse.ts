/**
 * The text of a script: calls as in C, one a line or separated by `;`.
 *
 * All of it is JavaScript, so a parser of that does the work; `evaluate.ts` says which of it has a
 * meaning here. `#` starts a comment as `//` does.
 */
import { type ExpressionStatement, type Node, type Program, parse } from 'acorn';
import { LIMITS } from '../limits.ts';
import { type Place, ScriptError } from '../script_error.ts';

export interface Statement {
  readonly place: Place;
  readonly expression: Node;
}

/** Strings and comments as they are; what starts with `#` is to be erased. */
const PARTS = /"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|#[^\n]*/g;

/** @throws ScriptError */
export function parseScript(text: string): Statement[] {
  if (text.length > LIMITS.textLength) {
    throw new ScriptError(
      `The script has ${text.length} characters, more than ${LIMITS.textLength}`,
      'Write a module for what needs loops: a .ts or .js file that exports `scenario`',
    );
  }
  const code = text.replace(PARTS, (part) => (part[0] === '#' ? ' '.repeat(part.length) : part));
  const { body } = parseProgram(code);
  if (body.length > LIMITS.statements) {
    throw new ScriptError(
      `The script has ${body.length} statements, more than ${LIMITS.statements}`,
      'Write a module for what needs loops: a .ts or .js file that exports `scenario`',
    );
  }
  return body.filter(({ type }) => type !== 'EmptyStatement').map(statementOf);
}

/** Whether `error` says that the text ends in the middle of a statement. */
export function isUnfinished(error: unknown): boolean {
  return error instanceof UnfinishedError;
}

class UnfinishedError extends ScriptError {}

function parseProgram(code: string): Program {
  try {
    return parse(code, { ecmaVersion: 2022, sourceType: 'script', locations: true });
  } catch (error) {
    if (error instanceof RangeError) {
      throw new ScriptError('The script is nested too deeply', 'Use variables for parts of it');
    }
    if (!(error instanceof SyntaxError) || !('loc' in error)) throw error;
    const { line, column } = error.loc as Place;
    const place = { line, column: column + 1 };
    const cause = error.message.replace(/ \(\d+:\d+\)$/, '');
    const isAtEnd = 'pos' in error && Number(error.pos) >= code.trimEnd().length;
    throw new (isAtEnd && cause !== 'Unterminated string constant' ? UnfinishedError : ScriptError)(
      cause,
      'Write calls as in C: a = mmap(NULL, 4*M, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)',
      place,
    );
  }
}

function statementOf(node: Node): Statement {
  const place = placeOf(node);
  if (node.type !== 'ExpressionStatement') {
    throw new ScriptError(
      `Not a call or an assignment: ${describeNode(node)}`,
      'Write name(...) or variable = ...; a module (.ts, .js) may use all of JavaScript',
      place,
    );
  }
  return { place, expression: (node as ExpressionStatement).expression };
}

export function placeOf(node: Node): Place {
  const { line, column } = node.loc!.start;
  return { line, column: column + 1 };
}

/** `ArrowFunctionExpression` as `arrow function expression`. */
export function describeNode({ type }: Node): string {
  return type.replace(/(?!^)[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`).toLowerCase();
}
