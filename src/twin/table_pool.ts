/**
 * Tables that several address spaces use together: each distinct one counted once, its cost divided
 * evenly among those that use it.
 */

/** Tables `[start, end)` of one pool, used once by `payer` on account of `item`. */
interface Use {
  readonly start: number;
  readonly end: number;
  readonly payer: number;
  readonly item: number;
}

/** Receives the pages that one use costs its payer. */
export type Charge = (payer: number, item: number, pages: number) => void;

export class TablePool {
  readonly #pools = new Map<string, Use[]>();

  /**
   * Says that `payer` uses tables `[start, end)` of the pool `key`; whoever uses table `i` of the
   * same pool uses the same table.
   */
  use(key: string, start: number, end: number, payer: number, item: number): void {
    const uses = this.#pools.get(key);
    if (uses === undefined) this.#pools.set(key, [{ start, end, payer, item }]);
    else uses.push({ start, end, payer, item });
  }

  /** Distinct tables in all pools, in pages; `charge` is told each use's part of them. */
  settle(charge: Charge): number {
    let distinct = 0;
    for (const uses of this.#pools.values()) distinct += settlePool(uses, charge);
    return distinct;
  }
}

/**
 * Sweeps one pool from low to high, keeping the integral of 1/users: the part of a use is the
 * difference of that integral between its ends.
 */
function settlePool(uses: readonly Use[], charge: Charge): number {
  const starts = Float64Array.from(uses, (use) => use.start).sort();
  const ends = Float64Array.from(uses, (use) => use.end).sort();
  const integralAt = new Map<number, number>();
  let distinct = 0;
  let integral = 0;
  let users = 0;
  let at = 0;
  let opened = 0;
  for (let closed = 0; closed < ends.length; ) {
    const next = opened < starts.length ? Math.min(starts[opened]!, ends[closed]!) : ends[closed]!;
    if (users > 0) {
      distinct += next - at;
      integral += (next - at) / users;
    }
    at = next;
    integralAt.set(at, integral);
    while (closed < ends.length && ends[closed] === at) {
      closed++;
      users--;
    }
    while (opened < starts.length && starts[opened] === at) {
      opened++;
      users++;
    }
  }
  for (const use of uses) {
    charge(use.payer, use.item, integralAt.get(use.end)! - integralAt.get(use.start)!);
  }
  return distinct;
}
