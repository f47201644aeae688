/**
 * Moving all pages of a range, as move_pages(2) does with MPOL_MF_MOVE_ALL.
 *
 * @source mm/migrate.c do_pages_move(), migrate_pages() (Linux 6.18)
 * @omits  nodes: every page gets another frame; large folios, which stay; passes for those that could
 *         not be moved
 */

import { forEachTable } from '../madvise/tables.ts';
import { getFrame, headOf, orderOf, putFrame } from '../page/frame.ts';
import { isMappedAt, mappedFrameAt } from '../table/mapped_entry.ts';
import type { Task } from '../task.ts';
import { mmapReadLock, mmapReadUnlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { reading } from '../world/point.ts';
import { FrameFlag } from '../world/world.ts';
import { migrateFolio } from './migrate.ts';

/**
 * Moves the small pages that are mapped in `[start, end)` to other frames, whoever else maps them.
 *
 * @returns how many stay where they were, because somebody holds them or memory is exhausted
 * @locks   mmap (read) while they are looked for; none while they are moved
 */
export function* migratePages(task: Task, start: number, end: number): Op<number> {
  const { machine, cpu, mm } = task;
  const found: number[] = [];
  yield* mmapReadLock(machine, cpu, mm.id);
  yield reading(machine.objects.tree(mm.id));
  // Tables of what is no longer in the tree may go at any time.
  const isGap = machine.bugs.walkWithoutVma === true;
  for (const vma of isGap ? [{ start, end }] : mm.vmas.within(start, end)) {
    const [from, to] = [Math.max(start, vma.start), Math.min(end, vma.end)];
    yield* isolateRange(task, from, to, found);
  }
  yield* mmapReadUnlock(machine, cpu, mm.id);
  let failed = 0;
  for (const frame of found) {
    const error = yield* migrateFolio(machine, cpu, frame);
    if (error < 0) failed++;
    yield* putFrame(machine, cpu, frame);
  }
  return failed;
}

/** Called under the mmap lock. */
function* isolateRange(task: Task, start: number, end: number, found: number[]): Op<void> {
  yield* forEachTable(
    task,
    start,
    end,
    function* isolate(_task: Task, first: number, from: number, to: number): Op<void> {
      yield* isolatePages(task, first, first + to - from, found);
    },
    false,
  );
}

/** Called under the lock of the table: the pages of its entries get a reference each. */
function* isolatePages(task: Task, first: number, end: number, found: number[]): Op<void> {
  const { machine } = task;
  for (let slot = first; slot < end; slot++) {
    yield reading(machine.objects.entry(slot));
    if (!isMappedAt(machine, slot)) continue;
    const frame = mappedFrameAt(machine, slot);
    const head = headOf(machine, frame);
    yield reading(machine.objects.frame(head));
    const isReserved = (machine.frameFlags[head]! & FrameFlag.RESERVED) !== 0;
    if (isReserved || orderOf(machine, head) > 0) continue;
    yield* getFrame(machine, frame);
    found.push(frame);
  }
}
