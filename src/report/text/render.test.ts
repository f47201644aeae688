import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import stringWidth from 'string-width';
import { hostileReport, hostReport } from '../../../test/host_report.ts';
import type { TextOptions } from './canvas.ts';
import { renderHostReport } from './render.ts';

const PLAIN: TextOptions = { width: 80, color: false, unicode: true, rows: 10 };

/** Rewritten, for a look at the difference, with PTSHARE_UPDATE_GOLDENS=1. */
function assertGolden(name: string, text: string): void {
  const path = new URL(`../../../../src/report/text/golden/${name}.txt`, import.meta.url);
  if (process.env.PTSHARE_UPDATE_GOLDENS) writeFileSync(path, text);
  assert.equal(text, readFileSync(path, 'utf8'));
}

for (const width of [60, 80, 120, 200]) {
  test(`the report reads as agreed at ${width} columns`, () => {
    assertGolden(`report-${width}`, renderHostReport(hostReport(), { ...PLAIN, width }));
  });
}

test('the report reads as agreed in ASCII', () => {
  const text = renderHostReport(hostReport(), { ...PLAIN, unicode: false, rows: 3 });
  assert.match(text, /^[\n -~]*$/);
  assertGolden('report-ascii', text);
});

test('no line is wider than the terminal, whatever the names are', () => {
  for (const report of [hostReport(), hostileReport()]) {
    // A command that has no place to break may be wider: a cut one would be a trap.
    for (const { steps } of report.advice) for (const step of steps) delete step.command;
    for (let width = 60; width <= 200; width += 7) {
      const lines = renderHostReport(report, { ...PLAIN, width }).split('\n');
      const wide = lines.filter((line) => stringWidth(line) > width);
      assert.deepEqual(wide, [], `at ${width}`);
    }
  }
});

test('colours add nothing but colours', () => {
  const colored = renderHostReport(hostReport(), { ...PLAIN, color: true });
  assert.notEqual(colored, renderHostReport(hostReport(), PLAIN));
  assert.equal(stripVTControlCharacters(colored), renderHostReport(hostReport(), PLAIN));
});

test('no name can act on the terminal', () => {
  const text = renderHostReport(hostileReport(), PLAIN);
  assert.doesNotMatch(text.replaceAll('\n', ''), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
  assert.match(text, /\\x1b\[2J/);
  const colored = renderHostReport(hostileReport(), { ...PLAIN, color: true });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  assert.doesNotMatch(colored.replace(/\x1b\[\d+m/g, ''), /[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
});

test('rows that are not shown are counted with their bytes', () => {
  const text = renderHostReport(hostReport(), { ...PLAIN, rows: 2 });
  assert.match(text, /and 8 more groups, 81\.1 MiB/);
  assert.match(text, /and 3 more objects, /);
});

test('a host without advice and designs that save is told so', () => {
  const report = hostReport();
  report.advice = [];
  report.designs = report.designs.map((design) => ({ ...design, savesBytes: 0 }));
  const text = renderHostReport(report, PLAIN);
  assert.match(text, /No table exists more than once/);
  assert.match(text, /No design would save anything here/);
  assert.match(text, /Nothing: no setting of this kernel would save much here/);
});
