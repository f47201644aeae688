/** A rule of high-granularity mapping, with how it is tried. */
import type { HgmOptions } from '../../../src/designs/index.ts';

export interface HgmRule {
  /** What it is about. */
  readonly part: string;
  readonly rule: string;
  /** Which posting says so: the patch of v2, unless it says otherwise. */
  readonly source: string;
  /** Tried in each of the versions that have it; none for all four. */
  readonly versions?: readonly HgmOptions[];
  check(options: HgmOptions): void;
}
