/**
 * A trace as what viewers of timelines draw.
 *
 * Each actor of a CPU has a track with its operations, faults and waits; each lock has one that shows
 * who holds it, and one for each CPU that reads along; each address space has one with its flushes.
 * Counters count from the beginning of the trace: what was there before is not in them. Flows lead
 * from an IPI to its handling and its acknowledgement, and from a fault to what wakes it.
 */
import type { TraceEvent } from './event.ts';
import { events } from './reader.ts';
import type { Args, Flow, Mark, Sink } from './sink.ts';
import { Survey } from './survey.ts';
import type { Trace } from './trace.ts';
import { type SliceTrack, Tracks } from './tracks.ts';

/** Tells `sink` all of `trace`. */
export function drawTimeline(trace: Trace, sink: Sink): void {
  const timeline = new Timeline(trace, sink);
  for (const event of events(trace)) timeline.draw(event);
  timeline.finish();
}

type Of<K extends TraceEvent['kind']> = Extract<TraceEvent, { kind: K }>;
type LockEvent = Of<'lockWait' | 'lockAcquired' | 'lockReleased' | 'lockDowngraded' | 'lockBusy'>;

class Timeline {
  readonly #sink: Sink;
  readonly #survey: Survey;
  readonly #tracks: Tracks;
  readonly #parameters: ReadonlyMap<string, readonly string[]>;
  /** Of IPIs that are not acknowledged, by sender and target. */
  readonly #ipiFlows = new Map<string, number>();
  /** Of faults that will be woken, by actor. */
  readonly #faultFlows = new Map<number, number>();
  #flows = 0;
  /** Of the event that is drawn. */
  #number = -1;
  #time = 0;

  constructor(trace: Trace, sink: Sink) {
    this.#sink = sink;
    this.#survey = new Survey(trace);
    this.#tracks = new Tracks(this.#survey, sink);
    this.#parameters = new Map(trace.operations.map(({ name, parameters }) => [name, parameters]));
  }

