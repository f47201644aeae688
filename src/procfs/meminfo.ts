/**
 * /proc/meminfo, vmstat and buddyinfo. Page tables have memory of their own: they are no part of
 * MemTotal.
 *
 * @source fs/proc/meminfo.c meminfo_proc_show(), mm/vmstat.c (Linux 6.18)
 * @omits  LRU lists: all pages are inactive, or mlocked; counters of events are 0; promises for shared memory
 */
import type { Machine } from '../mm/index.ts';
import { countMemory, type MemoryCounts } from './memory_counts.ts';

export function renderMeminfo(machine: Machine): string {
  const counts = countMemory(machine);
  const kibibytes = 2 ** (machine.format.pageShift - 10);
  const hugeKibibytes = machine.format.entryPages[1]! * kibibytes;
  const lines = pagesByName(counts).map(([name, pages]) => line(name, pages * kibibytes));
  const huge = ['Total', 'Free', 'Rsvd', 'Surp'].map((name) =>
    line(`HugePages_${name}`, 0).replace(' kB', ''),
  );
  return [...lines, ...huge, line('Hugepagesize', hugeKibibytes), line('Hugetlb', 0)].join('');
}

/** @source show_val_kb() */
function line(name: string, kibibytes: number): string {
  return `${`${name}:`.padEnd(16)}${String(kibibytes).padStart(8)} kB\n`;
}

const NONE = 0;

function pagesByName(counts: MemoryCounts): readonly (readonly [name: string, pages: number])[] {
  const anon = counts.anonMapped + counts.swapCached;
  const file = counts.cached - counts.shmem;
  const mlocked = counts.mlockedAnon + counts.mlockedFile;
  return [
    ['MemTotal', counts.total],
    ['MemFree', counts.free],
    ['MemAvailable', counts.free + file],
    ['Buffers', NONE],
    ['Cached', counts.cached],
    ['SwapCached', counts.swapCached],
    ['Active', NONE],
    ['Inactive', anon + counts.cached - mlocked],
    ['Active(anon)', NONE],
    ['Inactive(anon)', anon + counts.shmem - counts.mlockedAnon],
    ['Active(file)', NONE],
    ['Inactive(file)', file - counts.mlockedFile],
    ['Unevictable', mlocked],
    ['Mlocked', mlocked],
    ['SwapTotal', counts.swapTotal],
    ['SwapFree', counts.swapFree],
    ['Zswap', NONE],
    ['Zswapped', NONE],
    ['Dirty', counts.dirty],
    ['Writeback', NONE],
    ['AnonPages', counts.anonMapped],
    ['Mapped', counts.fileMapped],
    ['Shmem', counts.shmem],
    ['KReclaimable', NONE],
    ['Slab', NONE],
    ['SReclaimable', NONE],
    ['SUnreclaim', NONE],
    ['KernelStack', NONE],
    ['PageTables', counts.pageTables],
    ['SecPageTables', NONE],
    ['NFS_Unstable', NONE],
    ['Bounce', NONE],
    ['WritebackTmp', NONE],
    ['CommitLimit', Math.floor(counts.total / 2) + counts.swapTotal],
    ['Committed_AS', counts.committed],
    ['VmallocTotal', NONE],
    ['VmallocUsed', NONE],
    ['VmallocChunk', NONE],
    ['Percpu', NONE],
    ['AnonHugePages', counts.anonHuge],
    ['ShmemHugePages', counts.shmemHuge],
    ['ShmemPmdMapped', counts.shmemHugeMapped],
    ['FileHugePages', NONE],
    ['FilePmdMapped', NONE],
    ['Balloon', NONE],
  ];
}

export function renderVmstat(machine: Machine): string {
  const counts = countMemory(machine);
  const hugePages = machine.format.entryPages[1]!;
  const file = counts.cached - counts.shmem;
  const anon = counts.anonMapped + counts.shmem;
  const mlocked = counts.mlockedAnon + counts.mlockedFile;
  const fields: readonly (readonly [name: string, count: number])[] = [
    ['nr_free_pages', counts.free],
    ['nr_inactive_anon', anon - counts.mlockedAnon],
    ['nr_active_anon', NONE],
    ['nr_inactive_file', file - counts.mlockedFile],
    ['nr_active_file', NONE],
    ['nr_unevictable', mlocked],
    ['nr_mlock', mlocked],
    ['nr_slab_reclaimable', NONE],
    ['nr_slab_unreclaimable', NONE],
    ['nr_anon_pages', counts.anonMapped],
    ['nr_mapped', counts.fileMapped],
    ['nr_file_pages', counts.cached],
    ['nr_dirty', counts.dirty],
    ['nr_writeback', NONE],
    ['nr_shmem', counts.shmem],
    ['nr_shmem_hugepages', counts.shmemHuge / hugePages],
    ['nr_shmem_pmdmapped', counts.shmemHugeMapped / hugePages],
    ['nr_anon_transparent_hugepages', counts.anonHuge / hugePages],
    ['nr_page_table_pages', counts.pageTables],
    ['nr_swapcached', counts.swapCached],
    ...EVENTS.map((name) => [name, NONE] as const),
  ];
  return fields.map(([name, count]) => `${name} ${count}\n`).join('');
}

const EVENTS = [
  'pgpgin',
  'pgpgout',
  'pswpin',
  'pswpout',
  'pgfree',
  'pgfault',
  'pgmajfault',
  'oom_kill',
] as const;

/** One node with one zone. @source frag_show_print() */
export function renderBuddyinfo(machine: Machine): string {
  const { freeBlocks } = countMemory(machine);
  const counts = freeBlocks.map((count) => `${String(count).padStart(6)} `);
  return `Node 0, zone ${'Normal'.padStart(8)} ${counts.join('')}\n`;
}
