import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hostReport } from '../../../test/host_report.ts';
import type { WalkedMm, WalkedTable } from '../../capture/exact/walk.ts';
import type { ProcessEntry } from '../../report/schema.ts';
import { checkAgainstWalk } from './walk_check.ts';

/** A walk that finds what the report says of a process. */
function walkOf({ pid, tables, vmPteBytes }: ProcessEntry): WalkedMm {
  const table = (level: number): WalkedTable => ({ level, frame: 0, start: 0, used: 1, leaves: 1 });
  const counts = [tables.pte, tables.pmd, tables.pud];
  return {
    mm: 0n,
    rootFrame: 0,
    pids: [pid],
    comm: '',
    tables: counts.flatMap((count, level) => Array.from({ length: count }, () => table(level))),
    deposited: Array.from({ length: tables.deposited }, (_, frame) => frame),
    pgtablesBytes: vmPteBytes,
    stable: true,
  };
}

const report = hostReport();
report.processes = report.processes.slice(0, 4);
const walked = report.processes.map(walkOf);

test('a walk that finds the tables derived agrees', () => {
  const { agrees, notes } = checkAgainstWalk(report, walked);
  assert.equal(agrees, true);
  assert.deepEqual(notes, [
    "The kernel's own tables were walked: 4 of 4 address spaces that held still have the tables derived, level by level",
  ]);
});

test('a table of another level is found, even where the sum is right', () => {
  const [first, ...rest] = walked;
  const tables = [...first!.tables.slice(1), { ...first!.tables[0]!, level: 1 }];
  const { agrees, notes } = checkAgainstWalk(report, [{ ...first!, tables }, ...rest]);
  assert.equal(agrees, false);
  assert.match(notes[1]!, /They differ in java \(3310\)/);
});

test('processes that did not hold still, or are not claimed to be exact, are not compared', () => {
  const [first, second, ...rest] = walked;
  const moved = { ...first!, pgtablesBytes: 0, tables: [] };
  const raced = { ...second!, stable: false, tables: [] };
  const { agrees, notes } = checkAgainstWalk(report, [moved, raced, ...rest]);
  assert.equal(agrees, true);
  assert.match(notes[0]!, /2 of 2 address spaces/);
});

test('tables that map nothing are counted', () => {
  const [first, ...rest] = walked;
  const tables = first!.tables.map((table, i) => (i < 2 ? { ...table, used: 0 } : table));
  const { notes } = checkAgainstWalk(report, [{ ...first!, tables }, ...rest]);
  assert.deepEqual(notes.slice(1), ['2 tables of these (8 KiB) map nothing']);
});
