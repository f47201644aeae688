/** VMAs as /proc/PID/smaps shows them. */
import type * as engine from '../../mm/index.ts';
import { PAGE_BYTES } from '../../uapi/mman.ts';
import type { Engine } from '../machine.ts';
import { EntryKind, KIND_MASK, SHARED, type TableView } from './tables.ts';

/** Base pages of a VMA, by what its entries are. */
export interface PageCounts {
  anon: number;
  file: number;
  shmem: number;
  zero: number;
  swapped: number;
  /** Entries of guard regions, and other markers. */
  markers: number;
  /** Of those in memory: mapped by large entries, and mapped more than once. */
  huge: number;
  shared: number;
}

export interface VmaView {
  /** In bytes. */
  readonly start: number;
  readonly end: number;
  /** `rw-p` */
  readonly rights: string;
  /** The names of VmFlags. */
  readonly flags: readonly string[];
  /** `anonymous`, `[heap]`, `[stack]` or the name of a file. */
  readonly mapping: string;
  /** In bytes: where in the file it starts; 0 of anonymous memory. */
  readonly offset: number;
  readonly pages: PageCounts;
}

export function viewVmas(
  mm: Engine,
  space: engine.Mm,
  root: TableView,
  inodeNames: WeakMap<engine.Inode, string>,
): VmaView[] {
  const counts = new Map<engine.Vma, PageCounts>();
  countPages(space, root, counts);
  return space.vmas.all().map((vma) => ({
    start: vma.start * PAGE_BYTES,
    end: vma.end * PAGE_BYTES,
    rights: rightsText(mm, vma.flags),
    flags: mm.flagNames(vma.flags),
    mapping: mappingName(mm, space, vma, inodeNames),
    offset: vma.file === undefined ? 0 : vma.pgoff * PAGE_BYTES,
    pages: counts.get(vma) ?? noPages(),
  }));
}

const noPages = (): PageCounts => ({
  anon: 0,
  file: 0,
  shmem: 0,
  zero: 0,
  swapped: 0,
  markers: 0,
  huge: 0,
  shared: 0,
});

const COUNTED_AS: Readonly<Record<number, keyof PageCounts>> = {
  [EntryKind.ANON]: 'anon',
  [EntryKind.FILE]: 'file',
  [EntryKind.SHMEM]: 'shmem',
  [EntryKind.ZERO]: 'zero',
  [EntryKind.SWAPPED]: 'swapped',
  [EntryKind.MARKER]: 'markers',
};

function countPages(
  space: engine.Mm,
  { entries, start, span, level, children }: TableView,
  counts: Map<engine.Vma, PageCounts>,
): void {
  let vma: engine.Vma | undefined;
  for (let index = 0; index < entries.length; index++) {
    const counted = COUNTED_AS[entries[index]! & KIND_MASK];
    if (counted === undefined) continue;
    const page = start + index * span;
    if (vma === undefined || page >= vma.end) vma = space.vmas.at(page);
    if (vma === undefined) continue;
    const pages = counts.get(vma) ?? noPages();
    counts.set(vma, pages);
    pages[counted] += span;
    if (level > 0) pages.huge += span;
    if ((entries[index]! & SHARED) !== 0) pages.shared += span;
  }
  for (const child of children) countPages(space, child, counts);
}

function rightsText({ VM }: Engine, flags: number): string {
  const letter = (bit: number, shown: string): string => ((flags & bit) === 0 ? '-' : shown);
  const shared = (flags & VM.MAYSHARE) === 0 ? 'p' : 's';
  return letter(VM.READ, 'r') + letter(VM.WRITE, 'w') + letter(VM.EXEC, 'x') + shared;
}

/** As in /proc/PID/maps, where memory of nobody else has no name. */
function mappingName(
  { VM }: Engine,
  { layout, brkBytes }: engine.Mm,
  vma: engine.Vma,
  inodeNames: WeakMap<engine.Inode, string>,
): string {
  if (vma.file !== undefined) return inodeNames.get(vma.file.inode) ?? '/dev/zero (deleted)';
  if ((vma.flags & VM.GROWSDOWN) !== 0) return '[stack]';
  const isHeap = vma.start * PAGE_BYTES < brkBytes && vma.end * PAGE_BYTES > layout.brkStartBytes;
  return isHeap ? '[heap]' : 'anonymous';
}
