/**
 * The flush ledger, followed through a trace: who may still use which translation.
 *
 * @source src/mm/world/ledger.ts, whose rules for ranges that stay mapped are repeated here
 */

export interface Obligation {
  /** The event that opened it. */
  readonly event: number;
  readonly mm: number;
  readonly start: number;
  readonly end: number;
  /** A bit for each CPU. */
  readonly cpus: number;
  readonly target: 'frame' | 'table' | 'mapped';
  readonly id: number;
}

/** More are counted, and not told apart: a trace may be a stranger's. */
const KEPT_MAX = 4096;

export class Obligations {
  /** In the order in which they were opened. */
  list: readonly Obligation[] = [];
  /** As the trace says. */
  open = 0;

  copy(): Obligations {
    const copy = new Obligations();
    copy.list = this.list;
    copy.open = this.open;
    return copy;
  }

  add(added: Obligation, open: number): void {
    this.open = open;
    if (this.list.length >= KEPT_MAX) return;
    const kept = this.list.filter((one) => !replaces(added, one));
    kept.push(added);
    this.list = kept;
  }

  discharge(cpu: number, mm: number, start: number, end: number, open: number): void {
    this.open = open;
    this.list = this.list
      .map((one) => discharged(one, cpu, mm, start, end))
      .filter(({ cpus }) => cpus !== 0);
  }
}

/** Whether `added` takes the place of `one`, which was over pages that stay mapped. */
function replaces(added: Obligation, one: Obligation): boolean {
  if (one.target !== 'mapped' || one.mm !== added.mm) return false;
  if (added.target === 'mapped') {
    // It has grown, or is the outer part of one that was cut.
    return one.start === added.start && one.end < added.end && one.cpus === added.cpus;
  }
  const isPage = added.end - added.start === 1;
  return isPage && one.start <= added.start && added.end <= one.end;
}

function discharged(
  one: Obligation,
  cpu: number,
  mm: number,
  start: number,
  end: number,
): Obligation {
  const bit = 1 << cpu;
  if (one.mm !== mm || (one.cpus & bit) === 0) return one;
  const isWithin = one.start >= start && one.end <= end;
  const isCut = one.target === 'mapped' && one.start < end && one.end > start;
  if (!isWithin && !isCut) return one;
  return {
    ...one,
    start: Math.max(one.start, start),
    end: Math.min(one.end, end),
    cpus: one.cpus & ~bit,
  };
}
