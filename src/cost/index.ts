/** What designs cost in the engine, counted while it runs. */
export { type DesignCost, measureDesigns, type NotRun, type PayerCost } from './measure.ts';
export { PHASES, type Phase, type PhaseCost } from './phases.ts';
export type { Engine } from './setup.ts';
export { type EngineCost, measureWorkload } from './workload.ts';
