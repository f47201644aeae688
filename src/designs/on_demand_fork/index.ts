/**
 * On-demand-fork, and its posted relative COW-PTE: fork shares PTE tables until the first write.
 *
 * @source On-demand-fork, EuroSys 2021; COW-PTE, LKML, May 2022 to February 2023
 * @omits  asking for it by process (prctl, clone3, /proc): it is on; running out of memory for the copy
 *         of a table that is unmapped in part
 */
import { assert } from '../../base/assert.ts';
import { Change, type Design } from '../../mm/design/design.ts';
import { Access, Fault } from '../../mm/fault/result.ts';
import {
  findMapped,
  isPresentAt,
  isTableAt,
  isWriteDenied,
  slotIn,
  tableAt,
  walk,
} from '../../mm/table/pgtable.ts';
import { tableEnd } from '../../mm/table/pte_table.ts';
import type { Task } from '../../mm/task.ts';
import type { Vma } from '../../mm/vma/vma.ts';
import type { Op } from '../../mm/world/op.ts';
import { reading } from '../../mm/world/point.ts';
import { NONE } from '../../mm/world/world.ts';
import { shareTable } from './fork.ts';
import { leaveTable } from './leave.ts';
import { ON_DEMAND_FORK, type Options } from './options.ts';
import { ownTable } from './own_table.ts';

export { COW_PTE, ON_DEMAND_FORK, type Options as OnDemandForkOptions } from './options.ts';

export function onDemandFork(options: Options = ON_DEMAND_FORK): Design {
  return {
    name: options.counts === 'each' ? 'on-demand-fork' : 'cow-pte',
    countsForEach: options.counts === 'each',
    *prepareFault(task, vma, page, access) {
      if (vma.file !== undefined) return Fault.DONE;
      const isEnough = yield* canUseAsIs(task, page, access);
      if (isEnough) return Fault.DONE;
      const isOwn = yield* ownTable(task, page, options);
      return isOwn ? Fault.DONE : Fault.OOM;
    },
    *giveUp(task, page, slot, level) {
      if (level !== 1) return false;
      return yield* leaveTable(task, page, slot, options);
    },
    beforeChange: (task, vma, start, end, change) =>
      ownTables(task, vma, start, end, change, options),
    copyTable: (task, child, from, slot, start, end) =>
      shareTable(task, child, from, slot, start, end, options),
    beforeMapped: (task, page) => ownTable(task, page, options),
  };
}

/** A read of a page that is there changes nothing. */
function* canUseAsIs({ machine, mm }: Task, page: number, access: Access): Op<boolean> {
  const slot = yield* walk(machine, mm, page, 1);
  if (slot === NONE) return true;
  yield reading(machine.objects.entry(slot));
  if (!isTableAt(machine, slot, 1) || !isWriteDenied(machine, slot)) return true;
  if (access !== Access.READ) return false;
  const entry = slotIn(machine, tableAt(machine, slot, 1), page, 0);
  yield reading(machine.objects.entry(entry));
  return isPresentAt(machine, entry);
}

/** Before pages change: what is unmapped as a whole is left, not copied. */
function* ownTables(
  task: Task,
  vma: Vma,
  start: number,
  end: number,
  change: Change,
  options: Options,
): Op<void> {
  if (vma.file !== undefined) return;
  const { machine, mm } = task;
  const span = machine.format.entryPages[1]!;
  for (let at = yield* findMapped(machine, mm, start, end); at < end; ) {
    const next = tableEnd(machine, at, end);
    const first = at - (at % span);
    const isWhole = start <= first && first + span <= end;
    if (change !== Change.UNMAP || !isWhole) {
      const isOwn = yield* ownTable(task, at, options);
      assert(isOwn, 'there is memory for the copy of a table that changes in part');
    }
    at = yield* findMapped(machine, mm, next, end);
  }
}
