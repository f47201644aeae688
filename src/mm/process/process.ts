/** Address spaces: made, and given back. */
import type { Machine } from '../machine.ts';
import type { Task } from '../task.ts';
import { taskOn } from '../task.ts';
import { DEFAULT_LAYOUT, type Layout, Mm } from '../vma/mm.ts';
import type { Op } from '../world/op.ts';
import { allocTable } from '../world/table_page.ts';
import { NONE } from '../world/world.ts';

/** An empty address space, with a task in it; `undefined` if memory is exhausted. */
export function* newProcess(
  machine: Machine,
  cpu: number,
  layout: Layout = DEFAULT_LAYOUT,
): Op<Task | undefined> {
  if (machine.mms.isFull) return undefined;
  const root = yield* allocTable(machine, cpu);
  if (root === NONE) return undefined;
  const mm = machine.mms.add(cpu, (id) => new Mm(id, root, layout));
  machine.tableMm[root] = mm.id;
  machine.trace?.tableLink(mm.id, root, NONE, 0, machine.format.levels - 1, 0);
  return taskOn(machine, cpu, mm.id);
}
