/**
 * Memory of a huge page has failed: where it may be mapped in pieces, only the small page that failed is
 * lost, and the rest is mapped by as large pieces as it can be. Elsewhere all of the page is lost.
 *
 * HGM was to do this, and its postings did not; this is how Jiaqi Yan's series went on with it.
 *
 * @source Jiaqi Yan, "[RFC PATCH v1 0/7] PAGE_SIZE Unmapping in Memory Failure Recovery for HugeTLB Pages",
 *         April 2023: hugetlb_split_to_shift(); mm/memory-failure.c memory_failure() (Linux 6.18)
 * @omits  private pages, signals to processes
 */
import { W } from '../../arch/index.ts';
import { hstateOf } from '../../mm/hugetlb/hstate.ts';
import { clearHugePte, hugePteFlags, setHugePte } from '../../mm/hugetlb/huge_pte.ts';
import type { Machine } from '../../mm/machine.ts';
import { lockFolio, unlockFolio } from '../../mm/page/folio_lock.ts';
import { headOf, putFrame } from '../../mm/page/frame.ts';
import { checkTable, isPresentAt, setTable } from '../../mm/table/pgtable.ts';
import { Marker, SoftKind, setSoftEntry } from '../../mm/table/soft_entry.ts';
import type { Task } from '../../mm/task.ts';
import type { Vma } from '../../mm/vma/vma.ts';
import { lock, Rank, unlock } from '../../mm/world/lock.ts';
import type { Op } from '../../mm/world/op.ts';
import { clearing, reading, writing } from '../../mm/world/point.ts';
import { allocTable, freeTable } from '../../mm/world/table_page.ts';
import { flushTlbMmRange } from '../../mm/world/tlb.ts';
import { NONE } from '../../mm/world/world.ts';
import { EBUSY, ENOMEM } from '../../uapi/errno.ts';
import { countPiece } from './counting.ts';
import {
  firstOf,
  frameOf,
  Held,
  type HugetlbPte,
  heldAt,
  lockOfPiece,
  newHugetlbPte,
} from './hugetlb_pte.ts';
import type { HgmOptions } from './options.ts';
import { visitMappings } from './rmap.ts';
import { fullWalk, walkStep } from './walk.ts';

/**
 * The memory of `frame`, of a page of a file of hugetlb, has failed.
 *
 * @returns 0, or EBUSY if somebody keeps it mapped whose lock was not to be had
 * @locks   the folio lock, i_mmap_rwsem, the locks of VMAs, page-table locks
 */
export function* memoryFailure(
  machine: Machine,
  cpu: number,
  frame: number,
  options: HgmOptions,
): Op<number> {
  const head = headOf(machine, frame);
  yield* lockFolio(machine, cpu, head);
  yield writing(machine.objects.frame(head));
  machine.hugetlb.poisoned.add(frame);
  const isComplete = yield* visitMappings(machine, cpu, head, (task, vma, page) =>
    unmapPoisoned(task, vma, page + frame - head, frame, options),
  );
  yield* unlockFolio(machine, cpu, head);
  return isComplete ? 0 : EBUSY;
}

/** Called under i_mmap_rwsem and the lock of the VMA, both for writing. */
function* unmapPoisoned(
  task: Task,
  vma: Vma,
  page: number,
  frame: number,
  options: HgmOptions,
): Op<void> {
  const { machine, cpu, mm } = task;
  const at = newHugetlbPte();
  const isThere = yield* fullWalk(machine, mm, vma, page, at);
  if (!isThere) return;
  if (vma.hugetlb!.isGranular) {
    let error = 0;
    while (at.pages > 1 && error === 0) error = yield* splitLeaf(task, page, at, options);
  }
  const guard = lockOfPiece(machine, mm, at);
  yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
  yield reading(machine.objects.entry(at.slot));
  const isLeaf = checkTable(machine, at.slot) && heldAt(machine, at) === Held.LEAF;
  const isOurs = isLeaf && headOf(machine, frameOf(machine, at)) === headOf(machine, frame);
  if (isOurs) yield* poisonPiece(task, vma, page, at, options);
  yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
  if (isOurs) yield* putFrame(machine, cpu, frame);
}

