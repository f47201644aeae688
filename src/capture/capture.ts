/**
 * Captures a live Linux host: reads its processes and their page tables, and changes nothing.
 *
 * What may be read decides what is told: root sees every process, an ordinary user the own ones,
 * and of all others VmPTE. What was not seen is counted in `coverage` and said in its notes.
 */
import { geometryById } from '../arch/geometry.ts';
import { assert } from '../base/assert.ts';
import type { HostSnapshot } from '../snapshot/records.ts';
import { Devices } from './devices.ts';
import { readCounters, readHostFacts, type StaticFacts } from './host_facts.ts';
import { identifyContents } from './identify.ts';
import { loadNative } from './native.ts';
import { noteOnFallback, notesOn } from './notes.ts';
import { ObjectTable } from './objects.ts';
import { Pacer } from './pacer.ts';
import { PagemapRead } from './pagemap_read.ts';
import { PagemapScan } from './pagemap_scan.ts';
import { obstacleOf, ProcFiles } from './proc_files.ts';
import type { Reading } from './process_reader.ts';
import {
  byTableSize,
  isWanted,
  listProcesses,
  type ProcessEntry,
  type ProcessFilter,
  showsWholeHost,
} from './processes.ts';
import { type Progress, readAll } from './read_all.ts';
import { SharedMms } from './shared_mm.ts';

export interface CaptureOptions extends ProcessFilter {
  /** Where procfs is mounted; `/proc` if not given. */
  readonly procRoot?: string;
  /** Processes not read when this is over are recorded by their VmPTE. Unlimited if not given. */
  readonly budgetSeconds?: number;
  /** Whether to compare private tables (`Runs.content`), which takes root; true if not given. */
  readonly includeContent?: boolean;
  readonly onProgress?: Progress;
  readonly signal?: AbortSignal;
}

/**
 * @throws CaptureError where no capture is possible; the reason of `signal` when it is aborted
 */
export async function captureHost(options: CaptureOptions = {}): Promise<HostSnapshot> {
  options.signal?.throwIfAborted();
  const takenAt = new Date().toISOString();
  const files = new ProcFiles(options.procRoot ?? '/proc');
  const pacer = new Pacer(options.budgetSeconds ?? Number.POSITIVE_INFINITY, options.signal);
  const facts = readHostFacts(files);
  const { reading, notes } = await prepare(files, facts, pacer);

  const listed = await listProcesses(files, reading.geometry, pacer);
  const wanted = listed.filter((entry) => isWanted(entry, options)).sort(byTableSize);
  const outcome = await readAll(wanted, reading, options.onProgress);
  // At once, while what was read still holds.
  const counters = await readCounters(files);
  const appeared = await countNew(listed, options, reading);
  let { mms } = outcome;
  let contentsCompared = false;
  if (options.includeContent ?? true) {
    options.onProgress?.(wanted.length, wanted.length, 'comparing tables');
    const identified = await identifyContents(mms, new Map(wanted.map(byPid)), reading);
    mms = identified.mms;
    notes.push(...identified.notes);
    contentsCompared = identified.isComplete;
  }
  const isRoot = process.geteuid?.() === 0;
  const isFiltered = hasFilter(options);
  const wholeHost = showsWholeHost(files) && !isFiltered;
  notes.push(...notesOn({ ...outcome, ...counters, wholeHost, isFiltered, isRoot }));
  return {
    takenAt,
    host: { ...facts, ...counters },
    coverage: {
      processes: listed.length,
      statusOnly: outcome.denied + outcome.misunderstood.length,
      vanished: outcome.vanished,
      raced: appeared + mms.filter((mm) => !mm.stable).length,
      sharedMm: outcome.sharedMm,
      skipped: outcome.unread + listed.length - wanted.length,
      wholeHost,
      contentsCompared,
      notes,
    },
    objects: reading.objects.objects,
    mms,
  };
}

/** Finds the best way of reading tables that this host and this user offer. */
async function prepare(
  files: ProcFiles,
  facts: StaticFacts,
  pacer: Pacer,
): Promise<{ reading: Reading; notes: string[] }> {
  const geometry = geometryById(facts.geometry);
  assert(geometry !== undefined, 'the facts name a known geometry');
  const native = loadNative();
  const scan = native && new PagemapScan(native, geometry.pageBytes);
  const isSupported = scan !== undefined && (await isSupportedBy(files, scan));
  const devices = new Devices(
    native,
    facts.hugetlbPools.map((pool) => pool.pageBytes),
    facts.defaultHugetlbBytes,
  );
  const reading: Reading = {
    files,
    geometry,
    source: isSupported ? scan : new PagemapRead(),
    devices,
    objects: new ObjectTable(devices, geometry.pageBytes),
    sharedMms: new SharedMms(native),
    mountNamespaces: new Set(),
    pacer,
  };
  return { reading, notes: isSupported ? [] : [noteOnFallback(native !== undefined)] };
}

async function isSupportedBy(files: ProcFiles, scan: PagemapScan): Promise<boolean> {
  try {
    return await files.withPagemap('self', async (pagemap) => scan.isSupported(pagemap));
  } catch (error) {
    if (obstacleOf(error) === undefined) throw error;
    return false;
  }
}

const byPid = (entry: ProcessEntry): [number, ProcessEntry] => [entry.status.pid, entry];

function hasFilter({ pids, comm, cgroup }: ProcessFilter): boolean {
  return pids !== undefined || comm !== undefined || cgroup !== undefined;
}

/** Processes that started since the list was made: what they hold is in no record. */
async function countNew(
  listed: readonly ProcessEntry[],
  filter: ProcessFilter,
  { files, geometry, pacer }: Reading,
): Promise<number> {
  const known = new Map(listed.map(byPid));
  const now = await listProcesses(files, geometry, pacer);
  return now.filter((entry) => isWanted(entry, filter) && !known.has(entry.status.pid)).length;
}
