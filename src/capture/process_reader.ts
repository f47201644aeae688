/** Reads one process into an `Mm`. */
import type { Geometry } from '../arch/geometry.ts';
import { type MapsLine, parseMaps } from '../proc/maps.ts';
import { parseMountinfo } from '../proc/mountinfo.ts';
import { parseVmFlags } from '../proc/smaps.ts';
import type { ProcessStatus } from '../proc/status.ts';
import { type MappedObject, type Mm, newRuns, type Vma } from '../snapshot/records.ts';
import type { Devices } from './devices.ts';
import { layoutOf } from './layout.ts';
import { ANONYMOUS, detached, type ObjectTable } from './objects.ts';
import type { Pacer } from './pacer.ts';
import { obstacleOf, ProcessGone, type ProcFiles } from './proc_files.ts';
import type { ProcessEntry } from './processes.ts';
import { countTables } from './runs.ts';
import type { SharedMms } from './shared_mm.ts';
import type { TableSource } from './table_source.ts';
import { readTables } from './tables.ts';

/** What reading a process needs, and what all readings of one capture add to. */
export interface Reading {
  readonly files: ProcFiles;
  readonly geometry: Geometry;
  readonly source: TableSource;
  readonly devices: Devices;
  readonly objects: ObjectTable;
  readonly sharedMms: SharedMms;
  /** Mount namespaces whose mounts `devices` knows. */
  readonly mountNamespaces: Set<string>;
  readonly pacer: Pacer;
}

/** Its own address space, or the pid that it shares one with. */
export type ProcessRead = { readonly mm: Mm } | { readonly sharesWith: number };

/** A process whose tables change while they are read is read again this often, */
const ATTEMPTS_MAX = 4;
/** but only if that was quick: 100 ms are 30 GiB of small pages. */
const ATTEMPT_MS_MAX = 100;

/** @throws the error of node:fs that `obstacleOf()` explains, BudgetSpent, or the abort's reason */
export async function readProcess(entry: ProcessEntry, reading: Reading): Promise<ProcessRead> {
  learnMounts(entry.status.pid, reading);
  let best: Mm | undefined;
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
    const started = performance.now();
    const read = await readUnlessReplaced(entry, reading);
    if (read === undefined) continue;
    if ('sharesWith' in read) return read;
    if (best === undefined || read.mm.stable) best = read.mm;
    if (read.isExact || performance.now() - started > ATTEMPT_MS_MAX) break;
  }
  if (best === undefined) throw new ProcessGone('The process never keeps an address space');
  return { mm: best };
}

/** @returns undefined if execve(2) gave the process another address space meanwhile */
async function readUnlessReplaced(
  entry: ProcessEntry,
  reading: Reading,
): Promise<OneReading | undefined> {
  const { files, geometry } = reading;
  const { pid } = entry.status;
  try {
    return await files.withPagemap(pid, (pagemap) => readOnce(entry, pagemap, reading));
  } catch (error) {
    if (obstacleOf(error) !== 'vanished') throw error;
    statusNow(pid, files, geometry);
    return undefined;
  }
}

/** A process that is known by its status only. */
export function statusRecord(entry: ProcessEntry, files: ProcFiles): Mm {
  return {
    ...identityOf(entry, entry.status, files),
    visibility: 'status',
    vmPtePages: entry.vmPtePages,
    stable: true,
    vmas: [],
    runs: newRuns(0),
  };
}

type OneReading = { readonly mm: Mm; readonly isExact: boolean } | { readonly sharesWith: number };

