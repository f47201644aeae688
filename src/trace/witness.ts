/** Who is told what an engine does while it runs: to write it down (`writer.ts`), or to count it. */
import type { TraceWriter } from './writer.ts';

/** The events of an engine, as `TraceWriter` takes them. */
export type Witness = Pick<
  TraceWriter,
  | 'time'
  | 'cpu'
  | 'actor'
  | 'lockName'
  | 'lockAcquired'
  | 'lockReleased'
  | 'lockDowngraded'
  | 'lockBusy'
  | 'entryWrite'
  | 'tableAlloc'
  | 'tableFree'
  | 'tableLink'
  | 'tableUnlink'
  | 'folioAlloc'
  | 'folioFree'
  | 'flush'
  | 'ipiSent'
  | 'ipiHandled'
  | 'ipiAcknowledged'
  | 'faultBegin'
  | 'faultEnd'
  | 'gracePeriodBegin'
  | 'gracePeriodEnd'
  | 'obligationOpened'
  | 'obligationDischarged'
  | 'violation'
>;
