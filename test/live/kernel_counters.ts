/** What the kernel counts: the judge of everything that is derived. */
import { readFileSync } from 'node:fs';

const PAGE_KIB = 4;

/** VmPTE of a process in pages; `undefined` if it has ended. */
export function vmPtePages(pid: number): number | undefined {
  try {
    const found = /^VmPTE:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'));
    return found === null ? undefined : Number(found[1]) / PAGE_KIB;
  } catch {
    return undefined;
  }
}

/** PageTables of the host in pages, with what each CPU has not reported yet folded in. */
export function pageTablesPages(): number {
  readFileSync('/proc/sys/vm/stat_refresh');
  const found = /^PageTables:\s*(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'latin1'));
  return Number(found![1]) / PAGE_KIB;
}

/** How many processes and threads the host has started since boot. */
export function startedTasks(): number {
  return Number(/^processes (\d+)$/m.exec(readFileSync('/proc/stat', 'latin1'))![1]);
}

/** Processes whose parent is `pid`. */
export function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim();
  return text === '' ? [] : text.split(' ').map(Number);
}