async function readOnce(
  entry: ProcessEntry,
  pagemap: number,
  reading: Reading,
): Promise<OneReading> {
  const { files, geometry } = reading;
  const { pid } = entry.status;
  const { status, vmPtePages: vmPteBefore } = statusNow(pid, files, geometry);
  const text = files.text(pid, 'maps');
  const owner = reading.sharedMms.firstOwner(pid, vmPteBefore, text);
  if (owner !== pid) return { sharesWith: owner };

  const vmas = vmasOf(parseMaps(text, geometry.pageBytes), pid, reading);
  const { objects } = reading.objects;
  const subject = {
    pagemap,
    vmas,
    layout: layoutOf(vmas, objects, geometry),
    pfnmapCandidates: pfnmapCandidates(vmas, objects),
    vmPtePages: vmPteBefore,
    writeProtectedStarts: () => writeProtectedStarts(pid, files, geometry),
  };
  const { runs, strayPages } = await readTables(subject, reading.source, geometry, reading.pacer);

  const { vmPtePages } = statusNow(pid, files, geometry);
  const stable = vmPtePages === vmPteBefore;
  const mm: Mm = {
    ...identityOf(entry, status, files),
    visibility: 'tables',
    vmPtePages,
    stable,
    vmas,
    runs,
  };
  const isExact = stable && strayPages === 0 && countTables(runs, geometry) === vmPtePages;
  return { mm, isExact };
}

/** @throws ProcessGone, or the error of node:fs */
function statusNow(
  pid: number,
  files: ProcFiles,
  geometry: Geometry,
): { status: ProcessStatus; vmPtePages: number } {
  const status = files.status(pid);
  if (status.memory === undefined) {
    throw new ProcessGone('The process has no address space any more');
  }
  return { status, vmPtePages: status.memory.pteBytes / geometry.pageBytes };
}

function identityOf(
  entry: ProcessEntry,
  status: ProcessStatus,
  files: ProcFiles,
): Pick<Mm, 'pid' | 'sharers' | 'parentPid' | 'uid' | 'comm' | 'commandLine' | 'cgroup'> {
  return {
    pid: status.pid,
    sharers: [],
    parentPid: status.parentPid,
    uid: status.uid,
    comm: status.name,
    commandLine: files.optional(() => files.commandLine(status.pid)) ?? '',
    cgroup: entry.cgroup,
  };
}

/** A container sees hugetlbfs and tmpfs mounts that the host does not. */
function learnMounts(pid: number, { files, devices, mountNamespaces }: Reading): void {
  const namespace = files.optional(() => files.link(pid, 'ns', 'mnt')) ?? '';
  if (mountNamespaces.has(namespace)) return;
  mountNamespaces.add(namespace);
  const text = files.optional(() => files.text(pid, 'mountinfo'));
  if (text !== undefined) devices.addMounts(parseMountinfo(text));
}

function vmasOf(lines: readonly MapsLine[], pid: number, { objects, files }: Reading): Vma[] {
  const ipcNamespace = (): string => files.optional(() => files.link(pid, 'ns', 'ipc')) ?? '';
  return lines.filter(isVma).map((line) => {
    const object = objects.indexOf(line, ipcNamespace);
    const isAnonymous = object === ANONYMOUS;
    return {
      start: line.start,
      end: line.end,
      protection: line.protection,
      shared: line.shared,
      offset: isAnonymous ? 0 : line.offset,
      object,
      label: isAnonymous && line.name.startsWith('[') ? detached(line.name) : '',
    };
  });
}

/** `[vsyscall]` is a line of maps, but belongs to no process. */
function isVma(line: MapsLine): boolean {
  return line.name !== '[vsyscall]';
}

/** Drivers fill the tables when they map; the kernel's own pages come one by one, on a fault. */
function pfnmapCandidates(vmas: readonly Vma[], objects: readonly MappedObject[]): number[] {
  const ofKind = (kind: string): number[] =>
    [...vmas.keys()].filter((vma) => objects[vmas[vma]!.object]?.kind === kind);
  return [...ofKind('device'), ...ofKind('special')];
}

/** smaps is slow, so it is read only for a process that holds a userfaultfd. */
function writeProtectedStarts(
  pid: number,
  files: ProcFiles,
  geometry: Geometry,
): ReadonlySet<number> {
  const starts = new Set<number>();
  if (!files.hasUserfaultfd(pid)) return starts;
  for (const [start, flags] of parseVmFlags(files.text(pid, 'smaps'), geometry.pageBytes)) {
    if (flags.has('uw')) starts.add(start);
  }
  return starts;
}
