/** How a process ends: its counters and its VMAs, on both sides. */

import type * as engine from '../../mm/index.ts';
import type { MapsLine } from '../../proc/maps.ts';
import { PAGE_BYTES } from '../../uapi/mman.ts';
import type { Engine, Host } from '../host.ts';
import { LIMITS } from '../limits.ts';
import type { Counters, Mismatch, ReplayReport } from '../report.ts';
import type { ExitState } from './line.ts';

const KIB = PAGE_BYTES / 1024;

/** What a difference of each comes from. */
const RULES: Readonly<Record<keyof Counters, string>> = {
  RssAnon: 'one page for each first write, none for the zero page',
  RssFile:
    'a read brings in what is in memory of 16 pages around it, and folios as a whole; a write one page',
  RssShmem: 'one page for each page of shared memory that was touched',
  VmPTE: 'a table for each 2 MiB, 1 GiB and 512 GiB in which a page was touched',
  VmSize: 'all VMAs together',
  vmas: 'neighbours with the same rights, flags and file merge',
};
const NAMES = Object.keys(RULES) as (keyof Counters)[];
/** Of one process. */
const VMAS_LISTED = 10;

/** Holds a process at its end against what was recorded of it. */
export function compareExit(
  { mm }: Host,
  report: ReplayReport,
  where: Pick<Mismatch, 'line' | 'pid'>,
  task: engine.Task,
  state: ExitState,
): void {
  const real = state.counters;
  const simulated = countersOf(mm, task.mm);
  report.counters.push({ ...where, real, simulated });
  const tell = (call: string, theirs: string, ours: string, rule: string): void => {
    report.differences++;
    if (report.mismatches.length >= LIMITS.listed) return;
    report.mismatches.push({ ...where, call, real: theirs, ours, rule });
  };
  for (const name of NAMES.filter((each) => real[each] !== simulated[each])) {
    tell(`${name} at the end`, String(real[name]), String(simulated[name]), RULES[name]);
  }
  const theirs = state.maps.map(mapsText);
  const ours = task.mm.vmas.all().map((vma) => vmaText(mm, vma));
  const missing = theirs.filter((text) => !ours.includes(text));
  const added = ours.filter((text) => !theirs.includes(text));
  for (let index = 0; index < Math.max(missing.length, added.length); index++) {
    if (index === VMAS_LISTED) break;
    tell('VMAs at the end', missing[index] ?? 'none', added[index] ?? 'none', RULES.vmas);
  }
}

function countersOf({ Rss }: Engine, { rss, tables, vmas }: engine.Mm): Counters {
  const all = vmas.all();
  return {
    RssAnon: rss[Rss.ANON]! * KIB,
    RssFile: rss[Rss.FILE]! * KIB,
    RssShmem: rss[Rss.SHMEM]! * KIB,
    VmPTE: tables * KIB,
    VmSize: all.reduce((sum, { start, end }) => sum + end - start, 0) * KIB,
    vmas: all.length,
  };
}

/** One VMA as maps of /proc shows it, without what a replay does not know: devices and inodes. */
function vmaText({ VM }: Engine, vma: engine.Vma): string {
  const { start, end, flags } = vma;
  const rights = [
    (flags & VM.READ) !== 0 ? 'r' : '-',
    (flags & VM.WRITE) !== 0 ? 'w' : '-',
    (flags & VM.EXEC) !== 0 ? 'x' : '-',
    (flags & VM.MAYSHARE) !== 0 ? 's' : 'p',
  ].join('');
  return `${hex(start)}-${hex(end)} ${rights}`;
}

function mapsText({ start, end, protection, shared }: MapsLine): string {
  const rights = [1, 2, 4].map((bit, index) => ((protection & bit) !== 0 ? 'rwx'[index] : '-'));
  return `${hex(start)}-${hex(end)} ${rights.join('')}${shared ? 's' : 'p'}`;
}

function hex(page: number): string {
  return (page * PAGE_BYTES).toString(16);
}
