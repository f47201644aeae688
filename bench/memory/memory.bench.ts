/**
 * What a mapped page costs beyond its entry: what the process has got from V8 and for typed arrays for
 * a machine that maps 1 GiB of private memory. Nothing is left out: page tables above the lowest
 * level, tables' own records and all that a machine has whatever it maps are in it.
 */
import type * as canonical from '../../src/mm/index.ts';
import { mapPages, newWorld } from '../../test/mm/small_world.ts';

const mm = (await import(
  new URL('../../fast/src/mm/index.js', import.meta.url).href
)) as typeof canonical;

const PAGES = 2 ** 18;
/** Where a table of level 2 starts. */
const FIRST = 2 ** 18;
const ENTRY_BYTES = 8;
const TABLE_ENTRIES = 512;
/** The root, and one table of each level between. */
const UPPER_TABLES = 3;
const WORD_BYTES = 4;
const BAR = 16;

if (globalThis.gc === undefined) {
  const { setFlagsFromString } = await import('node:v8');
  const { runInNewContext } = await import('node:vm');
  setFlagsFromString('--expose-gc');
  globalThis.gc = runInNewContext('gc') as typeof globalThis.gc;
}

function usedBytes(): number {
  globalThis.gc!();
  globalThis.gc!();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** A machine just large enough for its pages, all of them mapped and written to. */
function mapped(contents: boolean): canonical.Machine {
  const tables = PAGES / TABLE_ENTRIES + UPPER_TABLES;
  const machine = newWorld(mm, { frames: PAGES + 1, tables, contents });
  const task = mm.taskOn(machine, 0, 0);
  mm.run(mapPages(mm, task, FIRST, FIRST + PAGES));
  for (let page = FIRST; page < FIRST + PAGES; page++) {
    mm.run(mm.handleUserFault(task, page, mm.Access.WRITE));
  }
  if (task.mm.rss[mm.Rss.ANON] !== PAGES) throw new Error('A page is missing');
  return machine;
}

/** Bytes for each page, without its entry. */
function measure(contents: boolean): number {
  const before = usedBytes();
  const machine = mapped(contents);
  const bytes = usedBytes() - before;
  if (mm.violationOf(machine) !== undefined) throw new Error('A fault has violated a property');
  return bytes / PAGES - ENTRY_BYTES;
}

// Code that is compiled first would count.
measure(false);
for (const contents of [false, true]) {
  const bytes = measure(contents);
  // What a page holds is no bookkeeping.
  const own = bytes - (contents ? WORD_BYTES : 0);
  const verdict = own <= BAR ? 'met' : 'MISSED';
  const what = contents ? `with a word of content, ${own.toFixed(2)} but for that` : 'no content';
  process.stdout.write(
    `${bytes.toFixed(3)} bytes a mapped page beyond its entry, ${what} (bar ${BAR}: ${verdict})\n`,
  );
}
