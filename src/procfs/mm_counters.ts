/** What an address space is said to have, in pages. @source mm/mmap.c vm_stat_account() (Linux 6.18) */
import { type Mm, Rss, VM } from '../mm/index.ts';

export interface MmCounters {
  readonly total: number;
  readonly data: number;
  readonly stack: number;
  readonly executable: number;
  readonly rssAnon: number;
  readonly rssFile: number;
  readonly rssShmem: number;
  readonly swap: number;
}

export function countersOf({ vmas, rss }: Mm): MmCounters {
  let [total, data, stack, executable] = [0, 0, 0, 0];
  for (const { start, end, flags } of vmas.all()) {
    const pages = end - start;
    total += pages;
    if ((flags & (VM.EXEC | VM.WRITE | VM.GROWSDOWN)) === VM.EXEC) executable += pages;
    else if ((flags & VM.GROWSDOWN) !== 0) stack += pages;
    else if ((flags & (VM.WRITE | VM.SHARED)) === VM.WRITE) data += pages;
  }
  return {
    total,
    data,
    stack,
    executable,
    rssAnon: rss[Rss.ANON]!,
    rssFile: rss[Rss.FILE]!,
    rssShmem: rss[Rss.SHMEM]!,
    swap: rss[Rss.SWAP]!,
  };
}

/** Pages in memory. */
export function residentOf({ rssAnon, rssFile, rssShmem }: MmCounters): number {
  return rssAnon + rssFile + rssShmem;
}
