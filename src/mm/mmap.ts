/**
 * mmap(2) and munmap(2) of anonymous memory.
 *
 * @source mm/vma.c (Linux 6.18)
 */
import { assert } from '../base/assert.ts';
import { EEXIST, EINVAL, ENOMEM } from './errno.ts';
import { mmapReadUnlock, mmapWriteDowngrade, mmapWriteLock, mmapWriteUnlock } from './lock.ts';
import { type Machine, NONE } from './machine.ts';
import { freePgtables, unmapPageRange } from './memory.ts';
import { indexOfVma, insertVma, removeVma, vmaAt, vmaStartWrite } from './mmap_lock.ts';
import { tlbFlushMmu, tlbGatherMmu } from './mmu_gather.ts';
import type { Op } from './op.ts';

/**
 * `mmap(MAP_ANONYMOUS | MAP_PRIVATE | MAP_FIXED_NOREPLACE)` of the pages `[start, end)`.
 *
 * @returns 0; EEXIST if the range is not free; ENOMEM beyond the number of VMAs
 * @locks  mmap (write)
 * @source mm/mmap.c do_mmap(), mm/vma.c __mmap_region() (Linux 6.18)
 * @omits  placement, merging, accounting, files
 */
export function* mmapFixed(
  machine: Machine,
  cpu: number,
  mm: number,
  start: number,
  end: number,
  writable: boolean,
): Op<number> {
  if (start >= end) return EINVAL;
  yield* mmapWriteLock(machine, cpu, mm);
  const next = vmaAt(machine, mm, indexOfVma(machine, mm, start));
  let result = EEXIST;
  if (next === NONE || machine.vmaStart[next]! >= end) {
    const vma = yield* insertVma(machine, mm, start, end, writable);
    result = vma === NONE ? ENOMEM : 0;
  }
  yield* mmapWriteUnlock(machine, cpu, mm);
  return result;
}

/**
 * `munmap(2)` of the pages `[start, end)`.
 *
 * Once the VMAs are out of the tree no fault can find them, so the lock is downgraded: entries are
 * cleared, flushed and freed while faults and reads elsewhere go on. The mmap lock is dropped only
 * after the flush: whoever maps these pages next must not meet an old translation.
 *
 * @returns 0; EINVAL if the range is empty
 * @locks   mmap (write), each VMA (write), mmap (read), then one page-table lock at a time
 * @source  mm/vma.c do_vmi_align_munmap(), vms_complete_munmap_vmas() (Linux 6.18)
 * @omits   splitting: the range must cover VMAs wholly; stacks, mlock, userfaultfd
 */
export function* munmap(
  machine: Machine,
  cpu: number,
  mm: number,
  start: number,
  end: number,
): Op<number> {
  if (start >= end) return EINVAL;
  yield* mmapWriteLock(machine, cpu, mm);
  const index = indexOfVma(machine, mm, start);
  const removed = yield* removeVmas(machine, mm, index, start, end);
  if (removed === 0) {
    yield* mmapWriteUnlock(machine, cpu, mm);
    return 0;
  }
  const previous = vmaAt(machine, mm, index - 1);
  const next = vmaAt(machine, mm, index);
  const floor = previous === NONE ? 0 : machine.vmaEnd[previous]!;
  const ceiling = next === NONE ? Number.POSITIVE_INFINITY : machine.vmaStart[next]!;
  yield* mmapWriteDowngrade(machine, cpu, mm);

  tlbGatherMmu(machine, cpu);
  yield* unmapPageRange(machine, cpu, mm, start, end);
  const root = machine.mmRoot[mm]!;
  const top = machine.format.levels - 1;
  yield* freePgtables(machine, cpu, mm, root, top, start, end, floor, ceiling);
  if (machine.bugs.unlockedBeforeFlush === true) yield* mmapReadUnlock(machine, cpu, mm);
  yield* tlbFlushMmu(machine, cpu, mm);
  if (machine.bugs.unlockedBeforeFlush !== true) yield* mmapReadUnlock(machine, cpu, mm);
  return 0;
}

/** Removes the VMAs within `[start, end)`, the first of which is number `index`. */
function* removeVmas(
  machine: Machine,
  mm: number,
  index: number,
  start: number,
  end: number,
): Op<number> {
  let removed = 0;
  for (;;) {
    const vma = vmaAt(machine, mm, index);
    if (vma === NONE || machine.vmaStart[vma]! >= end) return removed;
    assert(machine.vmaStart[vma]! >= start, 'a VMA is unmapped wholly');
    assert(machine.vmaEnd[vma]! <= end, 'a VMA is unmapped to its end');
    yield* vmaStartWrite(machine, mm, vma);
    yield* removeVma(machine, mm, index);
    removed++;
  }
}
