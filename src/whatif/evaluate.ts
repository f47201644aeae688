/** Puts the designs side by side on one host. */
import { countAll, type TableCount } from '../twin/count_tables.ts';
import type { HostTwin } from '../twin/explain.ts';
import { hugetlbPmdSharing } from '../twin/hugetlb_pmd_sharing.ts';
import type { Design, Outcome } from './design.ts';
import { hugetlbAligned, hugetlbAsPlaced } from './hugetlb.ts';
import { identicalTables } from './identical_tables.ts';
import { mshare } from './mshare.ts';
import { cowPte, onDemandFork } from './on_demand_fork.ts';
import { sharedPteAndPmdTables, sharedPteTables } from './shared_page_tables_2006.ts';
import { shmemThp } from './shmem_thp.ts';

/** Saves nothing, by definition: what the designs are held against. */
export const today: Design = {
  id: 'today',
  title: 'The kernel as it runs',
  system: '-',
  apply: ({ snapshot }) => ({
    snapshot,
    rule: hugetlbPmdSharing(snapshot),
    change: 'left',
    bound: 'exact',
    requires: [],
    costs: [],
    reservedBytes: 0,
  }),
};

/** In the order in which reports show them. */
export const DESIGNS: readonly Design[] = [
  today,
  hugetlbAsPlaced,
  hugetlbAligned,
  shmemThp,
  sharedPteTables,
  sharedPteAndPmdTables,
  mshare,
  onDemandFork,
  cowPte,
  identicalTables,
];

/** What reports on hosts show: COW-PTE would save there what on-demand-fork does. */
export const HOST_DESIGNS: readonly Design[] = DESIGNS.filter((design) => design !== cowPte);

export interface Evaluation {
  readonly design: Design;
  readonly outcome: Outcome;
  readonly count: TableCount;
  /** User tables with the design, roots included, in pages. */
  readonly pages: number;
  /** The same today. */
  readonly beforePages: number;
  /** By mm of the original snapshot: pages saved; negative where the design costs more. */
  readonly saved: Float64Array;
  /** Pages of mms that the design adds, roots included. */
  readonly addedPages: number;
}

/** User tables of the host as it is, roots included, in pages; what is unexplained counts too. */
export function userPages({ identity }: HostTwin): number {
  return identity.vmPte - identity.sharedPmd + identity.roots;
}

export function evaluateDesigns(twin: HostTwin, designs: readonly Design[]): Evaluation[] {
  const outcomes = designs.map((design) => design.apply(twin));
  const counts = countAll(outcomes);
  return designs.map((design, index) =>
    evaluationOf(twin, design, outcomes[index]!, counts[index]!),
  );
}

function evaluationOf(
  twin: HostTwin,
  design: Design,
  outcome: Outcome,
  count: TableCount,
): Evaluation {
  const mms = twin.snapshot.mms.length;
  const addedRoots = (outcome.snapshot.mms.length - mms) * twin.snapshot.host.rootPages;
  const beforePages = userPages(twin);
  const added = count.charged.subarray(mms);
  return {
    design,
    outcome,
    count,
    beforePages,
    pages: beforePages - twin.today.distinct + count.distinct + addedRoots,
    saved: twin.today.charged.map((pages, index) => pages - count.charged[index]!),
    addedPages: added.reduce((sum, pages) => sum + pages, addedRoots),
  };
}
