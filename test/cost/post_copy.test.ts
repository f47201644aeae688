/** A guest's migration in the engine, beside what its tables and its collapse are said to be. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Engine, measurePostCopy } from '../../src/cost/index.ts';
import {
  collapse,
  HGM_GUEST,
  POST_COPY_DESIGNS,
  postCopy,
  tablesOf,
} from '../../src/workload/index.ts';

const built = (layer: string): Promise<object> =>
  import(new URL(`../../fast/src/${layer}/index.js`, import.meta.url).href);
const mm = { ...(await built('mm')), ...(await built('designs')) } as Engine;

const [MIB, GIB] = [2 ** 20, 2 ** 30];
const guest = { ...HGM_GUEST, guestBytes: GIB };
const arrivals = new Map(
  [...new Set(POST_COPY_DESIGNS.map(({ pieceBytes }) => pieceBytes))].map((pieceBytes) => [
    pieceBytes,
    postCopy({ ...guest, pieceBytes }).arrivals,
  ]),
);

for (const design of POST_COPY_DESIGNS) {
  test(`${design.id}: tables and entries are those that the engine has, at once and in rounds`, () => {
    const schedules = design.counting === undefined ? [[]] : [[GIB], [2 * MIB], [2 * MIB, GIB]];
    const order = arrivals.get(design.pieceBytes)!;
    for (const rounds of schedules) {
      const cost = measurePostCopy(mm, GIB, design, order, rounds);
      assert.equal(cost.tables, tablesOf(GIB, design.pieceBytes));
      assert.equal(cost.fetch.faults, order.filter((piece) => piece < 0).length);
      const said = collapse(guest, design, rounds);
      const last = cost.collapses.at(-1)?.tables ?? cost.tables;
      const entries = cost.collapses.reduce((sum, { entriesWritten }) => sum + entriesWritten, 0);
      assert.deepEqual([last, entries], [said.tables, said.entries], rounds.join());
    }
  });
}
