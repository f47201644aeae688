/** What /proc says of a process that is stopped, as lines of a recording. */
import { closeSync, openSync, readFileSync, readlinkSync, readSync } from 'node:fs';
import { PAGE_BYTES } from '../../uapi/mman.ts';

const ENTRY_BYTES = 8;
const SPAN_ENTRIES = 2 ** 16;
const START_BRK = 47;
const COUNTERS = ['RssAnon', 'RssFile', 'RssShmem', 'VmPTE', 'VmSize'];

/** Right behind execve(2): where everything is, and which pages are there already. */
export function execState(pid: number): string {
  const maps = mapsOf(pid);
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // The first two fields are the number and the name.
  const brkStart = Number(fields[START_BRK - 3]);
  const program = readlinkSync(`/proc/${pid}/exe`);
  return JSON.stringify({ program, brkStart, maps, present: presentPages(pid, maps) });
}

/** Right before its end. */
export function exitState(pid: number): string {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const counters = COUNTERS.map((name) => [
    name,
    Number(new RegExp(`^${name}:\\s*(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0),
  ]);
  return JSON.stringify({ ...Object.fromEntries(counters), maps: mapsOf(pid) });
}

function mapsOf(pid: number): string {
  return readFileSync(`/proc/${pid}/maps`, 'latin1');
}

/** Pages that are present, one by one: few. */
function presentPages(pid: number, maps: string): number[] {
  const pages: number[] = [];
  const pagemap = openSync(`/proc/${pid}/pagemap`, 'r');
  try {
    for (const [, from, to] of maps.matchAll(/^([0-9a-f]+)-([0-9a-f]+) .*$/gm)) {
      const start = Number.parseInt(from!, 16) / PAGE_BYTES;
      const end = Number.parseInt(to!, 16) / PAGE_BYTES;
      // What the kernel keeps for itself ([vsyscall]) has no entries here.
      if (end < 2 ** 35) pushPresent(pagemap, start, Math.min(end, start + SPAN_ENTRIES), pages);
    }
  } finally {
    closeSync(pagemap);
  }
  return pages;
}

function pushPresent(pagemap: number, start: number, end: number, pages: number[]): void {
  const entries = new Uint32Array((end - start) * 2);
  readSync(pagemap, entries, 0, entries.byteLength, start * ENTRY_BYTES);
  for (let page = start; page < end; page++) {
    if (entries[(page - start) * 2 + 1]! >>> 31 !== 0) pages.push(page);
  }
}
