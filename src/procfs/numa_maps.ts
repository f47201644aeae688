/**
 * /proc/PID/numa_maps: which node has the pages of each VMA. There is one node.
 *
 * @source mm/mempolicy.c, fs/proc/task_mmu.c show_numa_map(), gather_stats(),
 *         gather_hugetlb_stats() (Linux 6.18)
 * @omits  `active`: there are no LRU lists; VMAs with pages say active=0
 */
import { DIRTY } from '../arch/index.ts';
import {
  FrameFlag,
  headOf,
  hstateOf,
  hugetlbMapcount,
  isAnonymousFrame,
  isHugetlb,
  isMappedAt,
  type Mm,
  mappedFlagsAt,
  mappedFrameAt,
  type Vma,
} from '../mm/index.ts';
import { visitEntries } from './entries.ts';
import { folioFlags, isZeroFrame, kernelPageBytes, mapcountOf } from './frames.ts';
import type { ProcHost, ProcProcess } from './host.ts';
import { hex, memoryName } from './maps.ts';

interface NumaStats {
  pages: number;
  anon: number;
  dirty: number;
  swapcache: number;
  mapcountMax: number;
}

export function renderNumaMaps(host: ProcHost, process: ProcProcess): string {
  return process.mm.vmas
    .all()
    .map((vma) => numaLine(host, process, vma))
    .join('');
}

function numaLine(host: ProcHost, process: ProcProcess, vma: Vma): string {
  const { machine } = host;
  const bytes = 2 ** machine.format.pageShift;
  const words = [hex(vma.start * bytes), 'default'];
  const name = memoryName(host, process, vma);
  if (vma.file !== undefined) words.push(`file=${escaped(host.nameOf(vma.file.inode).path)}`);
  else if (name === '[heap]' || name === '[stack]') words.push(name.slice(1, -1));
  if (isHugetlb(vma)) words.push('huge');
  const stats = statsOf(host, process.mm, vma);
  const pageBytes = kernelPageBytes(machine, vma);
  if (stats.pages > 0)
    words.push(...countWords(stats, isHugetlb(vma)), `kernelpagesize_kB=${pageBytes / 1024}`);
  return `${words.join(' ')}\n`;
}

function countWords(
  { pages, anon, dirty, swapcache, mapcountMax }: NumaStats,
  isOfHugetlb: boolean,
): string[] {
  const words: string[] = [];
  if (anon > 0) words.push(`anon=${anon}`);
  if (dirty > 0) words.push(`dirty=${dirty}`);
  if (pages !== anon && pages !== dirty) words.push(`mapped=${pages}`);
  if (mapcountMax > 1) words.push(`mapmax=${mapcountMax}`);
  if (swapcache > 0) words.push(`swapcache=${swapcache}`);
  // Huge pages of hugetlb are on no list.
  if (!isOfHugetlb) words.push('active=0');
  return [...words, `N0=${pages}`];
}

/** Pages are those that the VMA is mapped by, of which a run of entries may have to be one. */
function statsOf({ machine, walkForm }: ProcHost, mm: Mm, vma: Vma): NumaStats {
  const stats = { pages: 0, anon: 0, dirty: 0, swapcache: 0, mapcountMax: 0 };
  const isOfHugetlb = isHugetlb(vma);
  const small = isOfHugetlb ? hstateOf(vma).pages : 1;
  visitEntries(
    machine,
    mm,
    vma.start,
    vma.end,
    (_, slot, level, page, end) => {
      if (!isMappedAt(machine, slot, level)) return;
      const frame = mappedFrameAt(machine, slot, level);
      if (isZeroFrame(machine, frame)) return;
      const pages = isOfHugetlb ? (end - page) / small : machine.format.entryPages[level]!;
      const flags = folioFlags(machine, frame);
      const isAnonymous = isAnonymousFrame(machine, frame);
      // Those of hugetlb are marked when they come into the page cache.
      const isMarked = (flags & FrameFlag.DIRTY) !== 0 || (isOfHugetlb && !isAnonymous);
      const isDirty = isMarked || (mappedFlagsAt(machine, slot) & DIRTY) !== 0;
      const mapcount = isOfHugetlb
        ? hugetlbMapcount(machine, headOf(machine, frame))
        : mapcountOf(machine, frame);
      stats.pages += pages;
      if (isAnonymous) stats.anon += pages;
      if (isDirty) stats.dirty += pages;
      if ((flags & FrameFlag.SWAPCACHE) !== 0) stats.swapcache += pages;
      stats.mapcountMax = Math.max(stats.mapcountMax, mapcount);
    },
    walkForm,
  );
  return stats;
}

/** @source seq_path(m, path, "\n\t= ") */
function escaped(path: string): string {
  return path.replace(
    /[\n\t= ]/g,
    (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`,
  );
}
