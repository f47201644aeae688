/** Writing to a page in place. @source mm/memory.c wp_page_reuse() (Linux 6.18) */
import { ACCESSED, DIRTY, W } from '../../arch/index.ts';
import { flagsAt, frameAt, setLeaf } from '../table/pgtable.ts';
import type { Task } from '../task.ts';
import { VM, type Vma } from '../vma/vma.ts';
import type { Op } from '../world/op.ts';
import { setting } from '../world/point.ts';

/** Gives a page that is the process's own the right to be written to. Called under the table's lock. */
export function* wpPageReuse({ machine }: Task, vma: Vma, slot: number): Op<void> {
  yield setting(machine.objects.entry(slot));
  // Who forces a write may do so where the VMA does not let the program write.
  const right = (vma.flags & VM.WRITE) === 0 ? 0 : W;
  const flags = flagsAt(machine, slot) | ACCESSED | DIRTY | right;
  setLeaf(machine, slot, frameAt(machine, slot), flags);
}
