/** From a snapshot to the report: explains the host, puts the designs side by side, advises. */
import type { HostSnapshot } from '../snapshot/records.ts';
import { explainHost, type HostTwin } from '../twin/explain.ts';
import type { Design } from '../whatif/design.ts';
import { type Evaluation, evaluateDesigns, HOST_DESIGNS, today } from '../whatif/evaluate.ts';
import { REGION_COMM } from '../whatif/mshare.ts';
import { projectGroup } from '../whatif/project.ts';
import { adviseHost } from './advice.ts';
import { groupOf, KERNEL_GROUP } from './groups.ts';
import { objectEntries } from './objects.ts';
import {
  type DesignEntry,
  type GroupEntry,
  HOST_REPORT_SCHEMA,
  type HostReport,
  type ProcessEntry,
} from './schema.ts';

export interface ReportOptions {
  /** List the kernel's own tables among the groups. */
  readonly includeKernel?: boolean;
  /** The last is the bound; those of `HOST_DESIGNS` unless told. */
  readonly designs?: readonly Design[];
  /** Say what the host would look like with so many processes in a group. */
  readonly projections?: readonly { readonly group: string; readonly processes: number }[];
}

/**
 * @throws RangeError if a projection names a group that no process with known tables is in
 */
export function buildHostReport(captured: HostSnapshot, options: ReportOptions = {}): HostReport {
  const snapshot = (options.projections ?? []).reduce(
    (host, { group, processes }) => projectGroup(host, (mm) => groupOf(mm) === group, processes),
    captured,
  );
  const twin = explainHost(snapshot);
  const evaluations = evaluateDesigns(twin, options.designs ?? HOST_DESIGNS);
  const identical = evaluations.at(-1)!;
  const pageTables = pageTablesOf(twin);
  const designs = evaluations.map((evaluation) => designEntry(twin, evaluation));
  const groups = groupEntries(twin, identical);
  if (options.includeKernel === true && pageTables.kernelBytes > 0) {
    const { kernelBytes } = pageTables;
    groups.push({ name: KERNEL_GROUP, processes: 0, vmPteBytes: kernelBytes, duplicateBytes: 0 });
    groups.sort((a, b) => b.vmPteBytes - a.vmPteBytes);
  }
  return {
    schema: HOST_REPORT_SCHEMA,
    takenAt: snapshot.takenAt,
    hostname: snapshot.host.hostname,
    kernel: {
      release: snapshot.host.kernelRelease,
      machine: snapshot.host.machine,
      geometry: snapshot.host.geometry,
      pageBytes: twin.pageBytes,
      thpEnabled: snapshot.host.thpEnabled,
      shmemThpEnabled: snapshot.host.shmemThpEnabled,
    },
    memory: {
      totalBytes: snapshot.host.memTotalBytes,
      hugetlbPools: snapshot.host.hugetlbPools.map((pool) => ({ ...pool })),
    },
    exactness: exactnessOf(twin),
    pageTables,
    groups,
    processes: processEntries(twin),
    objects: objectEntries(twin, identical),
    designs,
    advice: adviseHost(twin, evaluations),
    notes: [...snapshot.coverage.notes, ...projectionNotes(options)],
  };
}

function projectionNotes(options: ReportOptions): string[] {
  return (options.projections ?? []).map(
    ({ group, processes }) => `Predicted, not seen: ${processes} processes in group ${group}`,
  );
}

function exactnessOf({ snapshot, exact, residual }: HostTwin): HostReport['exactness'] {
  const { statusOnly, vanished, raced, sharedMm, skipped, wholeHost } = snapshot.coverage;
  return {
    processes: snapshot.mms.length,
    exact: exact.filter(Boolean).length,
    residualPages: residual.reduce((sum, pages) => sum + Math.abs(pages), 0),
    statusOnly,
    vanished,
    raced,
    sharedMm,
    skipped,
    wholeHost,
  };
}

