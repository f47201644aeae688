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
  /** In the order in which they were opened. Copies share it until they change it. */
  #list: Obligation[] = [];
  #isOwn = true;
  /** As the trace says. */
  open = 0;

  get list(): readonly Obligation[] {
    return this.#list;
  }

  copy(): Obligations {
    const copy = new Obligations();
    copy.#list = this.#list;
    copy.#isOwn = false;
    this.#isOwn = false;
    copy.open = this.open;
    return copy;
  }

  add(added: Obligation, open: number): void {
    this.open = open;
    if (this.#list.length >= KEPT_MAX) return;
    if (this.#list.some((one) => replaces(added, one))) {
      this.#replaceBy(this.#list.filter((one) => !replaces(added, one)));
    }
    if (!this.#isOwn) this.#replaceBy(this.#list.slice());
    const last = this.#list.at(-1);
    // Told is the part by which the last one has grown, and that there are as many as before.
    if (last !== undefined && open === this.#list.length && isNext(last, added)) {
      this.#list[open - 1] = { ...last, end: added.end };
    } else this.#list.push(added);
  }

  discharge(cpu: number, mm: number, start: number, end: number, open: number): void {
    this.open = open;
    this.#replaceBy(
      this.#list
        .map((one) => discharged(one, cpu, mm, start, end))
        .filter(({ cpus }) => cpus !== 0),
    );
  }

  #replaceBy(list: Obligation[]): void {
    this.#list = list;
    this.#isOwn = true;
  }
}

/** Whether `added` is the part behind `last`, of pages that stay mapped. */
function isNext(last: Obligation, added: Obligation): boolean {
  const isSame = last.mm === added.mm && last.cpus === added.cpus && last.end === added.start;
  return isSame && last.target === 'mapped' && added.target === 'mapped';
}

/** Whether `added` takes the place of `one`, which was over pages that stay mapped. */
function replaces(added: Obligation, one: Obligation): boolean {
  if (one.target !== 'mapped' || one.mm !== added.mm) return false;
  if (added.target === 'mapped') return false;
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
