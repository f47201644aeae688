/** What a design is, to the what-if: another population, another rule of sharing, or both. */
import type { HostSnapshot } from '../snapshot/records.ts';
import type { PoolPlace, ShareRule } from '../twin/count_tables.ts';
import type { HostTwin } from '../twin/explain.ts';

/**
 * How the computed saving relates to the real one: `exact` by the design's rules and what was seen;
 * `upper` and `lower` where something that matters cannot be seen.
 */
export type Bound = 'exact' | 'upper' | 'lower';

/**
 * `left`: the process gives it up, and finds or makes another when it touches the pages again.
 * `copied`: it gets a copy. `counted`: tables are not shared, those that are the same are counted once.
 */
export type TableChange = 'left' | 'copied' | 'counted';

/** A host as a design would leave it, and what that takes. */
export interface Outcome {
  /**
   * The host with the design in force. The mms of the original come first and in their order;
   * those that the design adds (mshare's host mms) come after them.
   */
  readonly snapshot: HostSnapshot;
  readonly rule: ShareRule;
  /** What becomes of a shared table for the process that changes what it maps (`life.ts`). */
  readonly change: TableChange;
  /**
   * By mm that stands for a region of mshare: the processes that have it attached. It ends with the
   * first of them, which has made it.
   */
  readonly guests?: ReadonlyMap<number, readonly number[]>;
  readonly bound: Bound;
  /** What must change on the host, in sentences. */
  readonly requires: readonly string[];
  /** What it takes in return, in sentences. */
  readonly costs: readonly string[];
  /** Data bytes set aside up front. */
  readonly reservedBytes: number;
}

export interface Design {
  readonly id: string;
  readonly title: string;
  /** The system of the design document: S1 to S8, or `-` for the kernel as it is. */
  readonly system: string;
  apply(twin: HostTwin): Outcome;
}

/** Tables are shared if any of the rules says so; the first that does decides with whom. */
export function anyOf(...rules: readonly ShareRule[]): ShareRule {
  return (tables): PoolPlace | undefined => {
    for (const rule of rules) {
      const place = rule(tables);
      if (place !== undefined) return place;
    }
    return undefined;
  };
}
