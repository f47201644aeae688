/** From a trace to its timeline, in one pass, and further when the trace has grown. */
import { CHOICES, Kind, Mode } from '../trace/event.ts';
import type { Trace } from '../trace/trace.ts';
import { Column, TimeColumn } from './columns.ts';
import { AT, Cursor } from './cursor.ts';
import type { Names } from './names.ts';
import type { Timeline } from './timeline.ts';
import { LOOK, TrackBuilder } from './track_builder.ts';

/** Tracks of locks that are drawn: those that are used most. */
const LOCKS_MAX = 120;
/** Actors of CPUs that are drawn. */
const ACTORS_MAX = 256;

/** Keys of slices. */
const OPERATION = -1;
const FAULT = -2;
const GRACE_PERIOD = -3;

/** Events that are no more than a mark on the track of who causes them. */
const MARKS: ReadonlyMap<number, number> = new Map([
  [Kind.entryWrite, LOOK.entry],
  [Kind.tableAlloc, LOOK.table],
  [Kind.tableFree, LOOK.table],
  [Kind.tableLink, LOOK.table],
  [Kind.tableUnlink, LOOK.table],
  [Kind.folioAlloc, LOOK.frame],
  [Kind.folioFree, LOOK.frame],
  [Kind.flush, LOOK.flush],
  [Kind.ipiSent, LOOK.flush],
  [Kind.ipiHandled, LOOK.flush],
  [Kind.ipiAcknowledged, LOOK.flush],
  [Kind.tlbFill, LOOK.entry],
  [Kind.obligationOpened, LOOK.ledger],
  [Kind.obligationDischarged, LOOK.ledger],
  [Kind.lockBusy, LOOK.wait],
  [Kind.note, LOOK.note],
  [Kind.violation, LOOK.violation],
]);

export class TimelineBuilder {
  readonly #trace: Trace;
  readonly #names: Names;
  readonly #cursor: Cursor;
  readonly #times = new TimeColumn();
  readonly #actors = new Map<number, TrackBuilder>();
  readonly #locks = new Map<number, TrackBuilder>();
  readonly #labels = new Map<string, number>();
  readonly #from = new Column();
  readonly #fromActor: TrackBuilder[] = [];
  readonly #to = new Column();
  readonly #toActor: TrackBuilder[] = [];
  readonly #arrowKind = new Column();
  /** Where IPIs, and faults that wait, began: by both CPUs, and by actor. */
  readonly #sent = new Map<string, readonly [number, TrackBuilder]>();
  readonly #openAt = new Column();
  readonly #open = new Column();
  #violation = -1;

  constructor(trace: Trace, names: Names) {
    this.#trace = trace;
    this.#names = names;
    this.#cursor = new Cursor(trace);
  }

  get events(): number {
    return this.#times.length;
  }

  /** Reads what has come to the trace since. */
  extend(): void {
    const cursor = this.#cursor;
    while (cursor.next()) {
      this.#times.push(cursor.time);
      this.#add();
    }
  }

