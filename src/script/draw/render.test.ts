import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import stringWidth from 'string-width';
import { type Run, runScript } from '../../../test/script/run_script.ts';
import type { TextOptions } from '../../report/text/canvas.ts';
import { canvasOf } from '../../report/text/canvas.ts';
import { density } from './density.ts';
import { renderStep, renderView } from './render.ts';

const PLAIN: TextOptions = { width: 80, color: false, unicode: true, rows: 10 };

/** Small and huge pages, zeroes, holes, a child, an error and a signal. */
const STORY = `
  a = mmap(NULL, 8*M, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS)
  madvise(a, 4*M, MADV_HUGEPAGE)
  write(a, 5*M); read(a + 6*M, 100*K)
  b = mmap(NULL, 64*M, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS|MAP_NORESERVE)
  write(b); write(b + 2*M); write(b + 4*M); write(b + 16*M, 300*K); write(b + 32*M, 2*M)
  munmap(b + 1, 4*K)
  child = fork(); as(child); cpu(1)
  write(a + 4*M, 64*K); munmap(a + 2*M, 4*K); mprotect(b, 4*K, PROT_NONE); read(b)
`;

function drawn({ session, steps }: Run, options: TextOptions): string {
  return (
    steps.map((step) => renderStep(step, options)).join('') + renderView(session.view(), options)
  );
}

/** Rewritten, for a look at the difference, with PTSHARE_UPDATE_GOLDENS=1. */
function assertGolden(name: string, text: string): void {
  const path = new URL(`../../../../src/script/draw/golden/${name}.txt`, import.meta.url);
  if (process.env.PTSHARE_UPDATE_GOLDENS) writeFileSync(path, text);
  assert.equal(text, readFileSync(path, 'utf8'));
}

for (const width of [60, 80, 120]) {
  test(`a script is drawn as agreed at ${width} columns`, () => {
    assertGolden(`story-${width}`, drawn(runScript(STORY), { ...PLAIN, width }));
  });
}

test('a script is drawn as agreed in ASCII', () => {
  const text = drawn(runScript(STORY), { ...PLAIN, unicode: false, rows: 2 });
  assert.match(text, /^[\n -~]*$/);
  assertGolden('story-ascii', text);
});

test('no line is wider than the terminal', () => {
  const run = runScript(STORY);
  for (let width = 60; width <= 200; width += 7) {
    const lines = drawn(run, { ...PLAIN, width }).split('\n');
    const wide = lines.filter((line) => stringWidth(line) > width);
    assert.deepEqual(wide, [], `at ${width}`);
  }
});

test('colours add nothing but colours, and what they mean', () => {
  const run = runScript(STORY);
  const colored = drawn(run, { ...PLAIN, color: true });
  const lines = stripVTControlCharacters(colored).split('\n');
  const plain = drawn(run, PLAIN).split('\n');
  assert.notDeepEqual(colored.split('\n'), lines);
  assert.deepEqual(
    lines.filter((line) => line !== '  anon  zero  anon, shared'),
    plain,
  );
});

test('what a script says cannot act on the terminal', () => {
  const text = drawn(runScript('echo("\u001b[2J\u202e")'), PLAIN);
  assert.match(text, /\\x1b\[2J\\u\{202e\}/);
});

test('only a cell that is full looks so, and only one that is empty looks empty', () => {
  const canvas = canvasOf(PLAIN);
  for (let used = 0; used <= 512; used++) {
    const entries = new Uint8Array(512).fill(2, 0, used);
    const { text } = density(canvas, entries, 1);
    assert.equal(text === '█', used === 512, String(used));
    assert.equal(text === '·', used === 0, String(used));
  }
});
