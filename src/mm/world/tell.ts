/** What takes more than a call to tell a trace. Nothing here changes the world. */
import { Scope, type Witness } from '../../trace/index.ts';
import { NONE, type World } from './world.ts';

/** The CPU that runs flushes the pages `[start, end)` of `mm` from its TLB, or from those of all. */
export function tellFlush(
  trace: Witness,
  { size }: World,
  mm: number,
  start: number,
  end: number,
): void {
  const scope = size.flush === 'broadcast' ? Scope.broadcast : Scope.local;
  trace.flush(scope, mm, start, end);
}

/** `cpu` asks `target` for what stands in its request: to flush, or only to answer. */
export function tellRequest(trace: Witness, world: World, cpu: number, target: number): void {
  const mm = world.requestMm[cpu]!;
  if (mm === NONE) trace.ipiSent(target, NONE, 0, 0);
  else trace.ipiSent(target, mm, world.requestStart[cpu]!, world.requestEnd[cpu]!);
}

/** `cpu` does what stands in the request of `sender`. */
export function tellHandling(trace: Witness, world: World, sender: number): void {
  trace.ipiHandled(sender);
  const mm = world.requestMm[sender]!;
  if (mm === NONE) return;
  tellFlush(trace, world, mm, world.requestStart[sender]!, world.requestEnd[sender]!);
}

/** An entry is about to get these lanes. */
export function tellEntry(
  trace: Witness,
  { lanes, tableEntries }: World,
  slot: number,
  low: number,
  high: number,
): void {
  const table = Math.floor(slot / tableEntries);
  const index = slot % tableEntries;
  trace.entryWrite(table, index, lanes[slot * 2]!, lanes[slot * 2 + 1]!, low, high);
}

/** `table` maps what the entry of `level` at `slot`, for `page`, stands for. */
export function tellLink(
  trace: Witness,
  { format, tableEntries }: World,
  mm: number,
  table: number,
  slot: number,
  level: number,
  page: number,
): void {
  // One that a bug has taken for a table is none.
  if (table < 0) return;
  const parent = Math.floor(slot / tableEntries);
  const span = format.entryPages[level]!;
  const start = Math.floor(page / span) * span;
  trace.tableLink(mm, table, parent, slot % tableEntries, level - 1, start);
}

/** `table` is not linked at `slot` any longer. */
export function tellUnlink(
  trace: Witness,
  { tableEntries }: World,
  mm: number,
  table: number,
  slot: number,
): void {
  if (table < 0) return;
  trace.tableUnlink(mm, table, Math.floor(slot / tableEntries), slot % tableEntries);
}
