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

/** A phase that was not run has cost nothing. */
export function phaseOf({ phases }: DesignCostEntry, wanted: PhaseEntry['phase']): PhaseEntry {
  return phases.find(({ phase }) => phase === wanted) ?? NOTHING;
}
