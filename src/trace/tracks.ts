/** The tracks of a timeline, each told to the sink when it is first needed. */
import { ACTORS_MAX } from './event.ts';
import type { Args, Sink, Track } from './sink.ts';
import type { Survey } from './survey.ts';

const GROUPS = ['CPUs', 'Locks', 'Address spaces', 'Counters'] as const;
type Group = (typeof GROUPS)[number];

const NO_ARGS: Args = {};
const UNFINISHED: Args = { unfinished: 'true' };

/** A track with slices, which end in the reverse order of their beginnings. */
export class SliceTrack {
  readonly track: Track;
  readonly #sink: Sink;
  /** Keys of the slices under way, outermost first. */
  readonly #open: string[] = [];

  constructor(track: Track, sink: Sink) {
    this.track = track;
    this.#sink = sink;
  }

  /** To be called when the sink is told that a slice begins. */
  began(key: string): void {
    this.#open.push(key);
  }

  /** Ends a slice with all within it. One that is not open began before the trace did. */
  end(time: number, key: string, args: Args = NO_ARGS): void {
    const found = this.#open.lastIndexOf(key);
    if (found < 0) return;
    while (this.#open.length > found + 1) this.#endLast(time, UNFINISHED);
    this.#endLast(time, args);
  }

  /** The trace is over. */
  finish(time: number): void {
    while (this.#open.length > 0) this.#endLast(time, UNFINISHED);
  }

  #endLast(time: number, args: Args): void {
    this.#open.pop();
    this.#sink.end(time, this.track, args);
  }
}

export class Tracks {
  readonly #survey: Survey;
  readonly #sink: Sink;
  readonly #groups = new Map<string, Track>();
  readonly #slices = new Map<string, SliceTrack>();
  readonly #counters = new Map<string, Counter>();
  #count = 0;

  constructor(survey: Survey, sink: Sink) {
    this.#survey = survey;
    this.#sink = sink;
  }

  cpu(cpu: number, actor: number): SliceTrack {
    return this.#sliceTrack(`cpu ${cpu} ${actor}`, () => {
      const name = this.cpuName(cpu);
      const own = this.#survey.nameOf('actor', actor) ?? (actor === 0 ? '' : `actor ${actor}`);
      const rank = cpu * ACTORS_MAX + actor;
      return this.#add(own === '' ? name : `${name}: ${own}`, this.#group('CPUs'), rank);
    });
  }

  /** Who holds the lock alone. */
  lock(lock: number): SliceTrack {
    return this.#sliceTrack(`lock ${lock}`, () =>
      this.#add(this.lockName(lock), this.#group('Locks'), lock),
    );
  }

  /** Whether a CPU holds the lock together with others. */
  reader(lock: number, cpu: number): SliceTrack {
    return this.#sliceTrack(`lock ${lock} ${cpu}`, () => {
      const name = `${this.lockName(lock)}: ${this.cpuName(cpu)} reads`;
      return this.#add(name, this.#group('Locks'), lock);
    });
  }

  mm(mm: number): Track {
    return this.#sliceTrack(`mm ${mm}`, () =>
      this.#add(this.mmName(mm), this.#group('Address spaces'), mm),
    ).track;
  }

  counter(name: string): Counter {
    let counter = this.#counters.get(name);
    if (counter === undefined) {
      const group = this.#group('Counters');
      counter = new Counter(this.#add(name, group, this.#counters.size, true), this.#sink);
      this.#counters.set(name, counter);
    }
    return counter;
  }

  finish(time: number): void {
    for (const slices of this.#slices.values()) slices.finish(time);
  }

  cpuName(cpu: number): string {
    return this.#survey.nameOf('cpu', cpu) ?? `CPU ${cpu}`;
  }

  lockName(lock: number): string {
    return this.#survey.nameOf('lock', lock) ?? `lock ${lock}`;
  }

  mmName(mm: number): string {
    return this.#survey.nameOf('mm', mm) ?? `mm ${mm}`;
  }

  #sliceTrack(key: string, make: () => Track): SliceTrack {
    let slices = this.#slices.get(key);
    if (slices === undefined) {
      slices = new SliceTrack(make(), this.#sink);
      this.#slices.set(key, slices);
    }
    return slices;
  }

  #group(name: Group): Track {
    const known = this.#groups.get(name);
    if (known !== undefined) return known;
    const group = this.#add(name, undefined, GROUPS.indexOf(name));
    this.#groups.set(name, group);
    return group;
  }

  #add(name: string, parent: Track | undefined, rank: number, isCounter = false): Track {
    const track = { id: ++this.#count, name, parent, rank, isCounter };
    this.#sink.track(track);
    return track;
  }
}

/** A value that changes. */
export class Counter {
  readonly #track: Track;
  readonly #sink: Sink;
  #value = 0;

  constructor(track: Track, sink: Sink) {
    this.#track = track;
    this.#sink = sink;
  }

  add(time: number, change: number): void {
    this.set(time, this.#value + change);
  }

  set(time: number, value: number): void {
    if (value !== this.#value) this.#sink.counter(time, this.#track, value);
    this.#value = value;
  }
}
