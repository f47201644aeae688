/** Taking pages of a file from those who map them. @source mm/memory.c unmap_mapping_pages() (Linux 6.18) */
import { tlbFinishMmu, tlbGatherMmu } from '../table/mmu_gather.ts';
import { unmapPageRange, Zap } from '../table/zap.ts';
import { lockShared, Rank, unlockShared } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import type { Place } from './filemap.ts';
import type { Inode } from './inode.ts';

/**
 * Clears all entries for the pages `[start, end)` of a file; with `isCows` those for private copies
 * of them, too.
 *
 * @locks i_mmap_rwsem (read), then table locks
 */
export function* unmapMapping(
  { machine, cpu }: Place,
  inode: Inode,
  start: number,
  end: number,
  isCows: boolean,
): Op<void> {
  const guard = machine.objects.iMmapLock(inode.id);
  yield* lockShared(machine, cpu, guard, Rank.I_MMAP);
  for (const [vma, mm] of inode.mappings) {
    const last = vma.pgoff + vma.end - vma.start;
    const [from, to] = [Math.max(start, vma.pgoff), Math.min(end, last)];
    if (from >= to) continue;
    const distance = vma.start - vma.pgoff;
    yield* tlbGatherMmu(machine, cpu, mm.id);
    const zap = Zap.NOTE_UFFD_WP | (isCows ? 0 : Zap.KEEP_COWS);
    yield* unmapPageRange({ machine, cpu, mm }, from + distance, to + distance, zap);
    yield* tlbFinishMmu(machine, cpu, mm.id);
  }
  yield* unlockShared(machine, cpu, guard, Rank.I_MMAP);
}
