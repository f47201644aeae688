/** Writing to a page in place. @source mm/memory.c wp_page_reuse() (Linux 6.18) */
import { mappedFlagsAt, setMappedFlags } from '../table/mapped_entry.ts';
import type { Task } from '../task.ts';
import type { Vma } from '../vma/vma.ts';
import type { Op } from '../world/op.ts';
import { setting } from '../world/point.ts';
import { writtenTo } from './anonymous.ts';

/** Gives a page that is the process's own the right to be written to. Called under the table's lock. */
export function* wpPageReuse({ machine }: Task, vma: Vma, slot: number): Op<void> {
  yield setting(machine.objects.entry(slot));
  setMappedFlags(machine, slot, mappedFlagsAt(machine, slot) | writtenTo(vma));
}
