/**
 * Traces for Perfetto (https://ui.perfetto.dev): TrackEvent packets in protobuf.
 *
 * @source Perfetto documentation, "Writing TrackEvent Protos Synthetically"; fields of TracePacket,
 *         TrackDescriptor, TrackEvent, DebugAnnotation and InternedData
 */
import { ProtobufWriter } from './protobuf.ts';
import type { Args, Mark, Sink, Track } from './sink.ts';
import { drawTimeline } from './timeline.ts';
import type { Trace } from './trace.ts';

/** Numbers of fields, by message. */
const TRACE = { packet: 1 } as const;
const PACKET = {
  timestamp: 8,
  sequenceId: 10,
  trackEvent: 11,
  internedData: 12,
  sequenceFlags: 13,
  trackDescriptor: 60,
} as const;
const DESCRIPTOR = {
  uuid: 1,
  name: 2,
  parentUuid: 5,
  counter: 8,
  childOrdering: 11,
  siblingOrderRank: 12,
} as const;
const COUNTER = { unit: 3 } as const;
const EVENT = {
  categoryIids: 3,
  debugAnnotations: 4,
  type: 9,
  nameIid: 10,
  trackUuid: 11,
  counterValue: 30,
  flowIds: 47,
  terminatingFlowIds: 48,
} as const;
const ANNOTATION = { nameIid: 1, intValue: 4, stringValue: 6, pointerValue: 7 } as const;
const INTERNED = { categories: 1, names: 2, annotationNames: 3 } as const;
const INTERNED_STRING = { iid: 1, text: 2 } as const;

const EventType = { sliceBegin: 1, sliceEnd: 2, instant: 3, counter: 4 } as const;
const UNIT_COUNT = 2;
const CHILD_ORDERING_EXPLICIT = 3;
const SEQUENCE = 1;
const STATE_CLEARED = 1;
const NEEDS_STATE = 2;

/** A step is drawn as a microsecond: Perfetto counts nanoseconds, and shows small ones badly. */
const STEP_NS = 1000;
const PART_BYTES = 2 ** 18;

/**
 * Writes `trace` in parts of some 256 KiB, for a file that Perfetto opens (`.pftrace`).
 *
 * @param write gets the parts in their order
 */
export function exportPerfetto(trace: Trace, write: (part: Uint8Array) => void): void {
  const sink = new PerfettoSink(trace.clock === 'ns' ? 1 : STEP_NS, write);
  drawTimeline(trace, sink);
  sink.finish();
}

class PerfettoSink implements Sink {
  readonly #nsPerUnit: number;
  readonly #write: (part: Uint8Array) => void;
  readonly #out = new ProtobufWriter();
  /** Texts that the packet under way says for the first time. */
  readonly #news = new ProtobufWriter();
  readonly #iids = {
    [INTERNED.categories]: new Map<string, number>(),
    [INTERNED.names]: new Map<string, number>(),
    [INTERNED.annotationNames]: new Map<string, number>(),
  };

  constructor(nsPerUnit: number, write: (part: Uint8Array) => void) {
    this.#nsPerUnit = nsPerUnit;
    this.#write = write;
    const start = this.#out.begin(TRACE.packet);
    this.#out.uint(PACKET.sequenceId, SEQUENCE);
    this.#out.uint(PACKET.sequenceFlags, STATE_CLEARED);
    this.#out.end(start);
  }

  finish(): void {
    this.#write(this.#out.take());
  }

  track({ id, name, parent, rank, isCounter }: Track): void {
    const out = this.#out;
    const packet = out.begin(TRACE.packet);
    out.uint(PACKET.sequenceId, SEQUENCE);
    const descriptor = out.begin(PACKET.trackDescriptor);
    out.uint(DESCRIPTOR.uuid, id);
    out.text(DESCRIPTOR.name, name);
    if (parent === undefined) out.uint(DESCRIPTOR.childOrdering, CHILD_ORDERING_EXPLICIT);
    else out.uint(DESCRIPTOR.parentUuid, parent.id);
    out.int64(DESCRIPTOR.siblingOrderRank, rank);
    if (isCounter) {
      const counter = out.begin(DESCRIPTOR.counter);
      out.uint(COUNTER.unit, UNIT_COUNT);
      out.end(counter);
    }
    out.end(descriptor);
    out.end(packet);
  }

  begin(time: number, track: Track, mark: Mark): void {
    this.#event(time, track, EventType.sliceBegin, () => this.#mark(mark));
  }

  end(time: number, track: Track, args: Args): void {
    this.#event(time, track, EventType.sliceEnd, () => this.#annotations(args));
  }

  instant(time: number, track: Track, mark: Mark): void {
    this.#event(time, track, EventType.instant, () => this.#mark(mark));
  }

  counter(time: number, track: Track, value: number): void {
    this.#event(time, track, EventType.counter, () => this.#out.int64(EVENT.counterValue, value));
  }

  #event(time: number, track: Track, type: number, fill: () => void): void {
    const out = this.#out;
    const packet = out.begin(TRACE.packet);
    out.uint(PACKET.timestamp, time * this.#nsPerUnit);
    out.uint(PACKET.sequenceId, SEQUENCE);
    out.uint(PACKET.sequenceFlags, NEEDS_STATE);
    const event = out.begin(PACKET.trackEvent);
    out.uint(EVENT.type, type);
    out.uint(EVENT.trackUuid, track.id);
    fill();
    out.end(event);
    if (this.#news.length > 0) out.message(PACKET.internedData, this.#news.take());
    out.end(packet);
    if (out.length >= PART_BYTES) this.#write(out.take());
  }

  #mark({ category, name, args, flow }: Mark): void {
    const out = this.#out;
    out.uint(EVENT.categoryIids, this.#iid(INTERNED.categories, category));
    out.uint(EVENT.nameIid, this.#iid(INTERNED.names, name));
    this.#annotations(args);
    if (flow === undefined) return;
    const field = flow.step === 'end' ? EVENT.terminatingFlowIds : EVENT.flowIds;
    out.fixed64(field, flow.id);
  }

  #annotations(args: Args): void {
    const out = this.#out;
    for (const [name, value] of Object.entries(args)) {
      const annotation = out.begin(EVENT.debugAnnotations);
      out.uint(ANNOTATION.nameIid, this.#iid(INTERNED.annotationNames, name));
      if (typeof value === 'number') out.int64(ANNOTATION.intValue, value);
      else if (typeof value === 'string') out.text(ANNOTATION.stringValue, value);
      else out.lanes(ANNOTATION.pointerValue, value);
      out.end(annotation);
    }
  }

  /** The number of a text, which is told with the packet that says it first. */
  #iid(kind: (typeof INTERNED)[keyof typeof INTERNED], text: string): number {
    const iids = this.#iids[kind];
    const known = iids.get(text);
    if (known !== undefined) return known;
    const iid = iids.size + 1;
    iids.set(text, iid);
    const start = this.#news.begin(kind);
    this.#news.uint(INTERNED_STRING.iid, iid);
    this.#news.text(INTERNED_STRING.text, text);
    this.#news.end(start);
    return iid;
  }
}
