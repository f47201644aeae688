/** Interleavings of generator programs: explored, found, replayed. */
export { DEADLOCK, type Finding, type Step } from './execution.ts';
export { type Exploration, type ExploreOptions, explore } from './explore.ts';
export { MachineScenario, type Program } from './machine_scenario.ts';
export { replay } from './replay.ts';
export type { Actor, Scenario } from './scenario.ts';
export { formatSchedule, parseSchedule, type Turn } from './schedule.ts';
