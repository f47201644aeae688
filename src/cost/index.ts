/** What designs cost in the engine, counted while it runs. */
export type { AccessLog } from './access/access_log.ts';
export {
  type AccessCost,
  driveDesigns,
  type SizeCost,
  sizesOf,
} from './access/drive.ts';
export { LackeyReader } from './access/lackey.ts';
export type { Common } from './access/log_host.ts';
export { type AfterCost, isAsShapesSay, measureAfter } from './after_workload.ts';
export { type Crowd, measureCrowd } from './crowd.ts';
export {
  type DesignCost,
  measureDesigns,
  type NotRun,
  type PayerCost,
  payerOf,
  stateOf,
} from './measure.ts';
export { countWhile, type Phase, type PhaseCost, type Watched } from './phases.ts';
export { measurePostCopy, type PostCopyCost } from './post_copy.ts';
export { snapshotOf } from './seen.ts';
export { ENGINE_DESIGNS, type Engine, pluggedFor, sharesByItself } from './setup.ts';
export { runTogether, type TogetherCost, type Wait } from './together.ts';
export { agrees, type EngineCost, type Engines, measureWorkload } from './workload.ts';
