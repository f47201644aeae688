/**
 * The twin of a host: what its mappings say about its page tables, held against what the kernel
 * says. Nothing is smoothed over: what the mappings do not explain stays a number of its own.
 *
 *     VmPTE(mm)  = PTE + PMD + PUD + P4D tables + deposited PTE tables
 *     PageTables = sum of VmPTE - hugetlb PMD tables counted again + roots + the kernel's tables
 *
 * @source both identities measured on Linux 6.18: exact for every process, against the tables
 *         themselves
 */
import type { HostSnapshot } from '../snapshot/records.ts';
import { countTables, geometryOf, type TableCount } from './count_tables.ts';
import { hugetlbPmdSharing } from './hugetlb_pmd_sharing.ts';

export interface HostTwin {
  readonly snapshot: HostSnapshot;
  readonly pageBytes: number;
  /** With the sharing that the kernel does today. */
  readonly today: TableCount;
  /** By mm: VmPTE minus the derived tables, in pages. 0 for those seen only through `status`. */
  readonly residual: Float64Array;
  /** By mm: tables seen, VmPTE the same before and after, no residual. */
  readonly exact: readonly boolean[];
  /** All in pages. */
  readonly identity: Identity;
}

export interface Identity {
  readonly reported: number;
  /** Sum of VmPTE over all address spaces. */
  readonly vmPte: number;
  readonly roots: number;
  /** Hugetlb PMD tables that VmPTE counts again for every further sharer. */
  readonly sharedPmd: number;
  /** Sum of the residuals. */
  readonly residual: number;
  /** What the mappings explain: tables of mms that were seen, each once, and all roots. */
  readonly explained: number;
  /** reported - explained - residual - VmPTE of those seen only through `status`. */
  readonly remainder: number;
  readonly statusOnly: number;
}

export function explainHost(snapshot: HostSnapshot): HostTwin {
  const today = countTables(snapshot, hugetlbPmdSharing(snapshot));
  const residual = new Float64Array(snapshot.mms.length);
  const exact = snapshot.mms.map((mm, index) => {
    if (mm.visibility === 'status') return false;
    residual[index] = mm.vmPtePages - today.mms[index]!.total;
    return mm.stable && residual[index] === 0;
  });
  return {
    snapshot,
    pageBytes: geometryOf(snapshot).pageBytes,
    today,
    residual,
    exact,
    identity: identityOf(snapshot, today, residual),
  };
}

function identityOf(snapshot: HostSnapshot, today: TableCount, residuals: Float64Array): Identity {
  const reported = snapshot.host.pageTablesBytes / geometryOf(snapshot).pageBytes;
  const derived = today.mms.reduce((sum, mm) => sum + mm.total, 0);
  const residual = residuals.reduce((sum, pages) => sum + pages, 0);
  const roots = snapshot.mms.length * snapshot.host.rootPages;
  const explained = today.distinct + roots;
  let vmPte = 0;
  let statusOnly = 0;
  for (const mm of snapshot.mms) {
    vmPte += mm.vmPtePages;
    if (mm.visibility === 'status') statusOnly += mm.vmPtePages;
  }
  return {
    reported,
    vmPte,
    roots,
    sharedPmd: derived - today.distinct,
    residual,
    explained,
    remainder: reported - explained - residual - statusOnly,
    statusOnly,
  };
}
