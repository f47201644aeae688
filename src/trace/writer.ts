/**
 * Writes a trace: one method for each event, of which none allocates.
 *
 * Whoever runs operations sets `time`, `cpu` and `actor` before each step; operations say what they
 * do. The parameters of a method are the fields of the event (`event.ts`), in their order; choices
 * are numbers: `Mode.shared`.
 */
import { Kind, Subject } from './event.ts';
import { high, RecordWriter } from './record_writer.ts';

export class TraceWriter extends RecordWriter {
  /** What locks are called: each is named when it is first met. */
  lockName: ((lock: number) => string) | undefined;
  readonly #met = new Set<number>();

  /** @param subject a `Subject` */
  name(subject: number, id: number, text: string): void {
    const at = this.begin(Kind.name);
    const words = this.words;
    words[at] = subject;
    words[at + 1] = id;
    words[at + 2] = this.textOf(text);
  }

  /** Values: as many as the operation has parameters, each a safe integer. */
  operationBegin(mm: number, operation: number, a = 0, b = 0, c = 0, d = 0, e = 0, f = 0): void {
    const at = this.begin(Kind.operationBegin);
    const words = this.words;
    words[at] = mm;
    words[at + 1] = operation;
    words[at + 2] = a;
    words[at + 3] = high(a);
    words[at + 4] = b;
    words[at + 5] = high(b);
    words[at + 6] = c;
    words[at + 7] = high(c);
    words[at + 8] = d;
    words[at + 9] = high(d);
    words[at + 10] = e;
    words[at + 11] = high(e);
    words[at + 12] = f;
    words[at + 13] = high(f);
    this.endValues(operation);
  }

  operationEnd(operation: number, result: number): void {
    const at = this.begin(Kind.operationEnd);
    const words = this.words;
    words[at] = operation;
    words[at + 1] = result;
    words[at + 2] = high(result);
  }

  /** @param mode a `Mode`, as of every lock event */
  lockWait(lock: number, mode: number): void {
    this.#meet(lock);
    this.writeTwo(Kind.lockWait, lock, mode);
  }

  lockAcquired(lock: number, mode: number): void {
    this.#meet(lock);
    this.writeTwo(Kind.lockAcquired, lock, mode);
  }

  lockReleased(lock: number, mode: number): void {
    this.writeTwo(Kind.lockReleased, lock, mode);
  }

  lockDowngraded(lock: number): void {
    this.writeOne(Kind.lockDowngraded, lock);
  }

  lockBusy(lock: number, mode: number): void {
    this.#meet(lock);
    this.writeTwo(Kind.lockBusy, lock, mode);
  }

  entryWrite(
    table: number,
    index: number,
    lowBefore: number,
    highBefore: number,
    lowAfter: number,
    highAfter: number,
  ): void {
    const at = this.begin(Kind.entryWrite);
    const words = this.words;
    words[at] = table;
    words[at + 1] = index;
    words[at + 2] = lowBefore;
    words[at + 3] = highBefore;
    words[at + 4] = lowAfter;
    words[at + 5] = highAfter;
  }

  tableAlloc(table: number): void {
    this.writeOne(Kind.tableAlloc, table);
  }

  tableFree(table: number): void {
    this.writeOne(Kind.tableFree, table);
  }

  /** @param level of `table` @param start the first page that it can map @param parent -1: a root */
  tableLink(
    mm: number,
    table: number,
    parent: number,
    index: number,
    level: number,
    start: number,
  ): void {
    const at = this.begin(Kind.tableLink);
    const words = this.words;
    words[at] = mm;
    words[at + 1] = table;
    words[at + 2] = parent;
    words[at + 3] = index;
    words[at + 4] = level;
    words[at + 5] = start;
    words[at + 6] = high(start);
  }

  tableUnlink(mm: number, table: number, parent: number, index: number): void {
    const at = this.begin(Kind.tableUnlink);
    const words = this.words;
    words[at] = mm;
    words[at + 1] = table;
    words[at + 2] = parent;
    words[at + 3] = index;
  }

