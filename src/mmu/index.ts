/** The simulated MMU: walks as the hardware does them, and the caches that remember them. */
export { Access, Fault } from './access.ts';
export type { CacheShape } from './associative_cache.ts';
export { BY_HARDWARE, BY_SOFTWARE, pageSizes, type Updates } from './hardware.ts';
export { EVERY_ASID, GLOBAL_TOO, LEAF_ONLY, Mmu, MmuCount } from './mmu.ts';
export { type MmuShape, SKYLAKE, type TlbArray } from './shape.ts';
export { type TableMemory, WalkCount, Walker } from './walker.ts';
