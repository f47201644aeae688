/** The walk of the real tables, as tests use it. */
import { type KernelReader, openKernelReader } from '../../src/capture/exact/kernel_reader.ts';
import {
  type WalkedHost,
  type WalkedMm,
  type WalkedTable,
  walkTables,
} from '../../src/capture/exact/walk.ts';
import { REGION_PAGES, REGION_START } from './regions.ts';

let reader: KernelReader | undefined;

/** Opens its reader once, which takes several times as long as a walk: a busy host moves on. */
export function walkHost(): WalkedHost {
  reader ??= openKernelReader();
  return walkTables(reader);
}

/**
 * What maps the region of `region.c`: PTE and PMD tables, each shared one once, and deposits. The
 * program itself has tables elsewhere only.
 */
export function regionTables(mms: readonly WalkedMm[]): {
  readonly tables: readonly WalkedTable[];
  readonly deposited: number;
} {
  const tables = new Map<number, WalkedTable>();
  for (const table of mms.flatMap((mm) => mm.tables)) {
    const inside = table.start >= REGION_START && table.start < REGION_START + 2 * REGION_PAGES;
    if (inside && table.level < 2) tables.set(table.frame, table);
  }
  const deposited = mms.reduce((sum, mm) => sum + mm.deposited.length, 0);
  return { tables: [...tables.values()], deposited };
}

/** Pages of tables that these address spaces have together: shared ones once, with their roots. */
export function distinctFrames(mms: readonly WalkedMm[]): number {
  const frames = new Set<number>();
  for (const mm of mms) {
    frames.add(mm.rootFrame);
    for (const { frame } of mm.tables) frames.add(frame);
    for (const frame of mm.deposited) frames.add(frame);
  }
  return frames.size;
}