  folioAlloc(frame: number, order: number): void {
    this.writeTwo(Kind.folioAlloc, frame, order);
  }

  folioFree(frame: number, order: number): void {
    this.writeTwo(Kind.folioFree, frame, order);
  }

  /** @param scope a `Scope` */
  flush(scope: number, mm: number, start: number, end: number): void {
    const at = this.begin(Kind.flush);
    const words = this.words;
    words[at] = scope;
    words[at + 1] = mm;
    words[at + 2] = start;
    words[at + 3] = high(start);
    words[at + 4] = end;
    words[at + 5] = high(end);
  }

  ipiSent(target: number, mm: number, start: number, end: number): void {
    const at = this.begin(Kind.ipiSent);
    const words = this.words;
    words[at] = target;
    words[at + 1] = mm;
    words[at + 2] = start;
    words[at + 3] = high(start);
    words[at + 4] = end;
    words[at + 5] = high(end);
  }

  ipiHandled(sender: number): void {
    this.writeOne(Kind.ipiHandled, sender);
  }

  ipiAcknowledged(target: number): void {
    this.writeOne(Kind.ipiAcknowledged, target);
  }

  tlbFill(mm: number, page: number, level: number, entryLow: number, entryHigh: number): void {
    const at = this.begin(Kind.tlbFill);
    const words = this.words;
    words[at] = mm;
    words[at + 1] = page;
    words[at + 2] = high(page);
    words[at + 3] = level;
    words[at + 4] = entryLow;
    words[at + 5] = entryHigh;
  }

  /** @param access an `Access` */
  faultBegin(mm: number, page: number, access: number): void {
    const at = this.begin(Kind.faultBegin);
    const words = this.words;
    words[at] = mm;
    words[at + 1] = page;
    words[at + 2] = high(page);
    words[at + 3] = access;
  }

  /** @param outcome an `Outcome` */
  faultEnd(outcome: number): void {
    this.writeOne(Kind.faultEnd, outcome);
  }

  wake(woken: number): void {
    this.writeOne(Kind.wake, woken);
  }

  gracePeriodBegin(): void {
    this.begin(Kind.gracePeriodBegin);
  }

  gracePeriodEnd(): void {
    this.begin(Kind.gracePeriodEnd);
  }

  /**
   * @param cpus a mask
   * @param target a `Target`
   * @param id of the frame or table, or -1
   * @param open obligations in the ledger now, as of `obligationDischarged()`
   */
  obligationOpened(
    mm: number,
    start: number,
    end: number,
    cpus: number,
    target: number,
    id: number,
    open: number,
  ): void {
    const at = this.begin(Kind.obligationOpened);
    const words = this.words;
    words[at] = mm;
    words[at + 1] = start;
    words[at + 2] = high(start);
    words[at + 3] = end;
    words[at + 4] = high(end);
    words[at + 5] = cpus;
    words[at + 6] = target;
    words[at + 7] = id;
    words[at + 8] = open;
  }

  obligationDischarged(debtor: number, mm: number, start: number, end: number, open: number): void {
    const at = this.begin(Kind.obligationDischarged);
    const words = this.words;
    words[at] = debtor;
    words[at + 1] = mm;
    words[at + 2] = start;
    words[at + 3] = high(start);
    words[at + 4] = end;
    words[at + 5] = high(end);
    words[at + 6] = open;
  }

  note(text: string): void {
    this.writeOne(Kind.note, this.textOf(text));
  }

  violation(property: string, text: string): void {
    this.writeTwo(Kind.violation, this.textOf(property), this.textOf(text));
  }

  #meet(lock: number): void {
    if (this.lockName === undefined || this.#met.has(lock)) return;
    this.#met.add(lock);
    this.name(Subject.lock, lock, this.lockName(lock));
  }
}
