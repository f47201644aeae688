/** A rule of mshare v3, and what holds it against the model. */
import type { RegionWorld } from './region_world.ts';

export interface Rule {
  readonly source: string;
  readonly rule: string;
  check(world: RegionWorld): void;
}
