/** The truth about entries of second-level tables, as the flush ledger and the audit see it. */
import type { Machine } from '../machine.ts';
import { headOf } from '../page/frame.ts';
import {
  frameAt,
  isLeafAt,
  isPresentAt,
  isTableAt,
  isWritableAt,
  slotIn,
  tableAt,
} from '../table/pgtable.ts';
import { violate } from '../world/property.ts';
import { SECOND_LEVEL, type SecondaryEntry } from '../world/secondary_views.ts';

/** An entry is made. It is stale at once if its address space says otherwise by now. */
export function noteSecondary(machine: Machine, entry: SecondaryEntry): void {
  if (machine.frameReferences[headOf(machine, entry.frame)]! <= 0) violate(machine, 'P-UAF-PAGE');
  machine.secondaryViews.add(entry);
  if (!isBacked(machine, entry)) machine.ledger.openSecondLevel(entry);
}

/** An entry is taken away: TLBs of CPUs that run the guest may go on using it until they are flushed. */
export function forgetSecondary(machine: Machine, entry: SecondaryEntry): void {
  const { space, page, pages, frame, isWritable } = entry;
  const { ledger, mmCpus } = machine;
  machine.secondaryViews.remove(space, page);
  ledger.discharge(SECOND_LEVEL, space, page, page + pages);
  ledger.openFolio(mmCpus[space]!, space, page, page + pages, frame, isWritable);
}

/** Whether each page of the entry is mapped by its address space, too, with the same rights. */
export function isBacked(machine: Machine, entry: SecondaryEntry): boolean {
  const { mm, start, pages, frame, isWritable } = entry;
  if (machine.mms.find(mm) === undefined) return false;
  for (let at = 0; at < pages; at++) {
    if (frameMappedAt(machine, mm, start + at, isWritable) !== frame + at) return false;
  }
  return true;
}

/** The frame of `page`, or -1 if it is not mapped, or not to be written to. */
export function frameMappedAt(
  machine: Machine,
  mm: number,
  page: number,
  isWrite: boolean,
): number {
  let table = machine.mms.get(mm).root;
  for (let level = machine.format.levels - 1; ; level--) {
    const slot = slotIn(machine, table, page, level);
    if (!isPresentAt(machine, slot)) return -1;
    if (isLeafAt(machine, slot, level)) {
      if (isWrite && !isWritableAt(machine, slot)) return -1;
      return frameAt(machine, slot, level) + (page % machine.format.entryPages[level]!);
    }
    if (!isTableAt(machine, slot, level)) return -1;
    table = tableAt(machine, slot, level);
  }
}
