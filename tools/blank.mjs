/**
 * Blanks operations: turns generators that can be explored into plain functions at full speed.
 *
 *     export function* lock(cpu, wanted) {        export function  lock(cpu, wanted) {
 *       yield locking(wanted.id);            =>
 *       yield* enter(cpu);                                enter(cpu);
 *
 * Only three things are overwritten, with spaces: the asterisk of a generator, the words `yield*`,
 * and whole `yield point;` statements. Lines and columns stay as they are, so stack traces, source
 * maps and coverage of both builds point at the same text. See docs/operations.md.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseSync } from 'oxc-parser';

/** Layers that are built twice. */
const LAYERS = ['base', 'uapi', 'arch', 'mmu', 'trace', 'mm', 'designs'];

/** A text that cannot be blanked without changing its meaning. */
export class BlankError extends Error {
  name = 'BlankError';
}

/**
 * The text of a TypeScript module with its operations blanked. Idempotent.
 *
 * @throws BlankError if a `yield` has a value that is used, if a loop does nothing but yield (it
 *         would never end), or if the text does not parse
 */
export function blank(text, path = 'operation.ts') {
  const characters = [...Array(text.length).keys()].map((at) => text[at]);
  const erase = (start, end) => {
    for (let at = start; at < end; at++) if (text[at] !== '\n') characters[at] = ' ';
  };
  visit(parse(text, path), [], (node, parents) => {
    const fail = (why) => {
      throw new BlankError(`Cannot blank ${path}:${lineOf(text, node.start)}: ${why}`);
    };
    if (isLoop(node) && yieldsOnly(node.body)) fail('a loop that only yields would never end');
    if (node.generator === true) {
      const at = asteriskOf(text, node, parents.at(-1));
      erase(at, at + 1);
    }
    if (node.type !== 'YieldExpression') return;
    if (node.delegate) {
      const end = node.argument.start;
      const words = text.slice(node.start, end);
      if (words.includes('\n')) fail('`yield*` and its operation stand on two lines');
      erase(node.start, node.start + words.indexOf('*') + 1);
      return;
    }
    const [holder, statement] = parents.slice(-2);
    if (statement.type !== 'ExpressionStatement') fail('the value of a `yield` is used');
    erase(statement.start, statement.end);
    if (!['BlockStatement', 'FunctionBody', 'StaticBlock', 'SwitchCase'].includes(holder.type)) {
      characters[statement.start] = '{';
      characters[statement.start + 1] = '}';
    }
  });
  return characters.join('');
}

/**
 * Calls of operations that nobody runs: `setEntry(...)` as a statement of its own, where
 * `yield* setEntry(...)` was meant. A silent no-op when exploring, and no error to the compiler.
 *
 * @param sources `{path, text}` of all modules that define or call operations
 * @returns `path:line: name` of each
 */
export function findIdleCalls(sources) {
  const parsed = sources.map((source) => ({ ...source, body: parse(source.text, source.path) }));
  const operations = new Set();
  for (const { body } of parsed) {
    visit(body, [], (node, parents) => {
      if (node.generator === true) operations.add(nameOf(node.id ?? parents.at(-1).key));
    });
  }
  const found = [];
  for (const { path, text, body } of parsed) {
    visit(body, [], (node, parents) => {
      if (node.type !== 'CallExpression' || parents.at(-1).type !== 'ExpressionStatement') return;
      const name = nameOf(node.callee.property ?? node.callee);
      if (operations.has(name)) found.push(`${path}:${lineOf(text, node.start)}: ${name}`);
    });
  }
  return found;
}

/**
 * Writes the blanked tree to `build/fast/src`; files that have not changed keep their time, so that
 * the compiler has nothing to do for them. `x.fast.ts` stands in for `x.ts`.
 */
export function blankTree(root) {
  const wanted = new Map();
  for (const layer of LAYERS) {
    for (const name of readdirSync(join(root, 'src', layer), { recursive: true })) {
      if (!name.endsWith('.ts') || name.endsWith('.test.ts')) continue;
      const path = join('src', layer, name);
      const twin = path.replace(/\.ts$/, '.fast.ts');
      const isSwapped = statSync(join(root, twin), { throwIfNoEntry: false }) !== undefined;
      if (isSwapped) wanted.set(path, readFileSync(join(root, twin), 'utf8'));
      else if (!name.endsWith('.fast.ts')) {
        wanted.set(path, blank(readFileSync(join(root, path), 'utf8'), path));
      }
    }
  }
  const target = join(root, 'build/fast');
  mkdirSync(target, { recursive: true });
  for (const [path, text] of wanted) writeIfChanged(join(target, path), text);
  for (const name of readdirSync(target, { recursive: true })) {
    if (name.endsWith('.ts') && !wanted.has(name)) rmSync(join(target, name));
  }
}

function writeIfChanged(path, text) {
  const exists = statSync(path, { throwIfNoEntry: false }) !== undefined;
  if (exists && readFileSync(path, 'utf8') === text) return;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

function parse(text, path) {
  const { program, errors } = parseSync(path, text, { lang: 'ts', sourceType: 'module' });
  if (errors.length > 0) throw new BlankError(`Cannot parse ${path}: ${errors[0].message}`);
  return program;
}

/** Calls `enter(node, parents)` for every node, parents before children. */
function visit(node, parents, enter) {
  enter(node, parents);
  const below = [...parents, node];
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (child !== null && typeof child === 'object' && typeof child.type === 'string') {
        visit(child, below, enter);
      }
    }
  }
}

/** Where the asterisk of a generator stands: before its name, or before the key of a method. */
function asteriskOf(text, node, parent) {
  const isMethod = parent.type === 'MethodDefinition' || parent.type === 'Property';
  const end = isMethod ? parent.key.start : (node.id ?? node.params[0] ?? node.body).start;
  return text.slice(0, end).lastIndexOf('*');
}

function isLoop({ type }) {
  return /^(While|DoWhile|For|ForIn|ForOf)Statement$/.test(type);
}

/** Whether a statement consists of `yield point;` and nothing else, at least one. */
function yieldsOnly(statement) {
  if (statement.type === 'BlockStatement') {
    return statement.body.length > 0 && statement.body.every(yieldsOnly);
  }
  if (statement.type !== 'ExpressionStatement') return false;
  const { expression } = statement;
  return expression.type === 'YieldExpression' && !expression.delegate;
}

function nameOf(node) {
  return node?.name ?? '';
}

function lineOf(text, at) {
  return text.slice(0, at).split('\n').length;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  blankTree(fileURLToPath(new URL('..', import.meta.url)));
}
