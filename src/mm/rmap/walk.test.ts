import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mapPages, newWorld } from '../../../test/mm/small_world.ts';
import * as mm from '../index.ts';
import { lockFolio, unlockFolio } from '../page/folio_lock.ts';
import { type Mapping, rmapWalk } from './walk.ts';

const FIRST = 0x10000;

/** Where `frame` is mapped: address space and page. */
function mappings(machine: mm.Machine, frame: number): [number, number][] {
  const found: [number, number][] = [];
  function* visit(_machine: mm.Machine, _cpu: number, mapping: Mapping): mm.Op<boolean> {
    found.push([mapping.mm.id, mapping.page]);
    yield mm.reading(machine.objects.entry(mapping.slot));
    return true;
  }
  mm.run(lockFolio(machine, 0, frame));
  assert.equal(mm.run(rmapWalk(machine, 0, frame, visit)), true);
  mm.run(unlockFolio(machine, 0, frame));
  return found.sort();
}

function frameOf(task: mm.Task, page: number): number {
  const frame = mm.run(mm.gupFast(task, page, false));
  mm.run(mm.unpin(task, frame));
  return frame;
}

test('a walk meets all entries of a page in a family of processes, and no others', () => {
  const machine = newWorld(mm, { cpus: 2, mms: 4, frames: 64, tables: 60 });
  const parent = mm.taskOn(machine, 0, 0);
  mm.run(mapPages(mm, parent, FIRST, FIRST + 8));
  for (let page = 0; page < 8; page++) mm.run(mm.store(parent, FIRST + page, page));
  const frame = frameOf(parent, FIRST + 3);
  assert.deepEqual(mappings(machine, frame), [[0, FIRST + 3]]);
  const child = mm.run(mm.fork(parent, 1)) as mm.Task;
  const grandchild = mm.run(mm.fork(child, 0)) as mm.Task;
  const ids = [0, child.mm.id, grandchild.mm.id].sort();
  assert.deepEqual(
    mappings(machine, frame),
    ids.map((id) => [id, FIRST + 3]),
  );
  // Cut in two, and gone from one.
  mm.run(mm.munmap(parent, FIRST * 4096, 4096));
  mm.run(mm.store(child, FIRST + 3, 1));
  assert.deepEqual(mappings(machine, frame), [
    [0, FIRST + 3],
    [grandchild.mm.id, FIRST + 3],
  ]);
  const own = frameOf(child, FIRST + 3);
  assert.deepEqual(mappings(machine, own), [[child.mm.id, FIRST + 3]]);
  mm.audit(machine);
  assert.equal(mm.violationOf(machine), undefined);
});
