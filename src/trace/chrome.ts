/**
 * Small traces as Chrome JSON ("Trace Event Format"), which DevTools, speedscope and Perfetto open.
 *
 * A group of tracks is a process there, and a track a thread.
 *
 * @source "Trace Event Format", the document of the Chromium project
 */
import type { Args, Mark, Sink, Track } from './sink.ts';
import { drawTimeline } from './timeline.ts';
import type { Trace } from './trace.ts';
import { Mend, TraceError } from './trace_error.ts';

/** Some 40 MB of JSON; viewers parse it as a whole. */
export const CHROME_EVENTS_MAX = 200_000;
const NS_PER_US = 1000;

/**
 * A step is a microsecond.
 *
 * @throws TraceError if the trace is too large for this format
 */
export function exportChrome(trace: Trace): string {
  if (trace.events > CHROME_EVENTS_MAX) {
    const what = `it has ${trace.events} events, and Chrome JSON is for ${CHROME_EVENTS_MAX} at most`;
    throw new TraceError('export', what, Mend.PERFETTO);
  }
  const sink = new ChromeSink(trace.clock === 'ns' ? NS_PER_US : 1);
  drawTimeline(trace, sink);
  return `{"displayTimeUnit":"ns","traceEvents":[\n${sink.lines.join(',\n')}\n]}\n`;
}

interface Slice {
  readonly line: number;
  readonly time: number;
  readonly mark: Mark;
}

class ChromeSink implements Sink {
  readonly lines: string[] = [];
  readonly #unitsPerUs: number;
  /** Places in `lines` of the slices under way, by track. */
  readonly #open = new Map<number, Slice[]>();

  constructor(unitsPerUs: number) {
    this.#unitsPerUs = unitsPerUs;
  }

  track(track: Track): void {
    const { parent, name, rank, isCounter } = track;
    if (isCounter) return;
    const place = placeOf(track);
    const of = parent === undefined ? 'process' : 'thread';
    this.#add({ ph: 'M', ...place, name: `${of}_name`, args: { name } });
    this.#add({ ph: 'M', ...place, name: `${of}_sort_index`, args: { sort_index: rank } });
  }

  /**
   * A slice becomes one event, whose length is not known yet: DevTools takes beginnings and ends of
   * all threads for those of one.
   */
  begin(time: number, track: Track, mark: Mark): void {
    const slice = { line: this.lines.push('') - 1, time, mark };
    const open = this.#open.get(track.id);
    if (open === undefined) this.#open.set(track.id, [slice]);
    else open.push(slice);
    this.#flow(time, track, mark);
  }

  end(time: number, track: Track, args: Args): void {
    const { line, time: began, mark } = this.#open.get(track.id)!.pop()!;
    const all = { ...mark, args: { ...mark.args, ...args } };
    const dur = (time - began) / this.#unitsPerUs;
    this.lines[line] = JSON.stringify({ ph: 'X', dur, ...this.#at(began, track), ...shown(all) });
  }

  /** A flow goes through slices only: an instant with one is a slice of no length. */
  instant(time: number, track: Track, mark: Mark): void {
    const kind = mark.flow === undefined ? { ph: 'i', s: 't' } : { ph: 'X', dur: 0 };
    this.#add({ ...kind, ...this.#at(time, track), ...shown(mark) });
    this.#flow(time, track, mark);
  }

  counter(time: number, track: Track, value: number): void {
    this.#add({ ph: 'C', ...this.#at(time, track), name: track.name, args: { value } });
  }

  /** Belongs to the slice of the same time, place and category. */
  #flow(time: number, track: Track, { category, flow }: Mark): void {
    if (flow === undefined) return;
    const place = { ...this.#at(time, track), cat: category, name: 'flow', id: flow.id };
    if (flow.step === 'end') this.#add({ ph: 'f', bp: 'e', ...place });
    else this.#add({ ph: flow.step === 'start' ? 's' : 't', ...place });
  }

  #at(time: number, track: Track): object {
    return { ts: time / this.#unitsPerUs, ...placeOf(track) };
  }

  #add(event: object): void {
    this.lines.push(JSON.stringify(event));
  }
}

function placeOf({ id, parent }: Track): object {
  return { pid: parent?.id ?? id, tid: id };
}

function shown({ category, name, args }: Mark): object {
  return { cat: category, name, args: Object.fromEntries(Object.entries(args).map(shownArg)) };
}

/** JSON has no hexadecimal numbers, and its numbers no 64 bits. */
function shownArg([name, value]: [string, Args[string]]): [string, number | string] {
  if (typeof value !== 'object') return [name, value];
  const digits = (word: number): string => word.toString(16).padStart(8, '0');
  return [name, `0x${digits(value.high)}${digits(value.low)}`];
}
