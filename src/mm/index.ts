/** The engine: operations of a memory-management subsystem, to run or to explore. */
export { FREE, type Lock, lock, unlock } from './lock.ts';
export type { Op } from './op.ts';
export {
  kindOf,
  locking,
  objectOf,
  type Point,
  PointKind,
  reading,
  unlocking,
  writing,
} from './point.ts';
export { run } from './run.ts';
