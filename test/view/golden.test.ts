/**
 * The views as they were when somebody looked at them, of files that are made here. What the engine
 * does is in none of them: it changes with the engine.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import type { Page } from 'playwright-core';
import { encodeSnapshot } from '../../src/snapshot/encode.ts';
import {
  Access,
  encodeTrace,
  Mode,
  Outcome,
  Subject,
  Target,
  TraceWriter,
} from '../../src/trace/index.ts';
import { generateHost } from '../fixtures/generate_host.ts';
import { judgedTest } from '../live/judge.ts';
import { browserJudge, withViewer } from './browser.ts';
import { assertGolden, fontJudge } from './golden.ts';

const GIB = 2 ** 30;
const PAGE = 0x40000;
const PRESENT = 0x067;
const READ_ONLY = 0x065;

/** Three address spaces; two of them share a PTE table, of which CPU 1 still has a translation. */
function sharedTrace(): Uint8Array {
  const trace = new TraceWriter({ clock: 'steps', format: 'x86_64-4level' });
  const [mmap, munmap] = [trace.operation('mmap', 'start'), trace.operation('munmap', 'start')];
  const at = (time: number, cpu: number): void => {
    trace.time = time;
    trace.cpu = cpu;
  };
  trace.name(Subject.lock, 0, 'mmap_lock of mm 0');
  trace.name(Subject.lock, 1, 'lock of table 9');
  for (let mm = 0; mm < 3; mm++) {
    at(10 * mm, mm % 2);
    trace.operationBegin(mm, mmap, PAGE);
    trace.lockAcquired(0, Mode.exclusive);
    for (let level = 3; level > 0; level--) {
      const table = 3 * mm + 3 - level;
      trace.tableAlloc(table);
      trace.tableLink(mm, table, level === 3 ? -1 : table - 1, 0, level, 0);
      if (level < 3) trace.entryWrite(table - 1, 0, 0, 0, ((0x100 + table) << 12) | PRESENT, 0);
    }
    trace.lockReleased(0, Mode.exclusive);
    trace.operationEnd(mmap, 0);
  }
  trace.tableAlloc(9);
  trace.tableAlloc(10);
  for (const [mm, table] of [9, 9, 10].entries()) {
    trace.tableLink(mm, table, 3 * mm + 2, 1, 0, 0x200);
    trace.entryWrite(3 * mm + 2, 1, 0, 0, ((0x100 + table) << 12) | PRESENT, 0);
  }
  for (let index = 0; index < 12; index++) {
    at(40 + 3 * index, index % 2);
    trace.faultBegin(index % 2, PAGE + index, Access.write);
    trace.lockAcquired(1, Mode.exclusive);
    trace.folioAlloc(0x20 + index, 0);
    const flags = index % 3 === 0 ? READ_ONLY : PRESENT;
    trace.entryWrite(index < 9 ? 9 : 10, 8 * index, 0, 0, ((0x20 + index) << 12) | flags, 0);
    trace.lockReleased(1, Mode.exclusive);
    trace.faultEnd(Outcome.done);
  }
  at(80, 0);
  trace.operationBegin(0, munmap, PAGE);
  trace.lockAcquired(0, Mode.exclusive);
  trace.entryWrite(9, 8, (0x21 << 12) | PRESENT, 0, 0, 0);
  trace.obligationOpened(1, 0x208, 0x209, 0b10, Target.frame, 0x21, 1);
  trace.folioFree(0x21, 0);
  trace.ipiSent(1, 1, 0x208, 0x209);
  return encodeTrace(trace.trace());
}

const folder = mkdtempSync(join(tmpdir(), 'ptshare-goldens-'));
after(() => rmSync(folder, { recursive: true }));
const made = (name: string, bytes: Uint8Array): string => {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
};

interface Shown {
  readonly file?: () => string;
  readonly hash?: string;
  readonly prepare: (page: Page) => Promise<void>;
}

const VIEWS: Readonly<Record<string, Shown>> = {
  host: {
    file: () => {
      const host = generateHost({ processes: 24, segmentBytes: GIB, statusOnly: 5 });
      return made('host.parquet', encodeSnapshot(host));
    },
    prepare: (page) => page.getByRole('heading', { name: /Address space of/ }).waitFor(),
  },
  execution: {
    file: () => made('shared.ptt', sharedTrace()),
    prepare: async (page) => {
      await page.locator('.events .event').first().waitFor();
      await page.keyboard.press('End');
      await page.locator('.tree path.stale').first().waitFor();
    },
  },
  playground: {
    hash: '#/playground',
    prepare: async (page) => {
      await page.locator('.code-editor .cm-content').waitFor();
      await page.locator('option[value=mshare-mended]').waitFor({ state: 'attached' });
      await page.locator('.bugs label').first().waitFor();
      // Bugs are added to the zoo, and take the room of their titles.
      await page.evaluate("document.querySelector('.bugs').style.visibility = 'hidden'");
    },
  },
  entry: {
    hash: '#/entry/arm64-4k-48bit/0x0040000012345f43?level=0',
    prepare: (page) => page.locator('.bit').first().waitFor(),
  },
};

for (const [name, { file, hash, prepare }] of Object.entries(VIEWS)) {
  judgedTest(
    `${name} looks as it did, light and dark, at 1280 and 2560 pixels`,
    [browserJudge, fontJudge],
    async () => {
      const place = file === undefined ? { hash: hash! } : { file: file() };
      for (const [look, size] of [
        ['light', { width: 1280 }],
        ['dark', { width: 2560, dark: true }],
      ] as const) {
        await withViewer({ ...place, ...size }, async ({ page }) => {
          await prepare(page);
          await assertGolden(page, `${name}_${look}`);
        });
      }
    },
  );
}
