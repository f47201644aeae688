/** Recordings of real programs, made again on the engine, and what differs. */
export type { Engine, HostFacts, HugePages, Mount } from './host.ts';
export { LIMITS } from './limits.ts';
export { Replay, type ReplayOptions } from './replay.ts';
export { ReplayError } from './replay_error.ts';
export type {
  Counters,
  Mismatch,
  ProcessCounters,
  ReplayReport,
  Share,
  SkippedLine,
} from './report.ts';
