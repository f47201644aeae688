/** What the kernel would report of an address space of the engine. */
import { UFFD_WP } from '../../../src/arch/index.ts';
import type { Vma as EngineVma, Inode, Machine, Task } from '../../../src/mm/index.ts';
import { FrameFlag, flagNames, Rss, VM, VM_ACCESS } from '../../../src/mm/index.ts';
import { isAnonymousFrame } from '../../../src/mm/rmap/map_count.ts';
import { isMappedAt, mappedFlagsAt } from '../../../src/mm/table/mapped_entry.ts';
import {
  frameAt,
  isLeafAt,
  isNoneAt,
  isPresentAt,
  slotIn,
  tableAt,
} from '../../../src/mm/table/pgtable.ts';
import {
  isWpMarkerAt,
  Marker,
  SoftFlag,
  SoftKind,
  softFlagsAt,
  softKindAt,
  softValueAt,
} from '../../../src/mm/table/soft_entry.ts';
import { type Backing, type Counters, PAGE_IS, type PageRun, type Vma } from '../report.ts';

/** Who made what a VMA maps. */
export type Maker = (inode: Inode) => Backing;

export function describeVma({ start, end, flags, file, pgoff }: EngineVma, maker: Maker): Vma {
  return {
    start,
    end,
    protection: flags & VM_ACCESS,
    shared: (flags & VM.MAYSHARE) !== 0,
    offset: file === undefined ? 0 : pgoff,
    backing: file === undefined ? { kind: 'anonymous' } : maker(file.inode),
    flags: flagNames(flags),
  };
}

/** @source mm/mmap.c vm_stat_account(), fs/proc/task_mmu.c task_mem() (Linux 6.18) */
export function countersOf({ machine, mm }: Task): Counters {
  const pool = machine.hugetlb.hstates[0]!;
  const counters = { VmSize: 0, VmLck: mm.lockedPages, VmData: 0, VmStk: 0 };
  for (const { start, end, flags } of mm.vmas.all()) {
    const pages = end - start;
    const isCode = (flags & (VM.EXEC | VM.WRITE | VM.GROWSDOWN)) === VM.EXEC;
    counters.VmSize += pages;
    if (isCode) continue;
    if ((flags & VM.GROWSDOWN) !== 0) counters.VmStk += pages;
    else if ((flags & (VM.WRITE | VM.SHARED)) === VM.WRITE) counters.VmData += pages;
  }
  return {
    ...counters,
    VmPTE: mm.tables,
    RssAnon: mm.rss[Rss.ANON]!,
    RssFile: mm.rss[Rss.FILE]!,
    RssShmem: mm.rss[Rss.SHMEM]!,
    HugetlbPages: mm.hugetlbPages,
    HugePages_Free: pool.free.length,
    HugePages_Rsvd: pool.reserved,
    HugePages_Surp: pool.surplus,
  };
}

/** Pages that hold something, and pages that have an entry at all. */
export interface Entries {
  readonly pages: PageRun[];
  readonly entries: PageRun[];
}

/** As PAGEMAP_SCAN reports `vmas`. @source fs/proc/task_mmu.c pagemap_scan_pmd_entry() */
export function entriesOf({ machine, mm }: Task, vmas: readonly EngineVma[]): Entries {
  const found: Entries = { pages: [], entries: [] };
  for (const { start, end } of vmas) {
    visitEntries(
      machine,
      mm.root,
      machine.format.levels - 1,
      0,
      { start, end },
      (slot, level, from, to) => {
        if (!isWriteProtectedAt(machine, slot, level)) {
          addRun(found.entries, from, to, PAGE_IS.written);
        }
        const categories = categoriesAt(machine, slot, level);
        if (categories !== 0) addRun(found.pages, from, to, categories);
      },
    );
  }
  return found;
}

/** Whether an entry notes write protection for userfaultfd: it is not reported as written. */
function isWriteProtectedAt(machine: Machine, slot: number, level: number): boolean {
  if (isMappedAt(machine, slot, level)) return (mappedFlagsAt(machine, slot) & UFFD_WP) !== 0;
  const kind = softKindAt(machine, slot);
  if (kind === 0) return false;
  // Poison may be noted to be write-protected, too.
  if (isWpMarkerAt(machine, slot)) return true;
  return (softFlagsAt(machine, slot) & SoftFlag.UFFD_WP) !== 0;
}

