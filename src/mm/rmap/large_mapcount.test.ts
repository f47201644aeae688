/**
 * Whether one address space has a large folio alone. Facts: "mm: MM owner tracking for large folios
 * (!hugetlb)", LKML, March 2025, whose cover letter tells what is detected, and what is not.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newWorld } from '../../../test/mm/small_world.ts';
import * as mm from '../index.ts';
import { allocFolio } from '../page/frame.ts';
import {
  addLargeMaps,
  disownLargeMaps,
  dropLargeMaps,
  isMaybeMappedShared,
  ownedMaps,
  ownLargeMaps,
  privateMapcount,
} from './large_mapcount.ts';

const ORDER = 4;
type Name = 'A' | 'B' | 'C';

/** A private folio that nobody maps yet, and three processes. */
class Folio {
  readonly machine = newWorld(mm, { mms: 3, frames: 64, tables: 12 });
  readonly head = mm.run(allocFolio(this.machine, 0, ORDER));
  readonly mms: Readonly<Record<Name, mm.Mm>>;

  constructor() {
    const [A, B, C] = [0, 1, 2].map((cpu) => {
      if (cpu > 0) mm.run(mm.newProcess(this.machine, 0));
      return this.machine.mms.get(cpu);
    });
    this.mms = { A: A!, B: B!, C: C! };
    this.machine.frameMapping[this.head] = -1;
  }

  /** `A+2`: two more entries of A map pages of it; `A-1`: one less; and whether it may be shared then. */
  after(...steps: string[]): boolean {
    for (const step of steps) {
      const change = step[1] === '+' ? addLargeMaps : dropLargeMaps;
      change(this.machine, this.mms[step[0] as Name], this.head, Number(step.slice(2)));
    }
    return isMaybeMappedShared(this.machine, this.head);
  }
}

test('one address space has a folio alone until another one maps it, and when that has left', () => {
  const folio = new Folio();
  assert.equal(folio.after('A+2'), false);
  assert.equal(folio.after('B+1'), true);
  assert.equal(folio.after('A-1'), true);
  assert.equal(folio.after('A-1', 'B+1'), false);
  assert.equal(folio.after('A+1', 'A-1'), false);
});

test('the third one is not remembered: what it alone has still counts as shared', () => {
  const folio = new Folio();
  assert.equal(folio.after('A+2', 'B+2', 'C+2'), true);
  assert.equal(folio.after('A-2', 'B-2'), true);
  assert.equal(privateMapcount(folio.machine, folio.head), 2);
  assert.equal(folio.after('C-1'), false, 'one entry is never shared');
});

test('the first one has the folio alone again when the second and the third have left', () => {
  const folio = new Folio();
  assert.equal(folio.after('A+2', 'B+2', 'C+2', 'C-2', 'B-2'), false);
});

test('who gets a slot late may leave more than it came with', () => {
  const folio = new Folio();
  assert.equal(folio.after('A+1', 'B+1', 'C+3', 'A-1', 'C+1'), true);
  assert.equal(ownedMaps(folio.machine, folio.head), 2);
  assert.equal(folio.after('C-4'), false);
  assert.equal(ownedMaps(folio.machine, folio.head), 1);
  assert.equal(folio.after('B-1'), false);
  assert.equal(ownedMaps(folio.machine, folio.head), 0);
});

test('the entries of a shared table are nobody’s, until one has it alone', () => {
  const { machine, head, mms } = new Folio();
  addLargeMaps(machine, mms.A, head, 4);
  disownLargeMaps(machine, mms.A, head, 4);
  assert.equal(isMaybeMappedShared(machine, head), true);
  addLargeMaps(machine, mms.A, head, 4);
  assert.equal(isMaybeMappedShared(machine, head), true, 'A has copied the table');
  dropLargeMaps(machine, mms.A, head, 4);
  assert.equal(isMaybeMappedShared(machine, head), true);
  ownLargeMaps(machine, mms.B, head, 4);
  assert.equal(isMaybeMappedShared(machine, head), false);
});
