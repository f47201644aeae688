/** What happened, as data: written by the engine, read by everybody else. */
export { CHROME_EVENTS_MAX, exportChrome } from './chrome.ts';
export { decodeTrace, TraceDecoder, type TraceLimits } from './decode.ts';
export { encodeTrace, VERSION } from './encode.ts';
export {
  Access,
  CHOICES,
  EVENTS,
  type EventName,
  Mode,
  Outcome,
  Scope,
  Subject,
  Target,
  type TraceEvent,
} from './event.ts';
export { exportPerfetto } from './perfetto.ts';
export { events } from './reader.ts';
export type { TraceOptions } from './record_writer.ts';
export { Count, Tally, type TallySize } from './tally.ts';
export { CLOCKS, type Clock, type Operation, type Trace } from './trace.ts';
export { Mend, TraceError } from './trace_error.ts';
export type { Witness } from './witness.ts';
export { TraceWriter } from './writer.ts';
