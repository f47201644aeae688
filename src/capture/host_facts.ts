/** Reads what a host is: kernel, geometry of its tables, memory, huge page pools. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { machine } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { type Cpuinfo, parseCpuinfo } from '../proc/cpuinfo.ts';
import { bracketedWord, parseMeminfo } from '../proc/meminfo.ts';
import type { HostFacts, HugetlbPool } from '../snapshot/records.ts';
import { CaptureError } from './capture_error.ts';
import { geometryOf, readOwnLimits } from './host_geometry.ts';
import type { ProcFiles } from './proc_files.ts';

const SYS_MM = '/sys/kernel/mm';

/** All facts but the counters, which are read when the processes have been. */
export type StaticFacts = Omit<HostFacts, 'pageTablesBytes' | 'countersFolded'>;

/** @throws CaptureError where this is not Linux, or not a machine whose tables are known */
export function readHostFacts(files: ProcFiles): StaticFacts {
  let meminfo: ReadonlyMap<string, number>;
  try {
    meminfo = parseMeminfo(files.text('meminfo'));
  } catch (error) {
    throw new CaptureError(
      `Cannot capture this host: ${files.path('meminfo')} cannot be read: ` +
        'run on Linux with /proc mounted, or analyse a snapshot that was saved there',
      { cause: error },
    );
  }
  const cpuinfo = parseCpuinfo(files.text('cpuinfo'));
  return {
    hostname: files.text('sys', 'kernel', 'hostname').trim(),
    kernelRelease: files.text('sys', 'kernel', 'osrelease').trim(),
    machine: machine(),
    geometry: geometryOf(machine(), cpuinfo, readOwnLimits()).id,
    memTotalBytes: meminfo.get('MemTotal') ?? 0,
    rootPages: rootPages(cpuinfo),
    hugetlbPools: readHugetlbPools(),
    defaultHugetlbBytes: meminfo.get('Hugepagesize') ?? 0,
    thpEnabled: readWord(join(SYS_MM, 'transparent_hugepage/enabled')),
    shmemThpEnabled: readWord(join(SYS_MM, 'transparent_hugepage/shmem_enabled')),
  };
}

/** Linux frees tables an RCU grace period after it took them off an address space. */
const GRACE_PERIOD_MS = 40;
const GRACE_PERIODS_MAX = 5;

/**
 * Reads PageTables of meminfo, after asking each CPU for what it has not yet reported: without that
 * the counter may be off by dozens of pages a CPU. Only root may ask.
 *
 * Waits until the counter stands still, up to a fifth of a second, so that it does not hold tables
 * that no VmPTE holds any more.
 */
export async function readCounters(
  files: ProcFiles,
): Promise<Pick<HostFacts, 'pageTablesBytes' | 'countersFolded'>> {
  let counters = readCountersOnce(files);
  for (let period = 0; period < GRACE_PERIODS_MAX; period++) {
    await setTimeout(GRACE_PERIOD_MS);
    const before = counters.pageTablesBytes;
    counters = readCountersOnce(files);
    if (counters.pageTablesBytes === before) break;
  }
  return counters;
}

function readCountersOnce(files: ProcFiles): Pick<HostFacts, 'pageTablesBytes' | 'countersFolded'> {
  const folded = files.optional(() => files.text('sys', 'vm', 'stat_refresh'));
  return {
    pageTablesBytes: parseMeminfo(files.text('meminfo')).get('PageTables') ?? 0,
    countersFolded: folded !== undefined,
  };
}

/** Page-table isolation keeps a second root for user mode beside the first. */
function rootPages(cpuinfo: Cpuinfo): number {
  return cpuinfo.flags.has('pti') ? 2 : 1;
}

function readHugetlbPools(): HugetlbPool[] {
  const folder = join(SYS_MM, 'hugepages');
  const sizes = readFolder(folder).flatMap((name) => {
    const [, kilobytes] = /^hugepages-(\d+)kB$/.exec(name) ?? [];
    return kilobytes === undefined ? [] : [Number(kilobytes)];
  });
  return sizes
    .sort((a, b) => a - b)
    .map((kilobytes) => {
      const read = (name: string): number =>
        Number(readFileSync(join(folder, `hugepages-${kilobytes}kB`, name), 'utf8'));
      return {
        pageBytes: kilobytes * 1024,
        total: read('nr_hugepages'),
        free: read('free_hugepages'),
        reserved: read('resv_hugepages'),
        surplus: read('surplus_hugepages'),
      };
    });
}

/** Empty where the kernel was built without hugetlb, or /sys is not mounted. */
function readFolder(path: string): string[] {
  return existsSync(path) ? readdirSync(path) : [];
}

/** 'absent' where the kernel was built without huge pages. */
function readWord(path: string): string {
  return (existsSync(path) ? bracketedWord(readFileSync(path, 'utf8')) : undefined) ?? 'absent';
}