  draw(event: TraceEvent): void {
    this.#number++;
    this.#time = event.time;
    if (event.kind === 'name') return;
    const own = this.#tracks.cpu(event.cpu, event.actor);
    switch (event.kind) {
      case 'operationBegin':
      case 'operationEnd':
        this.#drawOperation(event, own);
        break;
      case 'faultBegin':
      case 'faultEnd':
      case 'wake':
        this.#drawFault(event, own);
        break;
      case 'gracePeriodBegin':
        this.#begin(own, 'grace period', { category: 'rcu', name: 'grace period', args: {} });
        break;
      case 'gracePeriodEnd':
        own.end(event.time, 'grace period');
        break;
      case 'lockWait':
      case 'lockAcquired':
      case 'lockReleased':
      case 'lockDowngraded':
      case 'lockBusy':
        this.#drawLock(event, own);
        break;
      case 'ipiSent':
      case 'ipiHandled':
      case 'ipiAcknowledged':
        this.#drawIpi(event, own);
        break;
      case 'flush':
        this.#instant(own, 'flush', `flush (${event.scope})`, argsOf(event));
        this.#sink.instant(event.time, this.#tracks.mm(event.mm), {
          category: 'flush',
          name: `flush by ${this.#tracks.cpuName(event.cpu)}`,
          args: argsOf(event),
        });
        break;
      case 'note':
        this.#instant(own, 'note', event.text, {});
        break;
      case 'violation':
        this.#instant(own, 'violation', `${event.property} violated`, argsOf(event));
        break;
      default:
        this.#drawChange(event, own);
    }
  }

  finish(): void {
    this.#tracks.finish(this.#time);
  }

  #drawOperation(event: Of<'operationBegin' | 'operationEnd'>, own: SliceTrack): void {
    const name = event.operation;
    if (event.kind === 'operationEnd') {
      own.end(event.time, `operation ${name}`, { result: event.result });
      return;
    }
    const parameters = this.#parameters.get(name) ?? [];
    const values = parameters.map((parameter, index) => [parameter, event.values[index]!]);
    const args = { mm: event.mm, ...Object.fromEntries(values) } as Args;
    this.#begin(own, `operation ${name}`, { category: 'operation', name, args });
  }

  #drawFault(event: Of<'faultBegin' | 'faultEnd' | 'wake'>, own: SliceTrack): void {
    if (event.kind === 'faultBegin') {
      const flow = this.#survey.wokenFaults.has(this.#number)
        ? this.#startFlow(this.#faultFlows, event.actor)
        : undefined;
      const name = `fault (${event.access})`;
      this.#begin(own, 'fault', { category: 'fault', name, args: argsOf(event), flow });
    } else if (event.kind === 'faultEnd') {
      own.end(event.time, 'fault', { outcome: event.outcome });
    } else {
      const flow = this.#followFlow(this.#faultFlows, event.woken, 'end');
      this.#instant(own, 'fault', 'wakes a fault', argsOf(event), flow);
    }
  }

  #drawLock(event: LockEvent, own: SliceTrack): void {
    const { lock, cpu, time } = event;
    const name = this.#tracks.lockName(lock);
    const wait = `wait ${lock}`;
    const held = `held by ${cpu}`;
    const hold: Mark = { category: 'lock', name: this.#tracks.cpuName(cpu), args: {} };
    switch (event.kind) {
      case 'lockWait':
        this.#begin(own, wait, { category: 'lock', name: `waits for ${name}`, args: {} });
        break;
      case 'lockAcquired':
        own.end(time, wait);
        if (event.mode === 'exclusive') this.#begin(this.#tracks.lock(lock), held, hold);
        else this.#begin(this.#tracks.reader(lock, cpu), held, hold);
        break;
      case 'lockReleased':
        if (event.mode === 'exclusive') this.#tracks.lock(lock).end(time, held);
        else this.#tracks.reader(lock, cpu).end(time, held);
        break;
      case 'lockDowngraded':
        this.#tracks.lock(lock).end(time, held);
        this.#begin(this.#tracks.reader(lock, cpu), held, hold);
        break;
      case 'lockBusy':
        this.#instant(own, 'lock', `${name} is busy`, {});
    }
  }

  #drawIpi(event: Of<'ipiSent' | 'ipiHandled' | 'ipiAcknowledged'>, own: SliceTrack): void {
    const sender = event.kind === 'ipiHandled' ? event.sender : event.cpu;
    const target = event.kind === 'ipiHandled' ? event.cpu : event.target;
    const key = `${sender} ${target}`;
    const flows = this.#ipiFlows;
    if (event.kind === 'ipiSent') {
      this.#instant(own, 'flush', 'IPI sent', argsOf(event), this.#startFlow(flows, key));
    } else if (event.kind === 'ipiHandled') {
      const flow = this.#followFlow(flows, key, 'middle');
      this.#instant(own, 'flush', 'IPI handled', argsOf(event), flow);
    } else {
      const flow = this.#followFlow(flows, key, 'end');
      this.#instant(own, 'flush', 'IPI acknowledged', argsOf(event), flow);
    }
  }

  #drawChange(event: Of<keyof typeof LABELS>, own: SliceTrack): void {
    const [category, name] = LABELS[event.kind];
    this.#instant(own, category, name, argsOf(event));
    const add = (name: string, change: number): void =>
      this.#tracks.counter(name).add(event.time, change);
    if ('open' in event) this.#tracks.counter('open obligations').set(event.time, event.open);
    if (event.kind === 'tableAlloc') add('page tables (change)', 1);
    if (event.kind === 'tableFree') add('page tables (change)', -1);
    if (event.kind === 'tableLink')
      add(`page tables of ${this.#tracks.mmName(event.mm)} (change)`, 1);
    if (event.kind === 'tableUnlink')
      add(`page tables of ${this.#tracks.mmName(event.mm)} (change)`, -1);
    if (event.kind === 'folioAlloc') add('frames (change)', 2 ** event.order);
    if (event.kind === 'folioFree') add('frames (change)', -(2 ** event.order));
  }

  /** @param key finds the slice when it ends */
  #begin(track: SliceTrack, key: string, mark: Mark): void {
    track.began(key);
    this.#sink.begin(this.#time, track.track, mark);
  }

  #instant(own: SliceTrack, category: string, name: string, args: Args, flow?: Flow): void {
    this.#sink.instant(this.#time, own.track, { category, name, args, flow });
  }

  #startFlow<Key>(flows: Map<Key, number>, key: Key): Flow {
    this.#flows++;
    flows.set(key, this.#flows);
    return { id: this.#flows, step: 'start' };
  }

  /** Nothing if the flow started before the trace did. */
  #followFlow<Key>(flows: Map<Key, number>, key: Key, step: 'middle' | 'end'): Flow | undefined {
    const id = flows.get(key);
    if (id === undefined) return undefined;
    if (step === 'end') flows.delete(key);
    return { id, step };
  }
}

/** Category and name of events that are no more than that. */
const LABELS = {
  entryWrite: ['table', 'entry write'],
  tableAlloc: ['table', 'table allocated'],
  tableFree: ['table', 'table freed'],
  tableLink: ['table', 'table linked'],
  tableUnlink: ['table', 'table unlinked'],
  folioAlloc: ['frame', 'folio allocated'],
  folioFree: ['frame', 'folio freed'],
  tlbFill: ['tlb', 'TLB fill'],
  obligationOpened: ['ledger', 'obligation opened'],
  obligationDischarged: ['ledger', 'obligations discharged'],
} as const;

/** All fields of an event that are its own. */
function argsOf(event: TraceEvent): Args {
  const { kind: _kind, time: _time, cpu: _cpu, actor: _actor, ...args } = event;
  return args as Args;
}
