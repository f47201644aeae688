/** What a trace says of a machine besides what happens: what was there before. */
import type { Witness } from '../trace/index.ts';
import type { Machine } from './machine.ts';
import { orderOf } from './page/frame.ts';
import { isTableAt, tableAt } from './table/pgtable.ts';
import { tellLink } from './world/tell.ts';
import { FrameFlag, NONE } from './world/world.ts';

/** Tells `trace` of all folios and tables, as if they were made now: a trace may begin at any time. */
export function traceState(machine: Machine, trace: Witness): void {
  const { format, frameFlags, frameReferences, size, tableUsed } = machine;
  for (let frame = 0; frame < size.frames; frame++) {
    const isOwn = (frameFlags[frame]! & (FrameFlag.TAIL | FrameFlag.RESERVED)) === 0;
    if (isOwn && frameReferences[frame]! > 0) trace.folioAlloc(frame, orderOf(machine, frame));
  }
  for (let table = 0; table < size.tables; table++) {
    if (tableUsed[table] === 1) traceTable(machine, trace, table);
  }
  for (const { id, root } of machine.mms.all()) {
    trace.tableLink(id, root, NONE, 0, format.levels - 1, 0);
    traceLinks(machine, trace, id, root, format.levels - 1, 0);
  }
}

function traceTable(machine: Machine, trace: Witness, table: number): void {
  const { lanes, tableEntries } = machine;
  trace.tableAlloc(table);
  for (let index = 0; index < tableEntries; index++) {
    const slot = table * tableEntries + index;
    const [low, high] = [lanes[slot * 2]!, lanes[slot * 2 + 1]!];
    if ((low | high) !== 0) trace.entryWrite(table, index, 0, 0, low, high);
  }
}

/** The tables below `table`, of `level`, which maps pages from `start` on. */
function traceLinks(
  machine: Machine,
  trace: Witness,
  mm: number,
  table: number,
  level: number,
  start: number,
): void {
  if (level === 0) return;
  const { format, tableEntries } = machine;
  for (let index = 0; index < 2 ** format.indexBits[level]!; index++) {
    const slot = table * tableEntries + index;
    if (!isTableAt(machine, slot, level)) continue;
    const below = tableAt(machine, slot, level);
    const page = start + index * format.entryPages[level]!;
    tellLink(trace, machine, mm, below, slot, level, page);
    traceLinks(machine, trace, mm, below, level - 1, page);
  }
}
