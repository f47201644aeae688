/** A rule of high-granularity mapping, with how it is tried. */
import type { HgmOptions } from '../../../src/designs/index.ts';
import type { Userfaultfd } from '../../../src/mm/index.ts';
import { GIB, GranularWorld, type Shape } from './granular_world.ts';

export interface HgmRule {
  /** What it is about. */
  readonly part: string;
  readonly rule: string;
  /** Which posting says so: the patch of v2, unless it says otherwise. */
  readonly source: string;
  /** Tried in each of the versions that have it; none for all four. */
  readonly versions?: readonly HgmOptions[];
  readonly check: (options: HgmOptions) => void;
}

type Try = (world: GranularWorld, options: HgmOptions) => void;

/** Tries a rule in a world that is to be mapped in pieces, and where all is given back in the end. */
export function inWorld(shape: Shape, rule: Try): HgmRule['check'] {
  return (options) => {
    const world = GranularWorld.ready({ ...shape, options });
    rule(world, options);
    world.end();
  };
}

/** With pages of 2 MiB, or one of 1 GiB. */
export const inHuge = (rule: Try): HgmRule['check'] => inWorld({}, rule);
export const inGigantic = (rule: Try): HgmRule['check'] => inWorld({ pages: GIB, count: 1 }, rule);

/** The same with faults that a userfaultfd is told of, and nothing mapped. */
export function watched(
  rule: (world: GranularWorld, uffd: Userfaultfd) => void,
  mode?: number,
  shape: Shape = {},
): HgmRule['check'] {
  return (options) => {
    const world = GranularWorld.cached({ ...shape, options });
    rule(world, world.watch(mode));
    world.end();
  };
}
