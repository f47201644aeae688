/** Puts one workload under all designs, at one size and along a sweep of others. */
import { explainHost } from '../../twin/explain.ts';
import { DESIGNS, evaluateDesigns } from '../../whatif/evaluate.ts';
import type { Workload, WorkloadSize } from '../../workload/index.ts';
import { buildHostReport } from '../build_report.ts';
import type { After } from './after_schema.ts';
import type { EngineCost } from './cost_schema.ts';
import { COMPARISON_SCHEMA, type DesignComparison, type SweepPoint } from './schema.ts';

export interface ComparisonWish {
  readonly size: WorkloadSize;
  /** Ids of the designs, in the order of `DESIGNS`; all unless told. */
  readonly designs?: readonly string[];
  /** The same at other sizes: `sweepPoint()` of each. */
  readonly sweep?: readonly SweepPoint[];
  /** What the engine has counted. */
  readonly engine?: EngineCost;
  /** What has happened: `afterEvents()`, and what the engine has counted. */
  readonly after?: After;
}

/** Ids of the designs that can be compared. */
export const DESIGN_IDS: readonly string[] = DESIGNS.map(({ id }) => id);

export function compareDesigns(workload: Workload, wish: ComparisonWish): DesignComparison {
  const { size, designs = DESIGN_IDS, sweep = [], engine, after } = wish;
  const report = buildHostReport(workload.host(size), { designs: DESIGNS });
  const { id, title, story, processesAre, bytesAre } = workload;
  return {
    schema: COMPARISON_SCHEMA,
    workload: { id, title, story, processesAre, bytesAre },
    ...size,
    addressSpaces: report.processes.length,
    pageTablesBytes: report.pageTables.reportedBytes,
    designs: report.designs.filter((design) => designs.includes(design.id)),
    sweep: [...sweep],
    ...(engine && { engine }),
    ...(after && { after }),
  };
}

/** User tables of a workload at one size. */
export function sweepPoint(
  workload: Workload,
  size: WorkloadSize,
  designs: readonly string[],
): SweepPoint {
  const twin = explainHost(workload.host(size));
  const chosen = DESIGNS.filter(({ id }) => designs.includes(id));
  return {
    ...size,
    designs: evaluateDesigns(twin, chosen).map(({ design, pages }) => ({
      id: design.id,
      tableBytes: pages * twin.pageBytes,
    })),
  };
}
