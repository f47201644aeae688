/** Lists the processes of a host, and chooses those to read. */
import type { Geometry } from '../arch/geometry.ts';
import { parseCgroupPath } from '../proc/cgroup.ts';
import type { ProcessStatus } from '../proc/status.ts';
import type { Pacer } from './pacer.ts';
import type { ProcFiles } from './proc_files.ts';

/** A process with an address space. */
export interface ProcessEntry {
  /** In clock ticks after boot: tells apart two processes that had one pid. */
  readonly startTime: number;
  readonly status: ProcessStatus;
  readonly cgroup: string;
  /** VmPTE when it was listed. */
  readonly vmPtePages: number;
}

export interface ProcessFilter {
  readonly pids?: readonly number[];
  /**
   * The whole name of the command, as `pgrep -x` takes it. Linux keeps 15 bytes of a name, so a
   * longer one is cut before it is compared.
   */
  readonly comm?: string;
  /** A control group; those below it belong to it. */
  readonly cgroup?: string;
}

/** Kernel threads, zombies and processes that are just ending have no tables: they are left out. */
export async function listProcesses(
  files: ProcFiles,
  geometry: Geometry,
  pacer: Pacer,
): Promise<ProcessEntry[]> {
  const entries: ProcessEntry[] = [];
  for (const pid of files.pids()) {
    const entry = files.optional(() => readEntry(pid, files, geometry));
    if (entry !== undefined) entries.push(entry);
    if (pacer.isDue) await pacer.pause();
  }
  return entries;
}

function readEntry(pid: number, files: ProcFiles, geometry: Geometry): ProcessEntry | undefined {
  const status = files.status(pid);
  if (status.memory === undefined) return undefined;
  return {
    startTime: files.startTime(pid),
    status,
    cgroup: files.optional(() => parseCgroupPath(files.text(pid, 'cgroup'))) ?? '',
    vmPtePages: status.memory.pteBytes / geometry.pageBytes,
  };
}

export function isWanted(entry: ProcessEntry, filter: ProcessFilter): boolean {
  const { pids, comm, cgroup } = filter;
  return (
    (pids === undefined || pids.includes(entry.status.pid)) &&
    (comm === undefined || entry.status.name === keptByLinux(comm)) &&
    (cgroup === undefined || isWithin(entry.cgroup, cgroup))
  );
}

/**
 * Orders processes so that a budget is spent where the tables are. This process comes last: its own
 * tables grow while it reads the others.
 */
export function byTableSize(a: ProcessEntry, b: ProcessEntry): number {
  const isSelf = (entry: ProcessEntry): number => Number(entry.status.pid === process.pid);
  return isSelf(a) - isSelf(b) || b.vmPtePages - a.vmPtePages || a.status.pid - b.status.pid;
}

/**
 * Whether /proc shows every process of the host: then it shows kthreadd, which has pid 2 in the
 * first pid namespace only, has no address space that a process could fake, and is hidden from
 * whoever `hidepid` keeps out.
 */
export function showsWholeHost(files: ProcFiles): boolean {
  const status = files.optional(() => files.status(2));
  return status?.name === 'kthreadd' && status.parentPid === 0 && status.memory === undefined;
}

/** TASK_COMM_LEN is 16, with the byte that ends it. */
const COMM_BYTES = 15;

function keptByLinux(comm: string): string {
  return Buffer.from(comm).subarray(0, COMM_BYTES).toString();
}

function isWithin(path: string, prefix: string): boolean {
  const folder = prefix.endsWith('/') ? prefix : `${prefix}/`;
  return `${path}/`.startsWith(folder);
}
