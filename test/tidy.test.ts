/** What the compiler and the linter do not check: layers, sizes, words. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseSync } from 'oxc-parser';
import { DOORS, LAYERS } from './layers.ts';

const LINES_MAX = 400;
const FUNCTION_LINES_MAX = 70;

interface Source {
  readonly path: string;
  readonly text: string;
}

/** TypeScript files of the project, tests included. */
function sources(...folders: readonly string[]): Source[] {
  return folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.tsx?$/.test(name))
      .map((name) => ({
        path: join(folder, name),
        text: readFileSync(join(folder, name), 'utf8'),
      })),
  );
}

const isTest = (path: string): boolean => path.endsWith('.test.ts');

/** What `source` imports: `base` for a layer of ours, `zod` or `node:` for what is not. */
function imports({ path, text }: Source): string[] {
  const { module, errors } = parseSync(path, text);
  assert.deepEqual(errors, [], path);
  const layer = path.split('/')[1]!;
  return [...module.staticImports, ...module.staticExports.flatMap(({ entries }) => entries)]
    .map((entry) => ('moduleRequest' in entry ? entry.moduleRequest?.value : undefined))
    .filter((name) => name !== undefined)
    .map((name) => {
      if (name.startsWith('node:')) return 'node:';
      if (!name.startsWith('.')) return name.split('/')[0]!;
      return join(path, '..', name).split('/')[1]!;
    })
    .filter((name) => name !== layer);
}

test('every layer imports only what the table allows', () => {
  const wrong = sources('src')
    .filter(({ path }) => !isTest(path))
    .flatMap((source) => {
      const layer = source.path.split('/')[1]!;
      const allowed = LAYERS[layer];
      assert.ok(allowed, `${layer} is in the table of layers`);
      return imports(source)
        .filter((name) => !allowed.includes(name) && !DOORS[source.path]?.includes(name))
        .map((name) => `${source.path} imports ${name}`);
    });
  assert.deepEqual(wrong, []);
});

test('the table of layers names only layers that exist, and has no circle', () => {
  const visit = (layer: string, above: readonly string[]): void => {
    assert.ok(!above.includes(layer), `${layer} reaches itself through ${above.join(', ')}`);
    for (const below of LAYERS[layer] ?? []) visit(below, [...above, layer]);
  };
  const folders = readdirSync('src');
  for (const layer of Object.keys(LAYERS)) {
    assert.ok(folders.includes(layer), `${layer} is a folder of src`);
    visit(layer, []);
  }
});

test(`a file has at most ${LINES_MAX} lines`, () => {
  const long = sources('src', 'bench')
    .filter(({ path, text }) => !isTest(path) && text.split('\n').length > LINES_MAX)
    .map(({ path }) => path);
  assert.deepEqual(long, []);
});

test(`a function has at most ${FUNCTION_LINES_MAX} lines`, () => {
  const long = sources('src', 'bench')
    .filter(({ path }) => !isTest(path))
    .flatMap(({ path, text }) => longFunctions(path, text));
  assert.deepEqual(long, []);
});

function longFunctions(path: string, text: string): string[] {
  const found: string[] = [];
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) {
      for (const item of node) visit(item);
      return;
    }
    if (node === null || typeof node !== 'object') return;
    if ('type' in node && 'start' in node && 'end' in node) {
      const isFunction = /^(Function|ArrowFunction)/.test(String(node.type));
      const lines = text.slice(Number(node.start), Number(node.end)).split('\n').length;
      if (isFunction && lines > FUNCTION_LINES_MAX) found.push(`${path}: ${lines} lines`);
    }
    for (const value of Object.values(node)) visit(value);
  };
  visit(parseSync(path, text).program.body);
  return found;
}

/** A word that must not stand in the code, and what to write instead. */
const BANNED: readonly (readonly [RegExp, string])[] = [
  [/\bconsole\.log\b/, 'process.stdout.write in cli, nothing elsewhere'],
  [/\bMath\.random\b/, 'a seeded generator, so that a failure can be shown again'],
  [/\b(FIXME|TODO|XXX|HACK)\b/, 'do it, or file it'],
  [/\bas any\b/, 'a type'],
  [/@ts-(ignore|nocheck)/, 'a type'],
];

test('no banned word stands in the code', () => {
  const found = sources('src')
    .filter(({ path }) => !isTest(path))
    .flatMap(({ path, text }) =>
      BANNED.filter(([word]) => word.test(text)).map(
        ([word, instead]) => `${path}: ${word.source} (instead: ${instead})`,
      ),
    );
  assert.deepEqual(found, []);
});

test('every platform-free layer is compiled without Node and DOM types', () => {
  const withTypes = readdirSync('src').filter((layer) => {
    const text = readFileSync(join('src', layer, 'tsconfig.json'), 'utf8');
    return /"types"|"lib"/.test(text);
  });
  assert.deepEqual(withTypes.sort(), ['capture', 'cli', 'dataset', 'view', 'watch']);
});
