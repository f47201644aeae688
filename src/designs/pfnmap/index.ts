/**
 * A driver that lets processes map memory of its own, and takes it back when it likes.
 *
 * Entries of such a mapping (VM_PFNMAP) have no reference to what they map, and nothing counts them: the
 * driver has the memory, and frees it as soon as unmap_mapping_range() says that nobody maps it.
 *
 *     mmap lock  <  invalidate_lock  <  i_mmap_rwsem, page-table locks
 *
 * @source mm/memory.c vmf_insert_pfn(), zap_pte_range() where vm_normal_page() finds none (Linux 6.18);
 *         the lock is the driver's own there, as memory_lock of drivers/vfio/pci/vfio_pci_core.c
 * @omits  forks: such mappings are not copied; changes of rights; huge entries; freeing what is never taken
 *         back
 */
import { ACCESSED, DIRTY, W } from '../../arch/index.ts';
import { assert } from '../../base/assert.ts';
import type { Design, VmOps } from '../../mm/design/design.ts';
import { Fault } from '../../mm/fault/result.ts';
import type { Place } from '../../mm/file/filemap.ts';
import { type Inode, newInode } from '../../mm/file/inode.ts';
import type { OpenFile } from '../../mm/file/open_file.ts';
import { unmapMapping } from '../../mm/file/unmap_mapping.ts';
import type { Machine } from '../../mm/machine.ts';
import { allocFrame, putFrame } from '../../mm/page/frame.ts';
import {
  isMappedAt,
  mappedFlagsAt,
  mappedFrameAt,
  setMapped,
} from '../../mm/table/mapped_entry.ts';
import { tlbChange } from '../../mm/table/mmu_gather.ts';
import {
  clearEntry,
  findMapped,
  isNoneAt,
  isPresentAt,
  lockOf,
  walkAllocating,
} from '../../mm/table/pgtable.ts';
import { lockPte, unlockPte } from '../../mm/table/pte_table.ts';
import type { Task } from '../../mm/task.ts';
import { pageRights } from '../../mm/vma/page_rights.ts';
import { pgoffAt, VM, type Vma } from '../../mm/vma/vma.ts';
import { lock, lockShared, Rank, unlock, unlockShared } from '../../mm/world/lock.ts';
import type { Op } from '../../mm/world/op.ts';
import { clearing, reading, setting, writing } from '../../mm/world/point.ts';
import { FrameFlag, NONE } from '../../mm/world/world.ts';
import { PAGE_BYTES } from '../../uapi/mman.ts';

const NAME = 'pfnmap';

/** The memory of a file, by pages; guarded by its invalidate_lock. */
function memoryOf({ designData }: Machine, { id }: Inode): number[] {
  const known = designData.get(NAME) as Map<number, number[]> | undefined;
  const all = known ?? new Map<number, number[]>();
  if (known === undefined) designData.set(NAME, all);
  const memory = all.get(id) ?? [];
  all.set(id, memory);
  return memory;
}

/** A file of the driver, with memory for `pages`. */
export function* openDriverFile({ machine, cpu }: Place, pages: number): Op<OpenFile> {
  const inode = newInode(machine, cpu, {
    fileSystem: 'tmpfs',
    design: NAME,
    bytes: pages * PAGE_BYTES,
  });
  const memory = memoryOf(machine, inode);
  for (let page = 0; page < pages; page++) {
    const frame = yield* allocFrame(machine, cpu);
    assert(frame !== NONE, 'a driver has memory when it begins');
    machine.frameFlags[frame]! |= FrameFlag.RESERVED;
    memory.push(frame);
  }
  const rights = { isReadable: true, isWritable: true, isExecutable: true };
  return { mapped: { inode, design: NAME }, ...rights, pagesMax: pages };
}

/**
 * The driver takes the memory of its file back, and frees it.
 *
 * @locks invalidate_lock (write), i_mmap_rwsem (read), page-table locks
 */
export function* revokeMemory(place: Place, inode: Inode): Op<void> {
  const { machine, cpu } = place;
  const guard = machine.objects.invalidateLock(inode.id);
  yield* lock(machine, cpu, guard, Rank.INVALIDATE);
  const gone = memoryOf(machine, inode).splice(0);
  yield* unmapMapping(place, inode, 0, gone.length, true);
  for (const frame of gone) {
    yield writing(machine.objects.frame(frame));
    machine.frameFlags[frame]! &= ~FrameFlag.RESERVED;
    yield* putFrame(machine, cpu, frame);
  }
  yield* unlock(machine, cpu, guard, Rank.INVALIDATE);
}

function* fault(task: Task, vma: Vma, page: number): Op<Fault> {
  const { machine, cpu } = task;
  const { inode } = vma.file!;
  const guard = machine.objects.invalidateLock(inode.id);
  yield* lockShared(machine, cpu, guard, Rank.INVALIDATE);
  const frame = memoryOf(machine, inode)[pgoffAt(vma, page)];
  const result = frame === undefined ? Fault.SIGBUS : yield* insertPfn(task, vma, page, frame);
  yield* unlockShared(machine, cpu, guard, Rank.INVALIDATE);
  return result;
}

function* insertPfn(task: Task, vma: Vma, page: number, frame: number): Op<Fault> {
  const { machine, cpu, mm } = task;
  const slot = yield* walkAllocating(task, mm, page);
  if (slot === NONE) return Fault.OOM;
  const guard = lockOf(machine, mm, slot, 0);
  yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
  yield setting(machine.objects.entry(slot));
  if (isNoneAt(machine, slot)) setMapped(machine, slot, frame, pageRights(vma) | ACCESSED | DIRTY);
  yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
  return Fault.DONE;
}

/** Nothing is collected: no page waits for the flush. */
function* unmap(task: Task, _vma: Vma, start: number, end: number): Op<void> {
  const { machine, cpu, mm } = task;
  for (let page = yield* findMapped(machine, mm, start, end); page < end; page++) {
    const slot = yield* lockPte(task, mm, page);
    if (slot === NONE) continue;
    yield reading(machine.objects.entry(slot));
    if (isMappedAt(machine, slot)) {
      yield clearing(machine.objects.entry(slot));
      const isWritable = (mappedFlagsAt(machine, slot) & W) !== 0;
      const frame = mappedFrameAt(machine, slot);
      const wasPresent = isPresentAt(machine, slot);
      clearEntry(machine, slot);
      tlbChange(machine, cpu, page, page + 1);
      const cpus = machine.mmCpus[mm.id]!;
      if (wasPresent) machine.ledger.openPage(cpus, mm.id, page, frame, isWritable);
    }
    yield* unlockPte(task, mm, slot);
  }
}

const vmOps: VmOps = {
  vmFlags: VM.IO | VM.PFNMAP | VM.DONTEXPAND | VM.DONTDUMP | VM.DONTCOPY,
  maySplit: true,
  mayProtect: false,
  mayMove: false,
  mayAdvise: false,
  fault,
  unmap,
};

export const pfnmap: Design = { name: NAME, vmOps };