interface Range {
  readonly start: number;
  readonly end: number;
}

type Visit = (slot: number, level: number, start: number, end: number) => void;

/** All entries of tables of level 0 in `range`, and huge pages. */
function visitEntries(
  machine: Machine,
  table: number,
  level: number,
  base: number,
  range: Range,
  visit: Visit,
): void {
  const span = machine.format.entryPages[level]!;
  const first = Math.max(0, Math.floor((range.start - base) / span));
  for (let index = first; index < machine.tableEntries; index++) {
    const at = base + index * span;
    if (at >= range.end) return;
    const slot = slotIn(machine, table, at, level);
    if (level > 0 && isNoneAt(machine, slot)) continue;
    if (level > 0 && isPresentAt(machine, slot) && !isLeafAt(machine, slot, level)) {
      visitEntries(machine, tableAt(machine, slot, level), level - 1, at, range, visit);
    } else visit(slot, level, Math.max(at, range.start), Math.min(at + span, range.end));
  }
}

function categoriesAt(machine: Machine, slot: number, level: number): number {
  if (isNoneAt(machine, slot)) return 0;
  const kind = softKindAt(machine, slot);
  const huge = level > 0 ? PAGE_IS.huge : 0;
  if (kind === 0 || kind === SoftKind.PROT_NONE) {
    const frame = kind === 0 ? frameAt(machine, slot, level) : softValueAt(machine, slot);
    return PAGE_IS.present | huge | categoriesOfFrame(machine, frame);
  }
  const isGuard = kind === SoftKind.MARKER && (softValueAt(machine, slot) & Marker.GUARD) !== 0;
  return PAGE_IS.swapped | huge | (isGuard ? PAGE_IS.guard : 0);
}

function categoriesOfFrame(machine: Machine, frame: number): number {
  if ((machine.frameFlags[frame]! & FrameFlag.RESERVED) !== 0) return PAGE_IS.zero;
  return isAnonymousFrame(machine, frame) ? 0 : PAGE_IS.file;
}

/**
 * Whether pages of `[start, end)` are mapped that belong to a large folio.
 *
 * @param counts whether an entry of `level` does, which maps `[start, end)` of what is asked for
 */
export function mapsLargeFolio(
  { machine, mm }: Task,
  start: number,
  end: number,
  counts: (level: number, start: number, end: number) => boolean = () => true,
): boolean {
  const found: number[] = [];
  for (const vma of mm.vmas.within(start, end)) {
    // Those of hugetlb are never split.
    if ((vma.flags & VM.HUGETLB) !== 0) continue;
    const range = { start: Math.max(start, vma.start), end: Math.min(end, vma.end) };
    visitEntries(machine, mm.root, machine.format.levels - 1, 0, range, (slot, level, at, to) => {
      if (!counts(level, at, to)) return;
      if (isPresentAt(machine, slot)) found.push(frameAt(machine, slot, level));
      else if (softKindAt(machine, slot) === SoftKind.PROT_NONE) {
        found.push(softValueAt(machine, slot));
      }
    });
  }
  const large = FrameFlag.HEAD | FrameFlag.TAIL;
  return found.some((frame) => (machine.frameFlags[frame]! & large) !== 0);
}

/** Whether a large folio is not moved as a whole, to the place of a huge page without a table. */
export function splitsByMove(task: Task, source: number, target: number, pages: number): boolean {
  const { machine, mm } = task;
  const span = machine.format.entryPages[1]!;
  return mapsLargeFolio(task, source, source + pages, (level, start, end) => {
    const to = start - source + target;
    let isSplit = level !== 1 || end - start !== span || to % span !== 0;
    const range = { start: to, end: to + span };
    visitEntries(machine, mm.root, machine.format.levels - 1, 0, range, (_, at) => {
      isSplit ||= at === 0;
    });
    return isSplit;
  });
}

/** Appends a run, to the last one if it goes on there. */
export function addRun(runs: PageRun[], start: number, end: number, categories: number): void {
  const last = runs.at(-1);
  if (last?.end !== start || last.categories !== categories) runs.push({ start, end, categories });
  else runs[runs.length - 1] = { start: last.start, end, categories };
}