function pageTablesOf({ snapshot, identity, pageBytes }: HostTwin): HostReport['pageTables'] {
  // Without the whole host in view, what remains may be other processes as well as the kernel.
  const kernel = snapshot.coverage.wholeHost ? Math.max(identity.remainder, 0) : 0;
  const { reported, explained, statusOnly, sharedPmd, roots } = identity;
  const { memTotalBytes } = snapshot.host;
  return {
    reportedBytes: reported * pageBytes,
    explainedBytes: explained * pageBytes,
    kernelBytes: kernel * pageBytes,
    statusOnlyBytes: statusOnly * pageBytes,
    unexplainedBytes: (reported - explained - kernel - statusOnly) * pageBytes,
    sharedPmdBytes: sharedPmd * pageBytes,
    rootBytes: roots * pageBytes,
    percentOfMemory: memTotalBytes === 0 ? 0 : (reported * pageBytes * 100) / memTotalBytes,
  };
}

function groupEntries(twin: HostTwin, identical: Evaluation): GroupEntry[] {
  const groups = new Map<string, GroupEntry>();
  for (const [index, mm] of twin.snapshot.mms.entries()) {
    const name = groupOf(mm);
    const group = groups.get(name) ?? { name, processes: 0, vmPteBytes: 0, duplicateBytes: 0 };
    group.processes++;
    group.vmPteBytes += mm.vmPtePages * twin.pageBytes;
    group.duplicateBytes += Math.max(identical.saved[index]!, 0) * twin.pageBytes;
    groups.set(name, group);
  }
  return [...groups.values()].sort((a, b) => b.vmPteBytes - a.vmPteBytes);
}

function processEntries(twin: HostTwin): ProcessEntry[] {
  const { snapshot, today, pageBytes } = twin;
  return snapshot.mms.map((mm, index): ProcessEntry => {
    const { byLevel, deposited, total } = today.mms[index]!;
    return {
      pid: mm.pid,
      sharers: [...mm.sharers],
      comm: mm.comm,
      group: groupOf(mm),
      uid: mm.uid,
      vmPteBytes: mm.vmPtePages * pageBytes,
      derivedBytes: total * pageBytes,
      residualBytes: twin.residual[index]! * pageBytes,
      tables: { pte: byLevel[0], pmd: byLevel[1], pud: byLevel[2], p4d: byLevel[3], deposited },
      seen: mm.visibility,
      exact: twin.exact[index]!,
    };
  });
}

function designEntry(twin: HostTwin, evaluation: Evaluation): DesignEntry {
  const { design, outcome, count, pages, beforePages } = evaluation;
  const { pageBytes } = twin;
  const objects = outcome.snapshot.objects
    .map(({ name }, index) => ({
      name,
      beforeBytes: twin.today.objects[index]! * pageBytes,
      tableBytes: count.objects[index]! * pageBytes,
    }))
    .filter(({ beforeBytes, tableBytes }) => Math.abs(beforeBytes - tableBytes) >= 1)
    .sort((a, b) => b.beforeBytes - a.beforeBytes);
  return {
    id: design.id,
    title: design.title,
    system: design.system,
    bound: boundOf(twin, evaluation),
    beforeBytes: beforePages * pageBytes,
    bytes: pages * pageBytes,
    savesBytes: (beforePages - pages) * pageBytes,
    gains: gainsOf(twin, evaluation),
    requires: [...outcome.requires],
    costs: [...outcome.costs],
    reservedBytes: outcome.reservedBytes,
    objects,
  };
}

/** What a design does for processes whose mappings were not seen comes on top of what it saves. */
function boundOf({ snapshot }: HostTwin, { design, outcome }: Evaluation): DesignEntry['bound'] {
  const isSeenWhole = snapshot.mms.every((mm) => mm.visibility === 'tables');
  const isOpen = outcome.bound === 'exact' && design !== today && !isSeenWhole;
  return isOpen ? 'lower' : outcome.bound;
}

function gainsOf(twin: HostTwin, { saved, addedPages }: Evaluation): DesignEntry['gains'] {
  const gains = new Map<string, number>();
  for (const [index, mm] of twin.snapshot.mms.entries()) {
    const group = groupOf(mm);
    gains.set(group, (gains.get(group) ?? 0) + saved[index]! * twin.pageBytes);
  }
  if (addedPages > 0) gains.set(REGION_COMM, -addedPages * twin.pageBytes);
  return [...gains]
    .map(([group, savesBytes]) => ({ group, savesBytes }))
    .filter(({ savesBytes }) => Math.abs(savesBytes) >= 1)
    .sort((a, b) => b.savesBytes - a.savesBytes);
}
