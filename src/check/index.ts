/** Interleavings of generator programs: explored, found, replayed. */
export type { Checkpoint, SavedBranch, SavedPath, SavedStep } from './checkpoint.ts';
export { type Estimate, type EstimateOptions, estimate } from './estimate.ts';
export { DEADLOCK, type Finding, type Step } from './execution.ts';
export { type Exploration, type ExploreOptions, explore, type Progress } from './explore.ts';
export { exploreParts, type PartsOptions } from './explore_parts.ts';
export { MachineScenario, type Program } from './machine_scenario.ts';
export { type Condition, LOST_WAKEUP } from './program/condition.ts';
export type { Mutex, RwSemaphore } from './program/lock.ts';
export { ATOMIC_SLEEP, LOCK_ORDER, SELF_DEADLOCK } from './program/lock_order.ts';
export type { Task } from './program/shared.ts';
export type { Word } from './program/word.ts';
export { type Identical, identical, type ThreadBody, World } from './program/world.ts';
export { replay } from './replay.ts';
export type { Actor, Fact, Scenario } from './scenario.ts';
export { formatSchedule, parseSchedule, type Turn } from './schedule.ts';
export { traceOf } from './schedule_trace.ts';
export {
  PARTS_MAX,
  type Part,
  type PartResult,
  SharedSearch,
  type SharedState,
} from './shared_search.ts';
export type { StrategyOption } from './strategy/index.ts';
export type { Bound } from './strategy/strategy.ts';
