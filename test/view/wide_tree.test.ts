/** What is larger than any screen: only what is in sight of it is drawn, and the roots of trees are. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeTrace, TraceWriter } from '../../src/trace/index.ts';
import { judgedTest } from '../live/judge.ts';
import { browserJudge, type Viewer, withViewer } from './browser.ts';

const TABLES = 130;

/** One address space with so many PTE tables. */
function wideTrace(): Uint8Array {
  const trace = new TraceWriter({ clock: 'steps', format: 'x86_64-4level' });
  for (const [table, level] of [3, 2, 1].entries()) {
    trace.tableAlloc(table);
    trace.tableLink(0, table, table - 1, 0, level, 0);
  }
  for (let index = 0; index < TABLES; index++) {
    trace.time = index;
    trace.tableAlloc(3 + index);
    trace.tableLink(0, 3 + index, 2, index, 0, 512 * index);
  }
  return encodeTrace(trace.trace());
}

/** Shows it. */
async function withWideTrace(use: (viewer: Viewer) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'ptshare-wide-'));
  try {
    const file = join(folder, 'wide.ptt');
    writeFileSync(file, wideTrace());
    await withViewer({ file }, use);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

judgedTest(
  'of a wide tree the root is in sight, and the rest when one goes there',
  [browserJudge],
  () =>
    withWideTrace(async ({ page }) => {
      await page.locator('.events .event').first().waitFor();
      await page.keyboard.press('End');
      const boxes = page.locator('.tree .box');
      await boxes.filter({ hasText: 'PTE 3' }).first().waitFor();
      const root = await boxes.filter({ hasText: 'PGD 0' }).boundingBox();
      const place = await page.locator('.tree-place').boundingBox();
      assert.ok(root!.x >= place!.x && root!.x + root!.width <= place!.x + place!.width);
      const count = await boxes.count();
      assert.ok(count > 5 && count < TABLES / 2, `${count} boxes are drawn`);
      const last = boxes.filter({ hasText: `PTE ${2 + TABLES}` });
      assert.equal(await last.count(), 0);
      await page.evaluate("document.querySelector('.tree-place').scrollLeft = 1e6");
      await last.waitFor();
    }),
);

judgedTest(
  'of the events in words those in sight are drawn, and the others when one scrolls there',
  [browserJudge],
  () =>
    withWideTrace(async ({ page }) => {
      const events = page.locator('.events .event');
      await events.first().waitFor();
      await events.filter({ hasText: 'table 10' }).first().waitFor();
      const count = await events.count();
      assert.ok(count > 10 && count < 50, `${count} lines are drawn`);
      const rows = await page.evaluate<number>(
        "document.querySelector('.events ol').scrollHeight / document.querySelector('.event').getBoundingClientRect().height",
      );
      assert.ok(Math.abs(rows - 60) < 0.2, `room for ${rows} lines`);
      assert.equal(await events.filter({ hasText: 'table 28' }).count(), 0);
      await page.evaluate("document.querySelector('.events ol').scrollTop = 1e6");
      await events.filter({ hasText: 'table 28' }).first().waitFor();
      await page.keyboard.press('ArrowRight');
      const current = page.locator('.event[aria-current]');
      await current.waitFor();
      const [line, list] = [
        await current.boundingBox(),
        await page.locator('.events ol').boundingBox(),
      ];
      assert.ok(line!.y > list!.y - 1 && line!.y + line!.height < list!.y + list!.height + 1);
    }),
);

/** Sizes are told late, as by a browser that has much to do. */
const LATE = `window.ResizeObserver = class extends ResizeObserver {
  constructor(tell) {
    super((...told) => setTimeout(() => tell(...told), 500));
  }
};`;

judgedTest('who scrolls before anything is measured is not brought back', [browserJudge], () =>
  withWideTrace(async ({ page, url }) => {
    await page.addInitScript(LATE);
    await page.goto('about:blank');
    await page.goto(url);
    const events = page.locator('.events .event');
    await events.first().waitFor();
    await page.evaluate("document.querySelector('.events ol').scrollTop = 1e6");
    await events.filter({ hasText: 'table 28' }).first().waitFor({ timeout: 5000 });
  }),
);