  /** The timeline of what has been read, in arrays of its own. */
  timeline(): Timeline {
    const events = this.#times.length;
    const { tracks, left } = this.#order();
    const place = new Map(tracks.map((track, index) => [track, index]));
    const indices = (of: readonly TrackBuilder[]): Uint32Array<ArrayBuffer> =>
      Uint32Array.from(of, (track) => place.get(track) ?? 0);
    return {
      clock: this.#trace.clock,
      format: this.#trace.format,
      events,
      dropped: this.#trace.dropped,
      times: this.#times.finish(),
      labels: [...this.#labels.keys()],
      tracks: tracks.map((track) => track.finish(events)),
      locksLeftOut: left,
      arrows: {
        from: this.#from.finish(),
        fromTrack: indices(this.#fromActor),
        to: this.#to.finish(),
        toTrack: indices(this.#toActor),
        kind: this.#arrowKind.finish(),
      },
      open: { event: this.#openAt.finish(), value: this.#open.finish() },
      violation: this.#violation,
    };
  }

  #order(): { readonly tracks: readonly TrackBuilder[]; readonly left: number } {
    const byRank = (one: TrackBuilder, other: TrackBuilder): number => one.rank - other.rank;
    const actors = [...this.#actors.values()].sort(byRank).slice(0, ACTORS_MAX);
    const locks = [...this.#locks.values()].sort((one, other) => other.uses - one.uses);
    const shown = locks.slice(0, LOCKS_MAX).sort(byRank);
    return { tracks: [...actors, ...shown], left: locks.length - shown.length };
  }

  #add(): void {
    const cursor = this.#cursor;
    const { kind, event } = cursor;
    const own = this.#actor(cursor.cpu, cursor.actor);
    const look = MARKS.get(kind);
    if (look !== undefined) own.mark(event, look);
    if (kind >= Kind.lockWait && kind <= Kind.lockDowngraded) this.#addLock(own);
    else if (kind >= Kind.ipiSent && kind <= Kind.ipiAcknowledged) this.#addIpi(own);
    else this.#addOwn(own);
  }

  #addOwn(own: TrackBuilder): void {
    const cursor = this.#cursor;
    const { event } = cursor;
    switch (cursor.kind) {
      case Kind.operationBegin: {
        const { name } = this.#trace.operations[cursor.word(AT.operationBegin.operation)]!;
        own.begin(event, OPERATION, this.#label(name), LOOK.operation);
        break;
      }
      case Kind.operationEnd:
        own.end(event, OPERATION);
        break;
      case Kind.faultBegin: {
        const access = CHOICES.access[cursor.word(AT.faultBegin.access)];
        own.begin(event, FAULT, this.#label(`fault (${access})`), LOOK.fault);
        this.#sent.set(`fault ${cursor.actor}`, [event, own]);
        break;
      }
      case Kind.faultEnd:
        own.end(event, FAULT);
        break;
      case Kind.gracePeriodBegin:
        own.begin(event, GRACE_PERIOD, this.#label('grace period'), LOOK.rcu);
        break;
      case Kind.gracePeriodEnd:
        own.end(event, GRACE_PERIOD);
        break;
      case Kind.wake:
        this.#arrowFrom(`fault ${cursor.id(AT.wake.woken)}`, own, 2);
        break;
      case Kind.obligationOpened:
        this.#count(cursor.word(AT.obligationOpened.open));
        break;
      case Kind.obligationDischarged:
        this.#count(cursor.word(AT.obligationDischarged.open));
        break;
      case Kind.violation:
        if (this.#violation < 0) this.#violation = event;
        break;
    }
  }

  #addLock(own: TrackBuilder): void {
    const cursor = this.#cursor;
    const { event, kind } = cursor;
    const id = cursor.id(AT.lockWait.lock);
    const lock = this.#lock(id);
    const holder = cursor.actor * 256 + cursor.cpu;
    const isShared = kind === Kind.lockDowngraded || cursor.word(AT.lockWait.mode) === Mode.shared;
    if (kind === Kind.lockWait) {
      own.begin(event, id, this.#label(`waits for ${lock.name}`), LOOK.wait);
      return;
    }
    if (kind === Kind.lockReleased) {
      lock.end(event, holder);
      return;
    }
    if (kind === Kind.lockDowngraded) lock.end(event, holder);
    else own.end(event, id);
    const label = this.#label(own.name);
    lock.begin(event, holder, label, isShared ? LOOK.shared : LOOK.lock);
  }

  #addIpi(own: TrackBuilder): void {
    const cursor = this.#cursor;
    const { cpu, event } = cursor;
    if (cursor.kind === Kind.ipiSent) {
      this.#sent.set(`ipi ${cpu} ${cursor.id(AT.ipiSent.target)}`, [event, own]);
    } else if (cursor.kind === Kind.ipiHandled) {
      const sender = cursor.id(AT.ipiHandled.sender);
      this.#arrowFrom(`ipi ${sender} ${cpu}`, own, 0);
      this.#sent.set(`ack ${sender} ${cpu}`, [event, own]);
    } else {
      this.#arrowFrom(`ack ${cpu} ${cursor.id(AT.ipiAcknowledged.target)}`, own, 1);
    }
  }

  /** An arrow that ends here, if its beginning was seen. */
  #arrowFrom(key: string, own: TrackBuilder, kind: number): void {
    const begun = this.#sent.get(key);
    if (begun === undefined) return;
    this.#sent.delete(key);
    const { event } = this.#cursor;
    // A wake-up goes the other way: from here to whoever began to wait there.
    const isWake = kind === 2;
    this.#from.push(isWake ? event : begun[0]);
    this.#fromActor.push(isWake ? own : begun[1]);
    this.#to.push(event);
    this.#toActor.push(isWake ? begun[1] : own);
    this.#arrowKind.push(kind);
  }

  #count(open: number): void {
    this.#openAt.push(this.#cursor.event);
    this.#open.push(open);
  }

  #label(text: string): number {
    const known = this.#labels.get(text);
    if (known !== undefined) return known;
    this.#labels.set(text, this.#labels.size);
    return this.#labels.size - 1;
  }

  #actor(cpu: number, actor: number): TrackBuilder {
    const rank = cpu * 2 ** 16 + actor;
    let track = this.#actors.get(rank);
    if (track === undefined) {
      const own = this.#names.ofActor(actor);
      const name = this.#names.of('cpu', cpu);
      track = new TrackBuilder('cpu', own === '' ? name : `${name}: ${own}`, rank);
      this.#actors.set(rank, track);
    }
    return track;
  }

  #lock(id: number): TrackBuilder {
    let track = this.#locks.get(id);
    if (track === undefined) {
      track = new TrackBuilder('lock', this.#names.of('lock', id), id);
      this.#locks.set(id, track);
    }
    return track;
  }
}