/** The entry's reference is the caller's now. */
function* poisonPiece(
  task: Task,
  vma: Vma,
  page: number,
  at: HugetlbPte,
  { counting }: HgmOptions,
): Op<void> {
  const { machine, mm } = task;
  const frame = frameOf(machine, at);
  yield* forgetLeaf(task, page, at);
  setSoftEntry(machine, at.slot, SoftKind.MARKER, Marker.POISONED);
  mm.hugetlbPages -= at.pages;
  yield writing(machine.objects.frame(headOf(machine, frame)));
  countPiece(machine, counting, frame, at.pages, -1, at.pages === hstateOf(vma).pages);
}

/** Clears and flushes a leaf. Called under its lock. */
function* forgetLeaf(task: Task, page: number, at: HugetlbPte): Op<void> {
  const { machine, cpu, mm } = task;
  const [first, frame] = [firstOf(at, page), frameOf(machine, at)];
  yield clearing(machine.objects.entry(at.slot));
  const isWritable = (hugePteFlags(machine, at.slot, at) & W) !== 0;
  const wasPresent = isPresentAt(machine, at.slot);
  clearHugePte(machine, at.slot, at);
  if (!wasPresent) return;
  const cpus = machine.mmCpus[mm.id]!;
  machine.ledger.openFolio(cpus, mm.id, first, first + at.pages, frame, isWritable);
  yield* flushTlbMmRange(machine, cpu, mm.id, first, first + at.pages);
}

/**
 * Maps what a leaf maps by those of the next smaller size, and goes on to that of `page`. Only leaves are
 * divided: what is empty is left to faults, and other entries to those who made them.
 *
 * @returns 0, EBUSY if there is no leaf, or ENOMEM
 * @source  hugetlb_split_to_shift()
 */
function* splitLeaf(
  task: Task,
  page: number,
  at: HugetlbPte,
  { counting }: HgmOptions,
): Op<number> {
  const { machine, cpu, mm } = task;
  const table = at.entries > 1 ? NONE : yield* allocTable(machine, cpu);
  if (at.entries === 1 && table === NONE) return ENOMEM;
  const guard = lockOfPiece(machine, mm, at);
  yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
  yield reading(machine.objects.entry(at.slot));
  // Nobody else changes it: i_mmap_rwsem is held for writing.
  const isLeaf = checkTable(machine, at.slot) && heldAt(machine, at) === Held.LEAF;
  if (isLeaf) {
    const frame = frameOf(machine, at);
    const flags = hugePteFlags(machine, at.slot, at);
    yield* forgetLeaf(task, page, at);
    const entries = at.entries > 1 ? at.entries : 2 ** machine.format.indexBits[at.level - 1]!;
    const level = at.entries > 1 ? at.level : at.level - 1;
    const first = at.entries > 1 ? at.slot : table * machine.tableEntries;
    const span = at.pages / entries;
    const one = { level, entries: 1 };
    for (let entry = 0; entry < entries; entry++) {
      setHugePte(machine, first + entry, one, frame + entry * span, flags);
    }
    if (table !== NONE) {
      setTable(machine, mm, firstOf(at, page), at.slot, table, at.level);
      mm.tables++;
    }
    yield writing(machine.objects.frame(headOf(machine, frame)));
    machine.frameReferences[headOf(machine, frame)]! += entries - 1;
    if (counting !== 'top') countDivided(machine, counting, frame, at.pages, span);
  }
  yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
  if (!isLeaf && table !== NONE) yield* freeTable(machine, cpu, table);
  if (!isLeaf) return EBUSY;
  walkStep(machine, page, 1, at);
  return 0;
}

/** One entry of `pages` that counted is several now, of `span` each. */
function countDivided(
  machine: Machine,
  counting: HgmOptions['counting'],
  frame: number,
  pages: number,
  span: number,
): void {
  countPiece(machine, counting, frame, pages, -1, false);
  for (let offset = 0; offset < pages; offset += span) {
    countPiece(machine, counting, frame + offset, span, 1, false);
  }
}
