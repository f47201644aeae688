/** What the frames of a machine are used for, in pages. @source mm/vmstat.c vmstat_text (Linux 6.18) */
import {
  entireMapcount,
  FrameFlag,
  type Machine,
  NONE,
  ORDER_MAX,
  orderOf,
  VM,
  ZERO_FRAME,
} from '../mm/index.ts';
import { mapcountOf } from './frames.ts';

export interface MemoryCounts {
  total: number;
  /** Free blocks by order. What a CPU keeps for itself is in none of them. */
  readonly freeBlocks: number[];
  free: number;
  pageTables: number;
  /** Of anonymous memory: mapped; and of huge pages that one entry maps. */
  anonMapped: number;
  anonHuge: number;
  /** Of page caches: all, those of memory that is a file, mapped, dirty ones of disks. */
  cached: number;
  shmem: number;
  fileMapped: number;
  dirty: number;
  shmemHuge: number;
  shmemHugeMapped: number;
  swapCached: number;
  /** Of private memory and memory that is a file, and of files on a disk: kept in memory. */
  mlockedAnon: number;
  mlockedFile: number;
  swapTotal: number;
  swapFree: number;
  committed: number;
}

export function countMemory(machine: Machine): MemoryCounts {
  const { frames, swapSlots } = machine.size;
  const counts: MemoryCounts = {
    total: frames,
    freeBlocks: Array<number>(ORDER_MAX + 1).fill(0),
    free: 0,
    pageTables: machine.tableUsed.reduce((sum, used) => sum + used, 0),
    anonMapped: 0,
    anonHuge: 0,
    cached: 0,
    shmem: 0,
    fileMapped: 0,
    dirty: 0,
    shmemHuge: 0,
    shmemHugeMapped: 0,
    swapCached: 0,
    mlockedAnon: 0,
    mlockedFile: 0,
    swapTotal: swapSlots,
    swapFree: swapSlots - usedSlots(machine),
    committed: 0,
  };
  for (let head = ZERO_FRAME + 1; head < frames; ) {
    const pages = 2 ** orderOf(machine, head);
    countFolio(machine, head, pages, counts);
    head += pages;
  }
  for (const mm of machine.mms.all()) {
    for (const { start, end, flags } of mm.vmas.all()) {
      if ((flags & VM.ACCOUNT) !== 0) counts.committed += end - start;
    }
  }
  return counts;
}

/** Slots of the swap device that an entry stands for, or the swap cache has. */
export function usedSlots({ swapCount, swapCache }: Machine): number {
  return swapCount.reduce(
    (sum, count, slot) => sum + (count > 0 || swapCache[slot] !== NONE ? 1 : 0),
    0,
  );
}

/** Whether the LRU lists of files have a folio. @source include/linux/mm_inline.h folio_is_file_lru() */
const isOfFile = ({ frameFlags }: Machine, head: number): boolean =>
  (frameFlags[head]! & FrameFlag.SWAPBACKED) === 0;

/** Of the frames from `head` on, which are a folio, a free block, or one of a CPU's own. */
function countFolio(machine: Machine, head: number, pages: number, counts: MemoryCounts): void {
  const flags = machine.frameFlags[head]!;
  if ((flags & FrameFlag.BUDDY) !== 0) {
    counts.freeBlocks[Math.log2(pages)]!++;
    counts.free += pages;
    return;
  }
  const isFree = machine.frameReferences[head]! <= 0;
  if (isFree || (flags & FrameFlag.RESERVED) !== 0) return;
  if ((flags & FrameFlag.SWAPCACHE) !== 0) counts.swapCached += pages;
  const isHugeMapped = pages > 1 && entireMapcount(machine, head) > 0;
  if ((flags & FrameFlag.MLOCKED) !== 0) {
    counts[isOfFile(machine, head) ? 'mlockedFile' : 'mlockedAnon'] += pages;
  }
  let mapped = 0;
  for (let frame = head; frame < head + pages; frame++) {
    if (mapcountOf(machine, frame) > 0) mapped++;
  }
  if (machine.frameMapping[head]! < 0) {
    counts.anonMapped += mapped;
    if (isHugeMapped) counts.anonHuge += pages;
    return;
  }
  if (machine.frameMapping[head] === 0) return;
  counts.cached += pages;
  counts.fileMapped += mapped;
  if ((flags & FrameFlag.SWAPBACKED) === 0) {
    if ((flags & FrameFlag.DIRTY) !== 0) counts.dirty += pages;
    return;
  }
  counts.shmem += pages;
  if (pages > 1) counts.shmemHuge += pages;
  if (isHugeMapped) counts.shmemHugeMapped += pages;
}
