/** The engine: operations of a memory-management subsystem, to run or to explore. */
export { countTranslations, load, store } from './access.ts';
export { audit, checksum, residentPages } from './audit.ts';
export { callbackActor, interruptActor } from './delivery.ts';
export { areDependent } from './dependence.ts';
export { EEXIST, EFAULT, EINVAL, ENOMEM } from './errno.ts';
export { gupFast, unpin } from './gup.ts';
export { localIrqDisable, localIrqEnable } from './interrupt.ts';
export { lock, mmapReadLock, mmapReadUnlock, Rank, unlock } from './lock.ts';
export { type Bugs, Machine, NONE, type Saved } from './machine.ts';
export type { MachineSize } from './machine_size.ts';
export { handleUserFault } from './memory.ts';
export { mmapFixed, munmap } from './mmap.ts';
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
export { PROPERTIES, type Property, violate, violationOf } from './property.ts';
export { rcuReadLock, rcuReadUnlock, synchronizeRcu } from './rcu.ts';
export { run } from './run.ts';
export { choose, countChoices, describePoint, mayGo } from './scheduling.ts';
