/** Sums over the phases that the engine has run. */
import type { DesignCostEntry } from './cost_schema.ts';

type PhaseEntry = DesignCostEntry['phases'][number];
type Figure = Exclude<keyof PhaseEntry, 'phase'>;

export function totalOf({ phases }: DesignCostEntry, figure: Figure): number {
  return phases.reduce((sum, phase) => sum + phase[figure], 0);
}

const NOTHING: PhaseEntry = {
  phase: 'read',
  faults: 0,
  flushes: 0,
  fullFlushes: 0,
  ipis: 0,
  locks: 0,
  entriesWritten: 0,
  tablesMade: 0,
  accesses: 0,
  tlbMisses: 0,
  walkReferences: 0,
};

/** The phase that tells of TLBs: reading everything once, or the script. Who ran neither has none. */
export function readingOf({ phases }: DesignCostEntry): PhaseEntry {
  return phases.find(({ phase }) => phase === 'read' || phase === 'script') ?? NOTHING;
}
