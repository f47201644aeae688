/**
 * Pictures of the viewer that are kept, in `test/view/goldens`, and looked at by eye when they are new.
 *
 * Text takes the room that it takes in DejaVu, and is not painted: how glyphs are drawn differs from
 * one Chromium to the next. With PTSHARE_UPDATE_GOLDENS=1 they are made anew.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pixelmatch from 'pixelmatch';
import type { Page } from 'playwright-core';
import { PNG } from 'pngjs';
import type { Judge } from '../live/judge.ts';

const FOLDER = 'test/view/goldens';
const FONT = '/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf';
/** How far two colours may be apart, from 0 to 1, and how many pixels in a thousand may be farther. */
const THRESHOLD = 0.1;
const PER_MILLE_MAX = 0.5;

export const fontJudge: Judge = {
  missing: () => (existsSync(FONT) ? undefined : `not installed: ${FONT}`),
};

/** The page allows no style but its own, except what is made by scripts. */
const WITHOUT_TEXT = `(() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(\`
    :root { --ui: 13px / 1.45 "DejaVu Sans"; --mono: 12px / 1.45 "DejaVu Sans Mono" }
    :not(canvas), ::before, ::after, ::placeholder {
      color: transparent !important;
      caret-color: transparent !important;
      text-decoration-color: transparent !important;
    }
    svg text { fill: transparent !important }
  \`);
  const shadows = [...document.querySelectorAll('*')].flatMap(({ shadowRoot }) => shadowRoot ?? []);
  for (const root of [document, ...shadows]) {
    root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
  }
  OffscreenCanvasRenderingContext2D.prototype.fillText = () => {};
  // Canvases are drawn anew, in another look and back, or they keep their text.
  dispatchEvent(new Event('ptshare-theme'));
})()`;

/** Compares what is on the screen with the golden of that name. */
export async function assertGolden(page: Page, name: string): Promise<void> {
  await page.evaluate(WITHOUT_TEXT);
  await page.mouse.move(0, 0);
  const taken = await page.screenshot({ animations: 'disabled', caret: 'hide' });
  const path = join(FOLDER, `${name}.png`);
  if (process.env.PTSHARE_UPDATE_GOLDENS === '1') {
    mkdirSync(FOLDER, { recursive: true });
    writeFileSync(path, taken);
    return;
  }
  assert.ok(existsSync(path), `There is no ${path}: make it with PTSHARE_UPDATE_GOLDENS=1`);
  const [golden, actual] = [PNG.sync.read(readFileSync(path)), PNG.sync.read(taken)];
  const { width, height } = golden;
  assert.deepEqual([actual.width, actual.height], [width, height], `${name} has its size`);
  const difference = new PNG({ width, height });
  const options = { threshold: THRESHOLD };
  const pixels = pixelmatch(golden.data, actual.data, difference.data, width, height, options);
  if ((1000 * pixels) / (width * height) <= PER_MILLE_MAX) return;
  const kept = mkdtempSync(join(tmpdir(), 'ptshare-golden-'));
  writeFileSync(join(kept, `${name}.actual.png`), taken);
  writeFileSync(join(kept, `${name}.difference.png`), PNG.sync.write(difference));
  assert.fail(
    `${name} differs from ${path} in ${pixels} pixels: see ${kept}. If it is better so, make it anew with PTSHARE_UPDATE_GOLDENS=1`,
  );
}
