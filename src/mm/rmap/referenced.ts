/**
 * Whether a folio was used since this was last asked: the accessed bits of all entries that map it.
 *
 * The walk ends when as many entries were seen as the folio is mapped by. An entry of a shared table is
 * found once for each VMA that sees it, and is one entry.
 *
 * @source mm/rmap.c folio_referenced(), folio_referenced_one() (Linux 6.18)
 * @omits  locked VMAs, memory cgroups, VMAs that are read in sequence, large folios
 */
import { ACCESSED } from '../../arch/index.ts';
import type { Machine } from '../machine.ts';
import { clearFlushYoung } from '../notifier/notifier.ts';
import { mappedFlagsAt, setMappedFlags } from '../table/mapped_entry.ts';
import type { Op } from '../world/op.ts';
import { clearing, reading } from '../world/point.ts';
import { violate } from '../world/property.ts';
import { type Mapping, rmapWalk } from './walk.ts';

/**
 * Clears the accessed bits of the entries for the folio `head`, of one page. TLBs may go on without
 * setting them again for a while.
 *
 * Called under the folio lock, with a reference.
 *
 * @returns how many entries had it set
 * @locks   as `rmapWalk()`
 */
export function* folioReferenced(machine: Machine, cpu: number, head: number): Op<number> {
  yield reading(machine.objects.frame(head));
  const mapcount = machine.frameMapcount[head]!;
  const seen = new Set<number>();
  let left = mapcount;
  let referenced = 0;
  yield* rmapWalk(machine, cpu, head, function* visit(_machine, _cpu, mapping): Op<boolean> {
    const { slot } = mapping;
    if (!seen.has(slot) || machine.bugs.referencedCountsByVma === true) left--;
    seen.add(slot);
    const { mm, page } = mapping;
    const wasUsed = yield* clearYoung(machine, mapping);
    const wasElsewhere = yield* clearFlushYoung({ machine, cpu }, mm, page, page + 1);
    if (wasUsed || wasElsewhere) referenced++;
    return left > 0;
  });
  // Who ends early has looked at them all.
  if (left === 0 && seen.size < mapcount) violate(machine, 'P-COUNT');
  return referenced;
}

/** Called under the lock of the table. */
function* clearYoung(machine: Machine, { slot }: Mapping): Op<boolean> {
  yield clearing(machine.objects.entry(slot));
  const flags = mappedFlagsAt(machine, slot);
  if ((flags & ACCESSED) === 0) return false;
  setMappedFlags(machine, slot, flags & ~ACCESSED);
  return true;
}
